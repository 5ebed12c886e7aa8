//! What a project wants scrubbed: chosen on a page, held by every node within seconds; tried on a file.

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Node, Project, Site, TestApp};

fn event(number: u32) -> Value {
    json!({"event_id": format!("{number:032x}"), "message": "pay from 203.0.113.7", "logger": "shop",
        "user": {"email": "ada@shop.example", "ip_address": "203.0.113.7"},
        "extra": {"customerIban": "DE89-3704", "token_kind": "refresh", "password": "hunter2", "card": 4_111_111_111_111_111_u64},
        "request": {"url": "https://shop.example/pay", "headers": {"X-Forwarded-For": "203.0.113.7"}, "env": {"REMOTE_ADDR": "203.0.113.7"}}})
}

async fn stored(app: &TestApp, project: &Project, number: u32) -> Value {
    let browser = app.sign_in_owner().await;
    let issue: i64 = sqlx::query_scalar("SELECT issue_id FROM events WHERE project_id = $1 AND event_id = $2::uuid")
        .bind(project.id)
        .bind(uuid::Uuid::from_u128(number.into()))
        .fetch_one(&app.db)
        .await
        .expect("the event is stored");
    let page = browser.open(&format!("/issues/{issue}/events/{number:032x}.json")).await;
    serde_json::from_str(&page.html).expect("the raw event is JSON")
}

#[tokio::test]
async fn what_a_project_chooses_holds_within_seconds_on_every_node() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    node.accept(&project, &event(1)).await;
    node.digest_all().await;
    let before = stored(&app, &project, 1).await.to_string();
    assert!(
        before.contains("203.0.113.7") && before.contains("DE89") && before.contains("ada@") && !before.contains("hunter2"),
        "{before}"
    );

    let browser = app.sign_in_owner().await;
    let form = [("defaults", "on"), ("names", "iban"), ("safe", "token_kind"), ("emails", "on"), ("addresses", "drop_everywhere")];
    let saved = browser.submit("/shop/settings/scrubbing", &form).await;
    saved.assert_shows("Saved.");
    assert!(saved.html.contains(">iban</textarea>") && saved.html.contains(r#"value="drop_everywhere" checked"#));

    app.advance(Duration::seconds(3)).await;
    node.accept(&project, &event(2)).await;
    node.digest_all().await;
    let after = stored(&app, &project, 2).await.to_string();
    assert!(!["203.0.113.7", "DE89", "ada@", "hunter2", "4111"].iter().any(|secret| after.contains(secret)), "{after}");
    assert!(after.contains("refresh") && after.contains("[Filtered IP address]") && after.contains("[Filtered e-mail]"), "{after}");
    let people: i64 = sqlx::query_scalar("SELECT count(*) FROM issue_people").fetch_one(&app.db).await.expect("a count");
    assert_eq!(people, 1, "who is not known any more is not counted");

    let other = app.project("stock").await;
    node.accept(&other, &event(3)).await;
    node.digest_all().await;
    assert!(stored(&app, &other, 3).await.to_string().contains("ada@"), "another project has rules of its own");
}

#[tokio::test]
async fn a_page_says_which_rule_it_was() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    app.sdk(&project).capture(json!({"message": "x", "extra": {"text": "paid with 4111111111111111", "password": "hunter2"}})).await;
    app.settle().await;
    let page = app.sign_in_owner().await.open("/issues/1").await;
    assert!(page.html.contains("scrubbed: card number") && page.html.contains("It was a payment card number."), "{}", page.html);
    assert!(page.html.contains("Its name promises a secret."));
}

#[tokio::test]
async fn what_cannot_be_understood_is_said_by_line_and_nothing_is_saved() {
    let app = TestApp::start().await;
    app.project("shop").await;
    let browser = app.sign_in_owner().await;
    let page = browser.submit("/shop/settings/scrubbing", &[("names", "iban\na*b"), ("safe", "extra..x"), ("addresses", "keep")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows("Line 2: in “a*b” a star stands inside a name");
    page.assert_shows("Line 1: “extra..x” has no letter or digit");
    assert!(page.html.contains("a*b</textarea>"), "what was typed stays");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM scrubbing").fetch_one(&app.db).await.expect("a count");
    assert_eq!(rows, 0);
}

#[test]
fn the_command_tries_rules_on_a_file_without_a_database() {
    let site = Site::new();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), event(1).to_string()).expect("written");
    let path = file.path().to_str().expect("a path");
    let done = site.run(&["scrub", path, "--name", "iban", "--addresses", "drop", "--report", "json"]);
    assert!(done.status.success());
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    let event: Value = serde_json::from_str(&out).expect("the event");
    assert_eq!((&event["extra"]["password"], &event["extra"]["customerIban"]), (&json!("[Filtered]"), &json!("[Filtered]")));
    let report: Vec<Value> = serde_json::from_str(&err).expect("the report");
    let told = |path: &str, rule: &str| report.iter().any(|row| row["path"] == path && row["rule"] == rule);
    assert!(told("extra.password", "name") && told("extra.card", "name") && told("user.ip_address", "IP address"), "{err}");

    let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{}\n{{\"type\":\"attachment\",\"length\":12}}\nAPI_KEY=abcd\n", self::event(2));
    std::fs::write(file.path(), envelope).expect("written");
    let done = site.run(&["scrub", path]);
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(out.contains("API_KEY=[Filtered]") && !out.contains("hunter2"), "{out}");
    assert!(err.contains("item 1 (event): extra.password: name") && err.contains("item 2 (attachment): text: name"), "{err}");

    for (args, code) in [(&["scrub", "/nowhere"][..], 1), (&["scrub", path, "--name", "a*b"], 1), (&["scrub", "--report", "xml"], 2)] {
        assert_eq!(site.run(args).status.code(), Some(code), "{args:?}");
    }
}

#[tokio::test]
async fn a_secret_in_a_name_is_known_before_the_name_is_cut_to_its_length_and_letters() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let names = ["logger", "transaction", "culprit", "server_name", "release", "dist", "environment"];
    for (number, before) in [(1, 0), (2, 30), (3, 165)] {
        let secret = format!("{} postgres://ada:Planted-{number}-Secret@db.shop.example/orders", "x".repeat(before));
        let mut event = json!({ "event_id": format!("{number:032x}"), "message": "hello" });
        names.iter().for_each(|name| event[name] = json!(secret));
        event["tags"] = json!([[secret, "as a key"], ["value", secret]]);
        app.sdk(&project).store(&event).await;
        app.settle().await;
        let kept = stored(&app, &project, number).await;
        assert!(!kept.to_string().contains("Planted"), "{kept}");
        if before == 0 {
            for name in names {
                assert!(kept[name].as_str().is_some_and(|name| name.contains("[Filtered")), "the mark is seen in {name}: {kept}");
            }
        }
    }
    let counted: Vec<String> =
        sqlx::query_scalar("SELECT key || value FROM issue_tags UNION SELECT name FROM environments UNION SELECT version FROM releases")
            .fetch_all(&app.db)
            .await
            .expect("readable");
    assert!(!counted.iter().any(|text| text.contains("Planted")), "{counted:?}");
}
