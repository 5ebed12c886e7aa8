//! What people say: from the SDK's envelope to the list, the event, the issue and the Web API, in any order.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::attachments::{number, outcomes};
use crate::harness::{Sdk, TestApp, exception, fixture};

/// A report about `event` as the JavaScript SDK sends it.
fn feedback(id: &str, message: &Value, event: &str) -> String {
    let about = json!({ "message": message, "name": "Ada", "contact_email": "ada@example.test", "associated_event_id": event });
    let said = json!({ "event_id": id, "type": "feedback", "level": "info", "contexts": { "feedback": about } });
    format!("{}\n{{\"type\":\"feedback\"}}\n{said}\n", json!({ "event_id": id }))
}

fn report(payload: &Value) -> String {
    format!("{{}}\n{{\"type\":\"user_report\"}}\n{payload}\n")
}

async fn raise(sdk: &Sdk, id: &str) {
    let mut event = exception("KeyError", "x", "pay");
    event["event_id"] = json!(id);
    sdk.capture(event).await;
}

const ABOUT: &str = "43fd37c653f04a7ca4b42db931eab6f7";

#[tokio::test]
async fn what_captured_clients_say_is_listed_with_its_event_whichever_comes_first() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    let browser = app.sign_in_owner().await;
    let empty = browser.open("/shop/feedback").await;
    empty.assert_shows("Nobody has said anything yet");
    for name in [
        "js-node-11.11.0-feedback.feedback",
        "js-browser-11.12.0-feedback.feedback",
        "python-2.75.0-user-feedback.feedback",
        "python-2.75.0-user-feedback.user_report",
    ] {
        assert_eq!(sdk.envelope(fixture(name)).await.status, StatusCode::OK, "{name}");
    }
    app.settle().await;
    let page = browser.open("/shop/feedback").await;
    assert_eq!(page.html.matches("<article").count(), 4);
    for text in [
        "I cannot pay",
        "Page is slow",
        "The checkout button does nothing",
        "Ada ada@example.test",
        "https://shop.example.test/cart",
        "About no event in particular.",
        "has not arrived or is not kept",
    ] {
        page.assert_shows(text);
    }
    assert!(page.links().contains(&"mailto:ada@example.test".to_owned()));
    assert_eq!(outcomes(&app, "feedback").await, "stored 4");

    // The event comes after what is said about it.
    raise(&sdk, ABOUT).await;
    app.settle().await;
    let event = browser.open(&format!("/events/{ABOUT}")).await;
    event.assert_shows("What people say");
    event.assert_shows("I cannot pay");
    event.assert_shows("About this event");
    browser.open("/shop/feedback").await.assert_shows("The event it is about");
    // At the issue, and beside another of its events.
    raise(&sdk, &"e".repeat(32)).await;
    app.settle().await;
    browser.open(&format!("/events/{}", "e".repeat(32))).await.assert_shows("About another event");
    // Sent again: once.
    sdk.envelope(fixture("js-node-11.11.0-feedback.feedback")).await;
    sdk.envelope(fixture("python-2.75.0-user-feedback.user_report")).await;
    app.settle().await;
    assert_eq!(outcomes(&app, "feedback").await, "duplicate 2, stored 4");
}

/// `sentry_sdk.capture_event({"type": "feedback", …})` goes out as an event; so did the transactions of the first SDKs that had them.
#[tokio::test]
async fn an_event_that_calls_itself_feedback_or_a_transaction_ends_as_that() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    let said = |n: u32| json!({ "event_id": format!("{n:032x}"), "type": "feedback", "contexts": { "feedback": { "message": format!("I say {n}.") } } });
    let as_event = |said: &Value| format!("{}\n{{\"type\":\"event\"}}\n{said}\n", json!({ "event_id": said["event_id"] }));
    sdk.envelope(as_event(&said(1))).await;
    sdk.store(&said(2)).await;
    let trace = |n: u32| json!({ "event_id": format!("{n:032x}"), "type": "transaction", "transaction": "/pay", "spans": [], "start_timestamp": 1, "timestamp": 2 });
    sdk.envelope(as_event(&trace(3))).await;
    sdk.store(&trace(4)).await;
    app.settle().await;
    assert_eq!(outcomes(&app, "feedback").await, "stored 2");
    assert_eq!(outcomes(&app, "transaction").await, "unsupported 2");
    assert_eq!(number(&app, "SELECT count(*) FROM issues").await, 0);
    let page = app.sign_in_owner().await.open("/shop/feedback").await;
    page.assert_shows("I say 1.");
    page.assert_shows("I say 2.");
    // What was raised is an error, whatever it is called; a type that says nothing is one too.
    let mut raised = exception("KeyError", "x", "pay");
    raised["type"] = json!("transaction");
    sdk.store(&raised).await;
    sdk.store(&json!({ "type": "default", "message": "plain" })).await;
    app.settle().await;
    assert_eq!(outcomes(&app, "error").await, "stored 2");
}

