//! The issue list: what it shows, what narrows it, and what it says when there is nothing to show.

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Browser, Page, Project, TestApp, exception};

/// An event of `function` with these fields besides.
fn event(kind: &str, value: &str, function: &str, extra: &Value) -> Value {
    let mut event = exception(kind, value, function);
    for (key, value) in extra.as_object().into_iter().flatten() {
        event[key] = value.clone();
    }
    event
}

async fn capture(app: &TestApp, project: &Project, event: Value) -> String {
    let id = app.sdk(project).capture(event).await;
    app.settle().await;
    id
}

fn titles(page: &Page) -> Vec<String> {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page.texts_of("ti").into_iter().map(|title| title.replace(" New", "").trim().to_owned()).collect()
}

async fn search(browser: &Browser, query: &str) -> Page {
    let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    browser.open(&format!("/shop-web/issues?query={encoded}")).await
}

/// Three issues that differ in everything the list can be narrowed by.
async fn three_issues(app: &TestApp) -> (Browser, Project) {
    let project = app.project("shop-web").await;
    let pay = json!({ "environment": "production", "release": "1.0", "tags": { "provider": "adyra", "gift wrap": "on" }, "user": { "id": "7", "email": "elsa@mail.example" } });
    capture(app, &project, event("PaymentError", "amount mismatch", "pay", &pay)).await;
    app.advance(Duration::MINUTE).await;
    let stock = json!({ "environment": "staging", "release": "1.1 beta", "level": "warning", "tags": { "provider": "klarstein" } });
    capture(app, &project, event("StockError", "100% gone", "reserve", &stock)).await;
    app.advance(Duration::MINUTE).await;
    let mail = json!({ "environment": "production", "release": "1.1 beta", "level": "fatal" });
    capture(app, &project, event("MailError", "no route", "send", &mail)).await;
    (app.sign_in_owner().await, project)
}

#[tokio::test]
async fn the_latest_issue_comes_first_with_its_numbers() {
    let app = TestApp::start().await;
    let (browser, _) = three_issues(&app).await;
    let page = browser.open("/shop-web/issues").await;
    assert_eq!(titles(&page), ["MailError no route", "StockError 100% gone", "PaymentError amount mismatch"]);
    page.assert_shows("3 issues");
    page.assert_shows("Unresolved 3");
    page.assert_shows("New");
    page.assert_shows("SHOP-");
    page.assert_shows("since 1.1 beta");
    page.assert_shows("3 events");
    assert!(page.html.contains("<svg class=\"bars spark\""), "a sparkline for each issue");
    let all = browser.open("/issues").await;
    assert_eq!(titles(&all).len(), 3);
    all.assert_shows("shop-web");
}

#[tokio::test]
async fn every_condition_narrows_the_list() {
    let app = TestApp::start().await;
    let (browser, _) = three_issues(&app).await;
    let cases: &[(&str, &[&str])] = &[
        ("level:fatal", &["Mail"]),
        ("level:>=error", &["Mail", "Payment"]),
        ("!level:fatal", &["Stock", "Payment"]),
        ("environment:production", &["Mail", "Payment"]),
        ("environment:[staging,nowhere]", &["Stock"]),
        ("release:\"1.1 beta\"", &["Mail", "Stock"]),
        ("release:1.1*", &["Mail", "Stock"]),
        ("provider:adyra", &["Payment"]),
        ("!provider:adyra", &["Mail", "Stock"]),
        ("has:provider", &["Stock", "Payment"]),
        ("has:user", &["Payment"]),
        ("user.id:7", &["Payment"]),
        ("user.id:8", &[]),
        ("user.email:elsa@mail.example", &["Payment"]),
        ("!user.email:elsa@mail.example", &["Mail", "Stock"]),
        ("mismatch", &["Payment"]),
        ("PaymentError: amount", &["Payment"]),
        ("100%", &["Stock"]),
        ("STOCK*gone", &["Stock"]),
        ("type:MailError is:unresolved", &["Mail"]),
        ("is:new is:triage", &["Mail", "Stock", "Payment"]),
        ("is:resolved", &[]),
        ("events:>1", &[]),
        ("events:1 users:0", &["Mail", "Stock"]),
        ("first:-24h", &["Mail", "Stock", "Payment"]),
        ("last:>2026-11-21", &[]),
        ("platform:python !is:handled", &["Mail", "Stock", "Payment"]),
        ("", &["Mail", "Stock", "Payment"]),
    ];
    for (query, expected) in cases {
        let found: Vec<String> =
            titles(&search(&browser, query).await).iter().map(|title| title.split("Error").next().unwrap_or("").to_owned()).collect();
        assert_eq!(&found, expected, "{query}");
    }
}

