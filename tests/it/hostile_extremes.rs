//! Events nobody writes by hand: too deep, too long, cyclic, from the year 9999, with ids that are paths. Each is digested or set aside,
//! the queue goes on, and every page stays small and says what was left out.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Page, Project, TestApp, exception};

/// Largest page an event may make, in bytes.
const PAGE_LEN_MAX: usize = 1_500_000;

fn frames(count: usize) -> Value {
    let frame = |n: usize| json!({ "function": format!("f{n}"), "filename": "shop/deep.py", "lineno": n, "in_app": n.is_multiple_of(2), "context_line": "call()", "vars": { "n": n } });
    (0..count).map(frame).collect()
}

/// A name and the payload of an event as sent.
fn extremes() -> Vec<(&'static str, String)> {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let chained = |ids: &[(i64, i64)]| -> Value {
        let value = |(id, parent): &(i64, i64)| json!({ "type": format!("E{id}"), "value": "x", "mechanism": { "type": "chained", "exception_id": id, "parent_id": parent, "is_exception_group": true } });
        json!({ "exception": { "values": ids.iter().map(value).collect::<Vec<_>>() } })
    };
    let many: serde_json::Map<_, _> = (0..500).map(|n| (format!("tag{n}"), json!(format!("value {n}")))).collect();
    let mut wild_lines = exception("WildLines", "x", "pay");
    for (field, value) in
        [("lineno", json!(i64::MAX)), ("colno", json!(i64::MIN)), ("pre_context", json!(["a", "b"])), ("post_context", json!(["c"]))]
    {
        wild_lines["exception"]["values"][0]["stacktrace"]["frames"][0][field] = value;
    }
    let mut low_lines = wild_lines.clone();
    low_lines["exception"]["values"][0]["stacktrace"]["frames"][0]["lineno"] = json!(i64::MIN);
    let mut locals = exception("MegabyteLocals", "x", "pay");
    locals["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"] = json!({ "blob": "x".repeat(900_000), "after": "kept" });
    vec![
        ("deep list", format!("{{\"message\":\"deep list\",\"extra\":{{\"x\":{}}}}}", deep("[", "]"))),
        ("deep object", format!("{{\"message\":\"deep object\",\"extra\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000))),
        ("deep exception", format!("{{\"exception\":{}}}", deep("[", "]"))),
        ("unclosed", format!("{{\"message\":\"unclosed\",\"extra\":{}", "[".repeat(10_000))),
        ("two parents of each other", chained(&[(0, 1), (1, 0)]).to_string()),
        ("its own parent", chained(&[(0, 0), (1, 1)]).to_string()),
        ("a ring far away", chained(&[(5, 6), (6, 7), (7, 5), (0, 99), (-1, i64::MAX)]).to_string()),
        ("thousands of exceptions", chained(&(0..3_000).map(|n| (n, n - 1)).collect::<Vec<_>>()).to_string()),
        ("ten thousand frames", json!({ "exception": [{ "type": "Deep", "value": "x", "stacktrace": { "frames": frames(5_000) } }] }).to_string()),
        ("many threads", json!({ "threads": (0..500).map(|n| json!({ "id": n, "stacktrace": { "frames": frames(15) } })).collect::<Vec<_>>() }).to_string()),
        ("five hundred tags", json!({ "message": "tags", "tags": many }).to_string()),
        ("ten thousand breadcrumbs", json!({ "message": "crumbs", "breadcrumbs": vec![json!({ "message": "clicked on something" }); 10_000] }).to_string()),
        ("megabyte locals", locals.to_string()),
        ("wild lines", wild_lines.to_string()),
        ("low lines", low_lines.to_string()),
        ("year 9999", json!({ "message": "year 9999", "timestamp": "9999-12-31T23:59:59.999999Z", "breadcrumbs": [{ "message": "m", "timestamp": 1e300 }] }).to_string()),
        ("before Christ", json!({ "message": "before Christ", "timestamp": -300_000_000_000_i64, "breadcrumbs": [{ "message": "m", "timestamp": -1e18 }] }).to_string()),
        ("odd shapes", json!({ "message": [], "exception": "text", "tags": [[1, 2], [null], 7], "breadcrumbs": 7, "request": "x", "user": [], "contexts": 5,
            "fingerprint": {}, "level": {}, "modules": [], "extra": [1], "sdk": [], "release": [], "environment": {}, "platform": 7, "debug_meta": 1, "_meta": [] }).to_string()),
        ("odd fingerprint", json!({ "message": "odd fingerprint", "fingerprint": [null, 1, {}, [], "", "x".repeat(50_000)] }).to_string()),
        ("empty", "{}".to_owned()),
        ("long names", json!({ "message": "m".repeat(100_000), "release": "r".repeat(10_000), "environment": "e/\n\u{202e}".repeat(1_000), "transaction": "t".repeat(50_000),
            "logger": "l".repeat(50_000), "user": { "id": "u".repeat(50_000), "email": "@".repeat(9_000) } }).to_string()),
        ("control characters", "{\"message\":\"\\u0000\\u001b[31m\\ud800 \\u202e\",\"tags\":{\"\\u0000\":\"\\u0000\"},\"release\":\"\\u0000\"}".to_owned()),
        ("numbers out of range", "{\"message\":\"numbers\",\"extra\":{\"a\":1e999,\"b\":-1e999,\"c\":123456789012345678901234567890,\"d\":NaN,\"e\":-0.0}}".to_owned()),
    ]
}

async fn send(app: &TestApp, project: &Project, payload: &str) -> StatusCode {
    let body = format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{payload}\n", payload.len());
    app.sdk(project).envelope(body).await.status
}

#[track_caller]
fn assert_bounded(page: &Page, what: &str) {
    assert_eq!(page.status, StatusCode::OK, "{what} at {}: {}", page.path, page.text());
    assert!(page.html.len() < PAGE_LEN_MAX, "{what} makes {} of {} bytes", page.path, page.html.len());
}

#[tokio::test]
async fn every_extreme_is_digested_or_set_aside_and_its_pages_stay_small() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    let token = app.token(&app.owner().await, &["event:read"]).await;
    let count = async |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&app.db).await.expect("a count");
    for (name, payload) in extremes() {
        let (events, letters) = (count("SELECT count(*) FROM events").await, count("SELECT count(*) FROM dead_letters").await);
        assert_eq!(send(&app, &project, &payload).await, StatusCode::OK, "{name}");
        app.settle().await;
        assert_eq!(app.app.spool.depth().entry_count, 0, "{name} is stuck");
        let stored = count("SELECT count(*) FROM events").await - events;
        assert_eq!(stored + count("SELECT count(*) FROM dead_letters").await - letters, 1, "{name} ends in one outcome");
        if stored == 0 {
            continue;
        }
        let (issue, event): (i64, uuid::Uuid) =
            sqlx::query_as("SELECT issue_id, event_id FROM events ORDER BY received_at DESC, issue_id DESC LIMIT 1")
                .fetch_one(&app.db)
                .await
                .expect("the event");
        for path in [
            format!("/issues/{issue}"),
            format!("/issues/{issue}/events/{}?frames=all&crumbs=all&exc=1", event.simple()),
            format!("/issues/{issue}/events/latest.txt"),
            format!("/issues/{issue}/events"),
            format!("/issues/{issue}/tags"),
            "/shop-web/issues".to_owned(),
        ] {
            assert_bounded(&browser.open(&path).await, name);
        }
        let answer = app.api(&token).get(&format!("/api/0/issues/{issue}/events/latest/")).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {:?}", answer.json["detail"]);
    }
    assert_bounded(&browser.open("/admin").await, "dead letters");
    assert!(count("SELECT count(*) FROM dead_letters").await <= 4, "only what is no JSON is set aside");
    assert_eq!(count("SELECT count(*) FROM events_default").await, 0, "no event lies outside of its day");
    assert_eq!(count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass").await, 5, "no stray partition");
    app.sdk(&project).raise("GoodError", "after all that", "pay").await;
    app.settle().await;
    browser.open("/shop-web/issues").await.assert_shows("GoodError");
}

