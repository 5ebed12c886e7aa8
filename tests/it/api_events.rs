//! Events through the Web API: found by id, from an issue, from a project, with everything an SDK sent.

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Answer, Api, Project, TestApp, exception};

async fn start() -> (TestApp, Project, Api) {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let api = app.api(&app.token(&app.owner().await, &["event:read"]).await);
    (app, project, api)
}

async fn only_issue(app: &TestApp) -> String {
    let id: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("one issue");
    id.to_string()
}

/// Event ids of a list, in its order.
fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    answer.json.as_array().expect("a list").iter().map(|event| event["eventID"].as_str().expect("an id").to_owned()).collect()
}

fn next(answer: &Answer) -> Option<String> {
    let link = answer.headers["link"].to_str().expect("ASCII");
    let entry = link.split(", <").find(|entry| entry.contains("rel=\"next\"")).expect("a next entry");
    entry.contains("results=\"true\"").then(|| entry.split("cursor=\"").nth(1).expect("a cursor").trim_end_matches('"').to_owned())
}

fn entry<'a>(event: &'a Value, kind: &str) -> &'a Value {
    let entries = event["entries"].as_array().expect("entries");
    entries.iter().find(|entry| entry["type"] == kind).map(|entry| &entry["data"]).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn an_event_holds_what_was_sent_and_leads_to_its_issue() {
    let (app, project, api) = start().await;
    let mut event = exception("PaymentError", "card declined", "pay");
    for (key, value) in json!({
        "release": "shop@3.2.0", "environment": "production", "server_name": "web-1", "transaction": "/orders/{id}/pay/", "dist": "17",
        "user": { "id": "7", "email": "ann@example.org", "plan": "gold" }, "tags": { "customer": "acme" },
        "contexts": { "runtime": { "name": "CPython", "version": "3.13.0" } }, "extra": { "cart": 3 },
        "request": { "url": "https://shop.example/orders/7/pay/", "method": "POST", "query_string": "a=1", "headers": { "Accept": "text/html" } },
        "breadcrumbs": { "values": [{ "category": "query", "message": "SELECT 1", "timestamp": 1_795_176_000 }] },
    })
    .as_object()
    .expect("an object")
    {
        event[key] = value.clone();
    }
    let frame = &mut event["exception"]["values"][0]["stacktrace"]["frames"][0];
    frame["pre_context"] = json!(["def pay(request):"]);
    frame["post_context"] = json!(["    return done"]);
    frame["vars"] = json!({ "amount": "12" });
    let id = app.sdk(&project).capture(event).await;
    app.settle().await;
    let issue = only_issue(&app).await;

    let shown = api.get(&format!("/api/0/projects/bugle/shop-web/events/{id}/")).await.json;
    assert_eq!((shown["eventID"].as_str(), shown["groupID"].as_str()), (Some(id.as_str()), Some(issue.as_str())));
    assert_eq!((shown["title"].as_str(), shown["type"].as_str()), (Some("PaymentError: card declined"), Some("error")));
    assert_eq!((shown["release"]["version"].as_str(), shown["dist"].as_str()), (Some("shop@3.2.0"), Some("17")));
    assert_eq!((shown["user"]["email"].as_str(), shown["user"]["data"]["plan"].as_str()), (Some("ann@example.org"), Some("gold")));
    assert_eq!((shown["contexts"]["runtime"]["name"].as_str(), shown["context"]["cart"].as_i64()), (Some("CPython"), Some(3)));
    let tags = shown["tags"].as_array().expect("tags");
    for (key, value) in
        [("customer", "acme"), ("environment", "production"), ("level", "error"), ("release", "shop@3.2.0"), ("server_name", "web-1")]
    {
        assert_eq!(tags.iter().filter(|tag| tag["key"] == key).collect::<Vec<_>>(), [&json!({ "key": key, "value": value })], "{tags:?}");
    }
    let raised = &entry(&shown, "exception")["values"][0];
    let frame = &raised["stacktrace"]["frames"][0];
    assert_eq!(
        (raised["type"].as_str(), frame["inApp"].as_bool(), frame["vars"]["amount"].as_str()),
        (Some("PaymentError"), Some(true), Some("12"))
    );
    assert_eq!(frame["context"], json!([[41, "def pay(request):"], [42, "    pay(request)"], [43, "    return done"]]));
    assert_eq!(entry(&shown, "request")["method"], "POST");
    assert_eq!(entry(&shown, "breadcrumbs")["values"][0]["message"], "SELECT 1");

    for address in [format!("issues/{issue}/events/{id}/"), format!("organizations/bugle/issues/{issue}/events/latest/")] {
        assert_eq!(api.get(&format!("/api/0/{address}")).await.json["entries"], shown["entries"], "{address}");
    }
    let dashed = uuid::Uuid::parse_str(&id).expect("an id").hyphenated().to_string().to_uppercase();
    let located = api.get(&format!("/api/0/organizations/bugle/eventids/{dashed}/")).await.json;
    assert_eq!((located["groupId"].as_str(), located["eventId"].as_str()), (Some(issue.as_str()), Some(id.as_str())));
    assert_eq!((located["projectSlug"].as_str(), located["event"]["eventID"].as_str()), (Some("shop-web"), Some(id.as_str())));
}