#[tokio::test]
async fn short_ids_and_event_ids_are_found() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let event_id = capture(&app, &project, event("PaymentError", "x", "pay", &json!({}))).await;
    capture(&app, &project, event("StockError", "y", "reserve", &json!({}))).await;
    let browser = app.sign_in_owner().await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues WHERE type = 'PaymentError'").fetch_one(&app.db).await.expect("stored");
    assert_eq!(titles(&search(&browser, &format!("SHOP-{issue}")).await).len(), 1);
    assert_eq!(titles(&search(&browser, &format!("OTHER-{issue}")).await).len(), 0);
    let page = search(&browser, &event_id).await;
    assert_eq!(page.path, format!("/issues/{issue}/events/{event_id}"));
}

#[tokio::test]
async fn what_cannot_be_understood_is_said_with_what_was_meant() {
    let app = TestApp::start().await;
    let (browser, _) = three_issues(&app).await;
    let page = search(&browser, "is:unresolved envirnment:production").await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows("There is no field or tag called “envirnment”. Did you mean is:unresolved environment:production?");
    page.assert_shows("Nothing matches this search");
    assert!(page.links().contains(&"/shop-web/issues?query=is:unresolved%20environment:production".to_owned()));
    search(&browser, "release:\"1.0").await.assert_shows("A quotation mark is opened and never closed. Did you mean release:\"1.0\"?");
    search(&browser, "level:high").await.assert_shows("There is no level “high”.");
    let long = browser.open(&format!("/shop-web/issues?query={}", "x".repeat(6_000))).await;
    long.assert_shows("This search is too long");
    let none = search(&browser, "environment:staging level:fatal").await;
    none.assert_shows("3 issues are unresolved in shop-web. Loosen one part of the search:");
    none.assert_shows("environment:staging → 1 issue");
    for odd in ["cursor=x", "cursor=9223372036854775807.1", "sort=x&period=y", "query=%00", "query=%ff"] {
        let status = browser.open(&format!("/shop-web/issues?{odd}")).await.status;
        assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST, "{odd}: {status}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_in_both_directions_and_every_order() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let sdk = app.sdk(&project);
    for n in 0..30 {
        for _ in 0..=(n % 3) {
            sdk.capture(event(&format!("Error{n:02}"), "x", &format!("function_{n}"), &json!({}))).await;
        }
    }
    app.settle().await;
    let browser = app.sign_in_owner().await;
    for sort in ["last", "first", "events", "users"] {
        let first = browser.open(&format!("/shop-web/issues?sort={sort}")).await;
        assert_eq!(titles(&first).len(), 25, "{sort}");
        let older = first.links().into_iter().find(|link| link.contains("cursor=")).expect("a link to the older page");
        let second = browser.open(&older).await;
        assert_eq!(titles(&second).len(), 5, "{sort}");
        let mut all: Vec<_> = titles(&first).into_iter().chain(titles(&second)).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 30, "{sort}: no issue twice, none missing");
        let newer = second.links().into_iter().find(|link| link.contains("cursor=-")).expect("a link back");
        assert_eq!(titles(&browser.open(&newer).await), titles(&first), "{sort}");
    }
    let most = browser.open("/shop-web/issues?sort=events").await;
    assert!(most.texts_of("num")[0].starts_with("3 events"), "{:?}", most.texts_of("num"));
}

#[tokio::test]
async fn an_empty_list_says_whether_that_is_good_news() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    browser.open("/shop-web/issues").await.assert_shows("Waiting for the first event");
    let viewer = app.person("viewer@shop.example", "viewer").await;
    app.sign_in(&viewer).await.open("/issues").await.assert_shows("No project yet");

    capture(&app, &project, event("PaymentError", "x", "pay", &json!({}))).await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("stored");
    browser.submit(&format!("/issues/{issue}/resolve"), &[]).await;
    let page = browser.open("/shop-web/issues").await;
    page.assert_shows("All quiet");
    page.assert_shows("an SDK reported in within the last hour, so silence is real");
    app.clock.advance(Duration::days(3));
    browser.open("/shop-web/issues").await.assert_shows("no SDK has reported in for 2 d");
}

#[tokio::test]
async fn a_list_holds_only_what_its_reader_may_see() {
    let app = TestApp::start().await;
    let (_, project) = three_issues(&app).await;
    let other = app.project("billing").await;
    capture(&app, &other, event("SecretError", "hidden", "charge", &json!({}))).await;
    let member = app.person("member@shop.example", "member").await;
    app.join(&project, &member).await;
    let browser = app.sign_in(&member).await;
    let page = browser.open("/issues?query=").await;
    assert_eq!(titles(&page).len(), 3);
    page.assert_hides("SecretError");
    assert_eq!(browser.open("/billing/issues").await.status, StatusCode::NOT_FOUND);
}