#[tokio::test]
async fn a_page_says_what_was_trimmed() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    for (name, said) in [
        ("ten thousand frames", "frames"),
        ("five hundred tags", "tags"),
        ("ten thousand breadcrumbs", "breadcrumbs"),
        ("megabyte locals", "vars"),
        ("year 9999", "timestamp"),
        ("odd fingerprint", "fingerprint"),
        ("thousands of exceptions", "exception"),
    ] {
        let (_, payload) = extremes().into_iter().find(|(known, _)| *known == name).expect("a known extreme");
        send(&app, &project, &payload).await;
        app.settle().await;
        let issue: i64 = sqlx::query_scalar("SELECT max(id) FROM issues").fetch_one(&app.db).await.expect("an issue");
        let page = browser.open(&format!("/issues/{issue}")).await;
        let json: Value = serde_json::from_str(&browser.open(&format!("/issues/{issue}/events/latest.json")).await.html).expect("JSON");
        let noted =
            json["damage"].as_array().into_iter().flatten().find(|one| one["path"].as_str().is_some_and(|path| path.contains(said)));
        let Some(noted) = noted else { panic!("{name}: no note on {said} in {}", json["damage"]) };
        page.assert_shows(noted["what"].as_str().expect("a text"));
    }
}

#[tokio::test]
async fn ids_that_are_paths_name_nothing() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    for id in ["../../../etc/passwd", "..%2f..%2fx", "\0", "9ec79c33ec9942ab8353589fcb2e04d\0", "-", "", "{}"] {
        let sent = app.sdk(&project).store(&json!({ "event_id": id, "message": "named like a path" })).await;
        assert_eq!(sent.status, StatusCode::OK, "{id:?}");
        let given = sent.body["id"].as_str().expect("an id is answered");
        assert!(given.len() == 32 && given.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id:?} became {given}");
    }
    let body = "{\"event_id\":\"../../x\"}\n{\"type\":\"event\",\"filename\":\"../../../tmp/x\"}\n{\"message\":\"a path in the header\"}\n";
    let sent = app.sdk(&project).envelope(body).await;
    assert!(sent.status == StatusCode::OK || sent.status == StatusCode::BAD_REQUEST, "{}", sent.status);
    app.settle().await;
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&app.db).await.expect("a count");
    assert!(stored >= 7, "{stored}");
    let mut outside = Vec::new();
    let mut folders = vec![app.data_dir().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains("passwd") || path.ends_with("x") {
                outside.push(path);
            }
        }
    }
    assert!(outside.is_empty(), "{outside:?}");
}

