//! Resolving, ignoring, reopening and taking back, on the pages.

use reqwest::StatusCode;

use crate::harness::{Browser, Page, Project, TestApp};

async fn start() -> (TestApp, Project, Browser, i64) {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    app.sdk(&project).raise("PaymentError", "x", "pay").await;
    app.settle().await;
    let browser = app.sign_in_owner().await;
    let issue = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("an issue is stored");
    (app, project, browser, issue)
}

async fn status(app: &TestApp, issue: i64) -> (String, String) {
    sqlx::query_as("SELECT status, ignore_until FROM issues WHERE id = $1")
        .bind(issue)
        .fetch_one(&app.db)
        .await
        .expect("the issue is there")
}

async fn activities(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("SELECT kind FROM activities WHERE user_id IS NOT NULL ORDER BY id").fetch_all(&app.db).await.expect("readable")
}

fn undo(page: &Page) -> String {
    let start = page.html.find("action=\"/issues/undo/").expect("the note offers Undo") + 8;
    page.html[start..].split('"').next().expect("the attribute ends").to_owned()
}

#[tokio::test]
async fn resolving_twice_is_one_activity_and_can_be_taken_back() {
    let (app, _, browser, issue) = start().await;
    let page = browser.submit(&format!("/issues/{issue}/resolve"), &[]).await;
    assert_eq!(page.path, format!("/issues/{issue}"));
    page.assert_shows(&format!("SHOP-{issue} is resolved."));
    page.assert_shows("Reopen");
    page.assert_shows("resolved this");
    assert_eq!(status(&app, issue).await.0, "resolved");
    let again = browser.submit(&format!("/issues/{issue}/resolve"), &[]).await;
    again.assert_shows("was already resolved");
    assert_eq!(activities(&app).await, ["resolved"]);

    let undone = browser.submit(&undo(&page), &[]).await;
    undone.assert_shows("Taken back.");
    assert_eq!(status(&app, issue).await.0, "unresolved");
    assert!(activities(&app).await.is_empty());
    browser.submit(&undo(&page), &[]).await.assert_shows("can no longer be taken back");
}

#[tokio::test]
async fn ignoring_says_until_when_and_reopening_ends_it() {
    let (app, _, browser, issue) = start().await;
    let path = format!("/issues/{issue}/ignore");
    browser.submit(&path, &[("until", "escalates")]).await.assert_shows("ignored until it escalates");
    assert_eq!(status(&app, issue).await, ("ignored".into(), "escalates".into()));
    browser.submit(&path, &[("until", "forever")]).await.assert_shows("ignored for ever");
    browser.submit(&format!("/issues/{issue}/reopen"), &[]).await.assert_shows("is open again");
    assert_eq!(status(&app, issue).await, ("unresolved".into(), String::new()));
    assert_eq!(activities(&app).await, ["ignored", "ignored", "reopened"]);
    assert_eq!(browser.submit(&path, &[("until", "doomsday")]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_came_back_since_is_not_taken_back() {
    let (app, project, browser, issue) = start().await;
    let page = browser.submit(&format!("/issues/{issue}/resolve"), &[]).await;
    app.advance(time::Duration::hours(2)).await;
    app.sdk(&project).raise("PaymentError", "x", "pay").await;
    app.settle().await;
    let list = browser.open("/shop-web/issues?query=is:regressed").await;
    list.assert_shows("Regressed");
    browser.submit(&undo(&page), &[]).await.assert_shows("can no longer be taken back");
    browser.open(&format!("/issues/{issue}")).await.assert_shows("Came back");
}

#[tokio::test]
async fn many_are_decided_at_once_from_the_list() {
    let (app, project, browser, first) = start().await;
    app.sdk(&project).raise("StockError", "y", "reserve").await;
    app.sdk(&project).raise("MailError", "z", "send").await;
    app.settle().await;
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM issues ORDER BY id").fetch_all(&app.db).await.expect("readable");
    let (a, b) = (ids[0].to_string(), ids[1].to_string());
    let next = ("next", "/shop-web/issues");
    let page = browser.submit("/issues/bulk", &[next, ("do", "resolve"), ("id", &a), ("id", &b)]).await;
    assert_eq!(page.path, "/shop-web/issues");
    page.assert_shows("2 issues are resolved.");
    page.assert_shows("Unresolved 1");
    browser.submit(&undo(&page), &[]).await.assert_shows("Taken back for 2 issues.");
    assert_eq!(status(&app, first).await.0, "unresolved");

    let all = [next, ("do", "ignore"), ("all", "1"), ("base", "/shop-web/issues"), ("query", "is:unresolved !type:MailError")];
    browser.submit("/issues/bulk", &all).await.assert_shows("2 issues are ignored until it escalates.");
    browser.submit("/issues/bulk", &[next, ("do", "resolve")]).await.assert_shows("No issue was selected.");
    assert_eq!(browser.submit("/issues/bulk", &[next, ("do", "explode"), ("id", &a)]).await.status, StatusCode::BAD_REQUEST);
    let elsewhere = [("next", "https://evil.example/"), ("do", "resolve"), ("id", a.as_str())];
    assert_eq!(browser.submit("/issues/bulk", &elsewhere).await.path, "/issues");
}

#[tokio::test]
async fn readers_and_strangers_change_nothing() {
    let (app, project, _, issue) = start().await;
    let viewer = app.person("viewer@shop.example", "viewer").await;
    app.join(&project, &viewer).await;
    let browser = app.sign_in(&viewer).await;
    let page = browser.open(&format!("/issues/{issue}")).await;
    page.assert_shows("PaymentError");
    assert!(!page.html.contains(&format!("/issues/{issue}/resolve")), "a reader is offered no action");
    assert_eq!(browser.submit(&format!("/issues/{issue}/resolve"), &[]).await.status, StatusCode::FORBIDDEN);

    let stranger = app.person("stranger@shop.example", "member").await;
    let browser = app.sign_in(&stranger).await;
    let event: uuid::Uuid = sqlx::query_scalar("SELECT event_id FROM events").fetch_one(&app.db).await.expect("stored");
    for path in ["", "/events", "/tags", "/events/latest", "/events/latest.json", "/events/latest.txt"] {
        assert_eq!(browser.open(&format!("/issues/{issue}{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(browser.open(&format!("/events/{}", event.simple())).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.submit(&format!("/issues/{issue}/resolve"), &[]).await.status, StatusCode::NOT_FOUND);
    browser.submit("/issues/bulk", &[("do", "resolve"), ("id", &issue.to_string())]).await;
    assert_eq!(status(&app, issue).await.0, "unresolved");
    let nobody = app.browser().open(&format!("/issues/{issue}")).await;
    assert!(nobody.path.starts_with("/login"), "{}", nobody.path);
}