#[tokio::test]
async fn a_message_has_a_message_entry_and_no_exception() {
    let (app, project, api) = start().await;
    let event = json!({ "platform": "python", "level": "warning", "logger": "shop.stock",
        "logentry": { "message": "stock of %s is low", "params": ["tea"], "formatted": "stock of tea is low" } });
    let id = app.sdk(&project).capture(event).await;
    app.settle().await;
    let shown = api.get(&format!("/api/0/projects/bugle/shop-web/events/{id}/")).await.json;
    assert_eq!((shown["type"].as_str(), shown["message"].as_str()), (Some("default"), Some("stock of tea is low")));
    assert_eq!(entry(&shown, "message")["message"], "stock of %s is low");
    assert!(entry(&shown, "exception").is_null());
    let issue = api.get("/api/0/projects/bugle/shop-web/events/?full=1").await.json;
    assert_eq!(entry(&issue[0], "message")["formatted"], "stock of tea is low");
}

#[tokio::test]
async fn an_issues_events_are_paged_newest_first_and_know_their_neighbours() {
    let (app, project, api) = start().await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(app.sdk(&project).raise("ValueError", "x", "pay").await);
        app.settle().await;
        app.clock.advance(Duration::minutes(50));
    }
    sent.reverse();
    let issue = only_issue(&app).await;
    for list in [
        format!("issues/{issue}/events/"),
        format!("organizations/bugle/issues/{issue}/events/"),
        "projects/bugle/shop-web/events/".to_owned(),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), Some(String::new()));
        while let Some(at) = cursor {
            let page = api.get(&format!("/api/0/{list}?per_page=2&cursor={at}")).await;
            seen.extend(ids(&page));
            assert!(seen.len() <= 5, "{list} does not end");
            cursor = next(&page);
        }
        assert_eq!(seen, sent, "{list}");
        let nothing = api.get(&format!("/api/0/{list}?cursor=0:100:0")).await;
        assert_eq!((ids(&nothing), next(&nothing)), (vec![], None), "{list}");
    }
    let middle = api.get(&format!("/api/0/issues/{issue}/events/{}/", sent[2])).await.json;
    assert_eq!((middle["nextEventID"].as_str(), middle["previousEventID"].as_str()), (Some(sent[1].as_str()), Some(sent[3].as_str())));
    for (word, place) in [("latest", 0), ("oldest", 4), ("recommended", 0)] {
        assert_eq!(api.get(&format!("/api/0/issues/{issue}/events/{word}/")).await.json["eventID"], sent[place], "{word}");
    }
    assert_eq!(api.get(&format!("/api/0/issues/{issue}/events/oldest/")).await.json["previousEventID"], Value::Null);
}

#[tokio::test]
async fn going_back_in_a_projects_events_shows_the_page_before() {
    let (app, project, api) = start().await;
    let mut sent = Vec::new();
    for function in ["a", "b", "c", "d", "e"] {
        sent.push(app.sdk(&project).raise("ValueError", "x", function).await);
        app.settle().await;
        app.clock.advance(Duration::hours(7));
    }
    sent.reverse();
    let list = "/api/0/projects/bugle/shop-web/events/?per_page=2&cursor=";
    let first = api.get(list).await;
    let second = api.get(&format!("{list}{}", next(&first).expect("a second page"))).await;
    let third = api.get(&format!("{list}{}", next(&second).expect("a third page"))).await;
    assert_eq!((ids(&third), next(&third)), (vec![sent[4].clone()], None));
    let link = third.headers["link"].to_str().expect("ASCII");
    let back = link.split("cursor=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a way back");
    assert_eq!(ids(&api.get(&format!("{list}{back}")).await), ids(&second));
}
