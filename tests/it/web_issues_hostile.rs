//! Events are written by strangers: nothing in them runs, leads away or breaks a page.

use reqwest::StatusCode;
use serde_json::json;

use crate::harness::{Page, TestApp};

const SCRIPT: &str =
    "</span></title><script>alert(1)</script><img src=x onerror=alert(2)>\" onmouseover=\"alert(3)' {{7*7}} [x](javascript:alert(4))";

/// No start tag that came from an event, no attribute that broke out, no address that runs.
fn assert_inert(page: &Page) {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    for bad in [
        "<script>alert",
        "<img",
        "<b>bold",
        " onmouseover=\"alert",
        "href=\"javascript:",
        "href=\"data:",
        "href=\"//evil",
        "formaction=\"javascript",
    ] {
        assert!(!page.html.to_lowercase().contains(bad), "{bad} on {}", page.path);
    }
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn every_text_of_an_event_is_inert_on_every_page() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let frame = json!({
        "function": SCRIPT, "module": SCRIPT, "filename": SCRIPT, "abs_path": SCRIPT, "lineno": 3, "in_app": true,
        "pre_context": [SCRIPT], "context_line": SCRIPT, "post_context": [SCRIPT], "vars": { SCRIPT: SCRIPT, "list": [SCRIPT, { SCRIPT: SCRIPT }] },
    });
    let event = json!({
        "platform": "python", "level": "error", "logger": SCRIPT, "transaction": SCRIPT, "server_name": SCRIPT, "release": "<b>bold</b>1.0",
        "environment": "<b>bold</b>", "dist": SCRIPT, "fingerprint": [SCRIPT],
        "exception": { "values": [
            { "type": SCRIPT, "value": SCRIPT, "mechanism": { "type": SCRIPT, "exception_id": 1, "parent_id": 0 }, "stacktrace": { "frames": [frame] } },
            { "type": SCRIPT, "value": SCRIPT, "mechanism": { "type": "x", "exception_id": 0, "is_exception_group": true }, "stacktrace": { "frames": [frame] } },
        ] },
        "breadcrumbs": [{ "category": SCRIPT, "message": SCRIPT, "type": "http", "data": { "url": "javascript:alert(5)", SCRIPT: SCRIPT } }],
        "request": {
            "method": SCRIPT, "url": "javascript:alert(6)", "query_string": SCRIPT, "data": { SCRIPT: SCRIPT },
            "headers": { SCRIPT: SCRIPT, "Referer": "javascript:alert(7)" }, "env": { SCRIPT: SCRIPT },
        },
        "user": { "id": SCRIPT, "email": SCRIPT, "username": SCRIPT, "name": SCRIPT, SCRIPT: SCRIPT },
        "tags": { SCRIPT: SCRIPT, "url": "javascript:alert(8)", "plain": SCRIPT },
        "contexts": { SCRIPT: { SCRIPT: SCRIPT }, "link": { "href": "//evil.example" } },
        "extra": { SCRIPT: { SCRIPT: SCRIPT } }, "modules": { SCRIPT: SCRIPT }, "sdk": { "name": SCRIPT, "version": SCRIPT },
    });
    app.sdk(&project).capture(event).await;
    app.settle().await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("an issue is stored");
    let browser = app.sign_in_owner().await;
    let query: String = url::form_urlencoded::byte_serialize(SCRIPT.as_bytes()).collect();
    for path in [
        format!("/issues/{issue}"),
        format!("/issues/{issue}/events/latest?exc=0&frames=all&crumbs=all"),
        format!("/issues/{issue}/events"),
        format!("/issues/{issue}/tags"),
        "/shop-web/issues".to_owned(),
        "/issues?period=7d".to_owned(),
        format!("/shop-web/issues?query={query}"),
        format!("/shop-web/issues?query=nokey:{query}"),
    ] {
        assert_inert(&browser.open(&path).await);
    }
    let page = browser.open(&format!("/issues/{issue}")).await;
    page.assert_shows("<script>alert(1)</script>");
    for form in ["json", "txt"] {
        let raw = browser.open(&format!("/issues/{issue}/events/latest.{form}")).await;
        assert_eq!(raw.headers["x-content-type-options"], "nosniff", "{form}");
        assert!(!raw.headers["content-type"].to_str().expect("ASCII").contains("html"), "{form}");
    }
}

#[tokio::test]
async fn names_of_people_and_projects_are_inert_too() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    app.sdk(&project).raise("PaymentError", "x", "pay").await;
    app.settle().await;
    sqlx::query("UPDATE projects SET name = $1").bind(SCRIPT).execute(&app.db).await.expect("renamed");
    let browser = app.sign_in_owner().await;
    sqlx::query("UPDATE users SET name = $1").bind(SCRIPT).execute(&app.db).await.expect("renamed");
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("an issue is stored");
    assert_inert(&browser.submit(&format!("/issues/{issue}/resolve"), &[]).await);
    assert_inert(&browser.open("/issues?query=is:resolved").await);
    assert_inert(&browser.open("/shop-web/issues").await);
}
