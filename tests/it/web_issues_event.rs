//! The page of an issue and its events: everything needed to fix it is there, whatever the SDK sent.

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Browser, Page, Project, TestApp, exception};

/// Starts with one captured SDK body and opens the page of its issue.
async fn page_of(fixture: &str) -> (TestApp, Browser, Page) {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let sent = app.sdk(&project).send_fixture(fixture).await;
    assert_eq!(sent.status, StatusCode::OK);
    app.settle().await;
    let browser = app.sign_in_owner().await;
    let page = browser.open(&format!("/issues/{}", issue(&app).await)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    (app, browser, page)
}

async fn issue(app: &TestApp) -> i64 {
    sqlx::query_scalar("SELECT id FROM issues ORDER BY id LIMIT 1").fetch_one(&app.db).await.expect("an issue is stored")
}

async fn issue_of(app: &TestApp, event_id: &str) -> i64 {
    sqlx::query_scalar("SELECT issue_id FROM events WHERE event_id = $1::uuid")
        .bind(event_id)
        .fetch_one(&app.db)
        .await
        .expect("the event is stored")
}

async fn capture(app: &TestApp, project: &Project, event: Value) -> String {
    let id = app.sdk(project).capture(event).await;
    app.settle().await;
    id
}

#[tokio::test]
async fn a_chained_exception_is_told_from_the_raised_one_back() {
    let (_app, _, page) = page_of("python-2.75.0-chained-cause").await;
    let headings = page.texts_of("exc");
    assert!(headings.len() >= 2, "{headings:?}");
    page.assert_shows("Caused by");
    page.assert_shows("Local variables");
    page.assert_shows("error line:");
    page.assert_shows("framework frames");
    page.assert_shows("First seen");
    page.assert_shows("1 of 1");
    page.assert_shows("Not sent with this event");
}

#[tokio::test]
async fn the_page_says_what_was_compared_and_what_was_left_out() {
    let (app, _, page) = page_of("python-2.75.0-chained-cause").await;
    page.assert_shows("Grouped by exception (version 2 of the rules).");
    page.assert_shows("What was compared");
    page.assert_shows("frames of libraries and the runtime: frames of the application are there");
    page.assert_shows("the exception's text: frames decide");

    let project = app.project("mail").await;
    let event = json!({ "message": "cannot reach smtp for order 4711", "logger": "mail", "fingerprint": ["smtp", "down"] });
    let id = capture(&app, &project, event).await;
    let chosen = app.sign_in_owner().await.open(&format!("/issues/MAIL-{}", issue_of(&app, &id).await)).await;
    chosen.assert_shows("Grouped by custom fingerprint (version 2 of the rules).");
    assert!(chosen.texts_in("li").iter().any(|part| part == "smtp"), "{}", chosen.text());
    chosen.assert_shows("exception, stack trace and message: the client set the fingerprint");
}

#[tokio::test]
async fn an_exception_group_is_a_tree_of_which_one_member_is_open() {
    let (_app, browser, page) = page_of("python-2.75.0-exception-group").await;
    page.assert_shows("sub-exceptions. Choose one to see its stack.");
    let members: Vec<_> = page.links().into_iter().filter(|link| link.contains("?exc=")).collect();
    assert!(members.len() >= 3, "{members:?}");
    for member in members {
        let chosen = browser.open(&member).await;
        assert_eq!(chosen.status, StatusCode::OK);
        assert!(!chosen.texts_of("exc").is_empty(), "{member}");
    }
}

#[tokio::test]
async fn messages_and_other_platforms_have_a_page_too() {
    for fixture in ["python-2.75.0-capture-message", "js-browser-11.12.0-error", "js-node-11.11.0-aggregate", "rust-0.49.5-message"] {
        let (_app, browser, page) = page_of(fixture).await;
        assert!(!page.texts_in("h1")[0].is_empty(), "{fixture}");
        page.assert_shows("Why this issue");
        let raw = page.links().into_iter().find(|link| link.ends_with(".json")).expect("a link to the raw event");
        let json = browser.open(&raw).await;
        assert!(serde_json::from_str::<Value>(&json.html).is_ok_and(|event| event["event_id"].is_string()), "{fixture}");
        let text = browser.open(&raw.replace(".json", ".txt")).await;
        assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
        assert!(text.html.starts_with("SHOP-") && text.html.contains("first seen"), "{}", text.html);
    }
}

#[tokio::test]
async fn the_evidence_is_complete_and_secrets_stay_scrubbed() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let mut event = exception("PaymentError", "amount mismatch", "capture_payment");
    event["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"] = json!({ "amount": "12990", "password": "hunter2" });
    event["breadcrumbs"] = json!(
        (0..12)
            .map(|n| json!({ "timestamp": 1_795_175_000 + n, "category": "query", "message": format!("SELECT {n}") }))
            .collect::<Vec<_>>()
    );
    event["request"] = json!({
        "method": "POST", "url": "https://shop.example/checkout/", "query_string": "step=pay&token=abc",
        "data": { "order": "HP-1", "csrfmiddlewaretoken": "xyz" }, "headers": { "Accept-Language": "sv", "Cookie": "sessionid=1" },
    });
    event["user"] = json!({ "id": "88213", "email": "elsa@mail.example" });
    event["contexts"] = json!({ "runtime": { "name": "CPython", "version": "3.13.1" } });
    event["extra"] = json!({ "cart": { "id": 77120 } });
    event["tags"] = json!({ "provider": "adyra" });
    event["environment"] = json!("production");
    event["release"] = json!("2026.11.19-2");
    capture(&app, &project, event).await;
    let browser = app.sign_in_owner().await;
    let page = browser.open(&format!("/issues/SHOP-{}", issue(&app).await)).await;
    for text in [
        "PaymentError",
        "amount mismatch",
        "shop/views.py:42",
        "capture_payment",
        "amount 12990",
        "8 of 12",
        "SELECT 11",
        "POST /checkout/",
        "step=pay",
        "order HP-1",
        "Accept-Language sv",
        "88213",
        "elsa@mail.example",
        "3.13.1",
        "{id: 77120}",
        "provideradyra",
        "in 2026.11.19-2",
        "environmentproduction",
        "scrubbed",
    ] {
        page.assert_shows(text);
    }
    for secret in ["hunter2", "token=abc", "xyz", "sessionid=1"] {
        assert!(!page.html.contains(secret), "{secret} is on the page");
    }
    page.assert_hides("SELECT 3");
    let curl = page.texts_in("pre").into_iter().find(|text| text.starts_with("curl")).expect("a cURL command");
    assert!(curl.contains("--data 'order=HP-1'") && !curl.contains("ookie"), "{curl}");
    let all = page.links().into_iter().find(|link| link.contains("crumbs=all")).expect("a link to all breadcrumbs");
    browser.open(&all).await.assert_shows("SELECT 3");
    let tag = page.links().into_iter().find(|link| link.contains("provider:adyra")).expect("a tag leads to its search");
    browser.open(&tag).await.assert_shows("PaymentError");
    let user = page.links().into_iter().find(|link| link.contains("user.id:88213")).expect("the user leads to their issues");
    browser.open(&user).await.assert_shows("PaymentError");
    browser.open(&format!("/issues/{}/tags", issue(&app).await)).await.assert_shows("adyra");
}