#[tokio::test]
async fn reports_are_handled_reopened_and_deleted_by_those_who_may() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    for n in 0..30 {
        app.sdk(&project).envelope(feedback(&format!("{n:032x}"), &json!(format!("Report number {n}.")), "")).await;
        app.clock.advance(Duration::seconds(1));
    }
    app.settle().await;
    let browser = app.sign_in_owner().await;
    let first = browser.open("/shop/feedback").await;
    first.assert_shows("Report number 29.");
    first.assert_hides("Report number 4.");
    let older = first.links().into_iter().find(|href| href.contains("before=")).expect("there is more");
    let second = browser.open(&older).await;
    assert_eq!(second.html.matches("<article").count(), 5);
    second.assert_shows("Report number 0.");
    second.assert_hides("Report number 5.");

    let id = format!("{:032x}", 29);
    browser.submit(&format!("/shop/feedback/{id}/handle"), &[("next", "/shop/feedback")]).await.assert_shows("The report is handled.");
    browser.open("/shop/feedback").await.assert_hides("Report number 29.");
    let handled = browser.open("/shop/feedback?show=handled").await;
    handled.assert_shows("Report number 29.");
    handled.assert_shows("by owner");
    browser.submit(&format!("/shop/feedback/{id}/reopen"), &[]).await.assert_shows("Report number 29.");
    let gone = browser.submit(&format!("/shop/feedback/{id}/delete"), &[("next", "https://evil.example/")]).await;
    assert_eq!(gone.path, "/shop/feedback");
    gone.assert_hides("Report number 29.");
    assert_eq!(browser.submit(&format!("/shop/feedback/{id}/handle"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(number(&app, "SELECT count(*) FROM feedback").await, 29);

    let reader = app.person("vic@shop.example", "viewer").await;
    app.join(&project, &reader).await;
    let reading = app.sign_in(&reader).await;
    let page = reading.open("/shop/feedback").await;
    page.assert_shows("Report number 28.");
    assert!(!page.html.contains("/delete"), "no button that does not work");
}

#[tokio::test]
async fn hostile_reports_are_text_scrubbed_and_counted() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    sdk.envelope(report(&json!({
        "event_id": ABOUT, "name": "<img src=x onerror=alert(1)>\u{0}", "email": "x@y.z?bcc=all@shop.example",
        "comments": "<script>alert(2)</script>\nmy password=hunter2 does not work, card 4111 1111 1111 1111",
    })))
    .await;
    sdk.envelope(report(&json!({ "event_id": "nonsense", "name": 7, "email": null, "comments": "short" }))).await;
    sdk.envelope(report(&json!({ "event_id": ABOUT, "comments": "  " }))).await;
    sdk.envelope(report(&json!({ "event_id": ABOUT, "comments": ["a"] }))).await;
    sdk.envelope("{}\n{\"type\":\"user_report\"}\nnot json\n").await;
    sdk.envelope("{}\n{\"type\":\"feedback\"}\n[]\n").await;
    sdk.envelope(feedback(&"a".repeat(32), &json!("x".repeat(100_000)), "not an id")).await;
    sdk.envelope(feedback(&"b".repeat(32), &json!({ "deep": [1] }), ABOUT)).await;
    app.settle().await;
    assert_eq!(outcomes(&app, "feedback").await, "invalid dead_letter 2, invalid no_message 3, stored 3");
    let page = app.sign_in_owner().await.open("/shop/feedback").await;
    page.assert_shows("<script>alert(2)</script>");
    assert!(!page.html.contains("<script>alert") && !page.html.contains("<img src=x"));
    assert!(!page.links().iter().any(|href| href.starts_with("mailto:x@")), "no address that says more than an address");
    page.assert_hides("hunter2");
    page.assert_hides("4111 1111 1111 1111");
    assert!(number(&app, "SELECT max(length(message))::int8 FROM feedback").await <= 16 * 1_024);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE item_type IN ('user_report', 'feedback')").await, 2);
}

#[tokio::test]
async fn a_screenshot_comes_with_its_report() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let id = "c".repeat(32);
    let png = b"\x89PNG\r\n\x1a\nxyz";
    let mut body = feedback(&id, &json!("See here"), "").into_bytes();
    body.extend_from_slice(format!("{{\"type\":\"attachment\",\"length\":{},\"filename\":\"screen.png\"}}\n", png.len()).as_bytes());
    body.extend_from_slice(png);
    app.sdk(&project).envelope(body).await;
    app.settle().await;
    let browser = app.sign_in_owner().await;
    let page = browser.open("/shop/feedback").await;
    page.assert_shows("screen.png PNG image");
    let href = page.links().into_iter().find(|href| href.contains("/attachments/") && !href.ends_with("/view")).expect("a download");
    let answer = browser.request(Method::GET, &href).send().await.expect("the server answers");
    assert_eq!(answer.bytes().await.expect("bytes"), &png[..]);
    assert_eq!(browser.open(&format!("{href}/view")).await.status, StatusCode::OK);
    assert_eq!(browser.open(&href.replace(&id, &"d".repeat(32))).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_web_api_lists_pages_and_takes_reports() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    raise(&sdk, ABOUT).await;
    for n in 0..5 {
        sdk.envelope(feedback(&format!("{n:032x}"), &json!(format!("Number {n}")), ABOUT)).await;
        app.clock.advance(Duration::seconds(1));
    }
    app.settle().await;
    let owner = app.owner().await;
    let api = app.api(&app.token(&owner, &["event:read"]).await);
    let first = api.get("/api/0/projects/bugle/shop/user-feedback/?per_page=3").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.json);
    let said = |answer: &Value| {
        answer.as_array().expect("a list").iter().map(|one| one["comments"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(said(&first.json), ["Number 4", "Number 3", "Number 2"]);
    assert_eq!((&first.json[0]["eventID"], &first.json[0]["email"]), (&json!(ABOUT), &json!("ada@example.test")));
    assert!(first.json[0]["issue"]["id"].is_string());
    let link = first.headers["link"].to_str().expect("ASCII").to_owned();
    let next =
        link.split("rel=\"next\"").next().and_then(|part| part.rsplit('<').next()?.split('>').next()).expect("a next page").to_owned();
    let second = api.get(next.strip_prefix(app.url()).expect("of this server")).await;
    assert_eq!(said(&second.json), ["Number 1", "Number 0"]);
    assert!(second.headers["link"].to_str().is_ok_and(|link| link.contains("rel=\"next\"; results=\"false\"")));

    let body = json!({ "event_id": ABOUT, "name": "Bo", "email": "bo@example.test", "comments": "By hand, password=hunter2" });
    let path = "/api/0/projects/bugle/shop/user-feedback/";
    assert_eq!(api.send(api.request(Method::POST, path).json(&body)).await.status, StatusCode::FORBIDDEN, "reading is not writing");
    let writing = app.api(&app.token(&owner, &["event:write"]).await);
    let done = writing.send(writing.request(Method::POST, path).json(&body)).await;
    assert_eq!((done.status, &done.json["eventID"]), (StatusCode::OK, &json!(ABOUT)));
    for bad in [
        json!({}),
        json!({ "event_id": "x", "name": "", "email": "", "comments": "y" }),
        json!({ "event_id": ABOUT, "name": "", "email": "", "comments": " " }),
    ] {
        assert_eq!(writing.send(writing.request(Method::POST, path).json(&bad)).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    app.settle().await;
    let all = api.get(path).await.json;
    assert_eq!((all[0]["name"].as_str(), all[0]["comments"].as_str()), (Some("Bo"), Some("By hand, password=[Filtered]")));
}

#[tokio::test]
async fn reports_are_limited_and_forgotten_like_everything() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    sqlx::query("UPDATE projects SET minute_limit = 2 WHERE id = $1").bind(project.id).execute(&app.db).await.expect("it is limited");
    app.clock.advance(Duration::minutes(2));
    app.app.doors.keys.refresh(&app.db).await;
    let mut statuses = Vec::new();
    for n in 0..3 {
        let sent = app.sdk(&project).envelope(feedback(&format!("{n:032x}"), &json!("x"), "")).await;
        statuses.push(sent.status.as_u16());
        if n == 2 {
            assert!(sent.headers["x-sentry-rate-limits"].to_str().is_ok_and(|value| value.contains(":feedback:project")));
        }
    }
    assert_eq!(statuses, [200, 200, 429]);
    app.settle().await;
    assert_eq!(outcomes(&app, "feedback").await, "rate_limited project_minute 1, stored 2");
    app.clock.advance(Duration::days(89));
    bugle::jobs::trim::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM feedback").await, 2);
    sqlx::query("UPDATE projects SET retention_days = 30").execute(&app.db).await.expect("it keeps less");
    bugle::jobs::retention::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM feedback").await, 0);
}