#[tokio::test]
async fn the_same_event_id_in_two_projects_is_two_events() {
    let app = TestApp::start().await;
    let (shop, bank) = (app.project("shop-web").await, app.project("bank").await);
    let id = "9ec79c33ec9942ab8353589fcb2e04dc";
    for (project, kind) in [(&bank, "VaultError"), (&shop, "ShopError")] {
        let mut event = exception(kind, "x", "pay");
        event["event_id"] = json!(id);
        app.sdk(project).capture(event).await;
    }
    app.settle().await;
    let member = app.person("eve@shop.example", "member").await;
    app.join(&shop, &member).await;
    let browser = app.sign_in(&member).await;
    let page = browser.open(&format!("/events/{id}")).await;
    page.assert_shows("ShopError");
    page.assert_hides("VaultError");
    let shop_issue: i64 =
        sqlx::query_scalar("SELECT id FROM issues WHERE project_id = $1").bind(shop.id).fetch_one(&app.db).await.expect("an issue");
    let raw = browser.open(&format!("/issues/{shop_issue}/events/{id}.json")).await;
    assert!(raw.html.contains("ShopError") && !raw.html.contains("VaultError"), "{}", raw.html);
    let token = app.token(&member, &["event:read"]).await;
    let answer = app.api(&token).get(&format!("/api/0/organizations/bugle/eventids/{id}/")).await;
    assert_eq!(answer.json["projectSlug"], "shop-web");
    assert!(!answer.json.to_string().contains("VaultError"));
}

#[tokio::test]
async fn nothing_in_an_event_or_a_name_adds_to_a_mail() {
    const EVIL: &str = "Boom\r\nBcc: all@evil.example\r\n\r\n<script>alert(1)</script><a href=\"https://evil.example\">here</a>";
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    sqlx::query("UPDATE projects SET name = $1").bind(EVIL).execute(&app.db).await.expect("renamed");
    sqlx::query("UPDATE users SET name = $1").bind(EVIL).execute(&app.db).await.expect("renamed");
    sqlx::query("UPDATE alert_rules SET name = $1").bind(EVIL).execute(&app.db).await.expect("renamed");
    let mut event = exception(EVIL, EVIL, EVIL);
    for field in ["release", "environment", "transaction", "culprit", "logger"] {
        event[field] = json!(EVIL);
    }
    let frame = &mut event["exception"]["values"][0]["stacktrace"]["frames"][0];
    for field in ["filename", "module", "context_line", "abs_path"] {
        frame[field] = json!(EVIL);
    }
    app.sdk(&project).capture(event.clone()).await;
    app.settle().await;
    // One by one, then several in one mail, then one that comes back.
    for n in 0..7 {
        event["fingerprint"] = json!([format!("{n}")]);
        app.sdk(&project).capture(event.clone()).await;
    }
    app.live_through(time::Duration::minutes(5)).await;
    let browser = app.sign_in_owner().await;
    let issue: i64 = sqlx::query_scalar("SELECT min(id) FROM issues").fetch_one(&app.db).await.expect("an issue");
    browser.submit(&format!("/issues/{issue}/resolve"), &[]).await;
    app.live_through(time::Duration::minutes(30)).await;
    event["fingerprint"] = json!(null);
    app.sdk(&project).capture(event).await;
    app.live_through(time::Duration::minutes(5)).await;
    browser.submit("/members/invite", &[("email", "new@shop.example"), ("role", "member")]).await;
    app.settle().await;

    let mails = app.mails();
    assert!(mails.len() >= 3, "{}", mails.len());
    for mail in mails {
        assert!(mail.to.iter().all(|to| to.ends_with("@shop.example")), "{:?}", mail.to);
        let known = [
            "from",
            "to",
            "subject",
            "date",
            "message-id",
            "auto-submitted",
            "in-reply-to",
            "references",
            "list-unsubscribe",
            "list-unsubscribe-post",
            "mime-version",
            "content-type",
            "content-transfer-encoding",
        ];
        for (name, value) in &mail.headers {
            assert!(known.contains(&name.to_ascii_lowercase().as_str()), "{name}: {value}");
            assert!(!value.contains(['\r', '\n']), "{name}: {value}");
        }
        assert!(!mail.html.contains("<script") && !mail.html.contains("href=\"https://evil"), "{}", mail.html);
        let links = mail.html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
        assert!(links.clone().all(|link| link.starts_with(&app.config.url)), "{:?}", links.collect::<Vec<_>>());
        assert!(!mail.text.lines().any(|line| line.starts_with("Bcc:")), "{}", mail.text);
    }
}