#[tokio::test]
async fn one_walks_from_event_to_event() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let mut event = exception("PaymentError", &format!("order {n}"), "pay");
        if n == 1 {
            event["user"] = json!({ "id": "1" });
            event["request"] = json!({ "url": "https://shop.example/" });
        }
        ids.push(capture(&app, &project, event).await);
        app.advance(Duration::MINUTE).await;
    }
    let browser = app.sign_in_owner().await;
    let id = issue(&app).await;
    let to = |event: &str| format!("/issues/{id}/events/{event}");
    let recommended = browser.open(&format!("/issues/{id}")).await;
    recommended.assert_shows("order 1");
    recommended.assert_shows("Event 2 of 3");
    for target in [&ids[0], &ids[2]] {
        assert!(recommended.links().contains(&to(target)), "the page leads to {target}");
    }
    for (name, text, position) in
        [("oldest", "order 0", "Event 1 of 3"), ("latest", "order 2", "Event 3 of 3"), (ids[1].as_str(), "order 1", "Event 2 of 3")]
    {
        let page = browser.open(&to(name)).await;
        page.assert_shows(text);
        page.assert_shows(position);
    }
    assert_eq!(browser.open(&format!("/events/{}", ids[0])).await.path, to(&ids[0]));
    let table = browser.open(&format!("/issues/{id}/events")).await;
    for event in &ids {
        assert!(table.links().contains(&to(event)), "the table leads to {event}");
    }
    let unknown = browser.open(&to("0123456789abcdef0123456789abcdef")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    unknown.assert_shows("This event is not kept");
    for nothing in
        ["/issues/999999", "/issues/x", "/issues/SHOP-x", &format!("/issues/NOPE-{id}"), &to("x"), &to("latest.exe"), "/events/x"]
    {
        assert_eq!(browser.open(nothing).await.status, StatusCode::NOT_FOUND, "{nothing}");
    }
}

#[tokio::test]
async fn events_of_an_issue_fill_pages() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let sdk = app.sdk(&project);
    for n in 0..60 {
        sdk.raise("PaymentError", &format!("order {n}"), "pay").await;
    }
    app.settle().await;
    let browser = app.sign_in_owner().await;
    let events = |page: &Page| page.links().into_iter().filter(|link| link.contains("/events/")).collect::<Vec<_>>();
    let first = browser.open(&format!("/issues/{}/events", issue(&app).await)).await;
    let older = first.links().into_iter().find(|link| link.contains("after=")).expect("a link to older events");
    let second = browser.open(&older).await;
    assert_eq!((events(&first).len(), events(&second).len()), (50, 10));
    let newer = second.links().into_iter().find(|link| link.contains("before=")).expect("a link back");
    assert_eq!(events(&browser.open(&newer).await), events(&first));
}

#[tokio::test]
async fn endless_recursion_is_bounded() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let mut event = exception("RecursionError", "maximum recursion depth exceeded", "again");
    let frame = event["exception"]["values"][0]["stacktrace"]["frames"][0].clone();
    event["exception"]["values"][0]["stacktrace"]["frames"] = json!(vec![frame; 973]);
    capture(&app, &project, event).await;
    let browser = app.sign_in_owner().await;
    let page = browser.open(&format!("/issues/{}", issue(&app).await)).await;
    page.assert_shows("frames in between are not shown");
    assert!(page.html.matches("<details class=\"frame ").count() <= 50, "{}", page.html.len());
    assert!(page.html.len() < 150_000, "{}", page.html.len());
}

#[tokio::test]
async fn what_is_missing_is_said_and_extremes_fit() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    capture(&app, &project, json!({ "message": "x".repeat(20_000) })).await;
    let id = issue(&app).await;
    sqlx::query("UPDATE issues SET event_count = 9876543210").execute(&app.db).await.expect("the count is set");
    let browser = app.sign_in_owner().await;
    let page = browser.open(&format!("/issues/{id}")).await;
    page.assert_shows("Not sent with this event: stack trace, user, HTTP request, breadcrumbs,");
    page.assert_shows("None sent");
    page.assert_shows("9.8 G");
    assert!(page.html.len() < 100_000, "{}", page.html.len());
    sqlx::query("DELETE FROM events").execute(&app.db).await.expect("retention took the events");
    let page = browser.open(&format!("/issues/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows("Events are kept for 90 days");
}

#[tokio::test]
async fn what_was_changed_is_listed_counted_and_marked() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let event = json!({
        "exception": { "values": [{ "type": "E", "value": "cut \u{0} short" }] }, "level": {}, "extra": { "big": "x".repeat(20_000), "password": "hunter2" },
        "hologram": { "depth": 3 }, "_meta": { "breadcrumbs": { "": { "len": 150 } } },
    });
    let id = capture(&app, &project, event).await;
    let browser = app.sign_in_owner().await;
    let page = browser.open(&format!("/issues/{}/events/{id}", issue_of(&app, &id).await)).await;
    page.assert_shows("What was changed");
    page.assert_shows("2 values cut, 1 dropped, 1 repaired, 1 secret removed");
    page.assert_shows("cut to 16,384 characters (was 20,000)");
    page.assert_shows("cut by the SDK (was 150)");
    assert!(page.texts_of("scrub").iter().any(|mark| mark.starts_with("changed")), "{:?}", page.texts_of("scrub"));
    page.assert_shows("Other fields");
    page.assert_shows("hologram");
    let raw = browser.open(&format!("/issues/{}/events/{id}.json", issue_of(&app, &id).await)).await;
    assert!(raw.text().contains("hologram") && !raw.text().contains("hunter2"), "{}", raw.text());

    let whole = capture(&app, &project, json!({ "message": "as it should be" })).await;
    let page = browser.open(&format!("/issues/{}/events/{whole}", issue_of(&app, &whole).await)).await;
    assert!(!page.text().contains("What was changed"), "{}", page.text());
}
