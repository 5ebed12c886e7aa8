//! Inbound filters: tried on stored events before they are on, holding within seconds, counted by name.

use bugle::protocol::receipt::BodyForm;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use time::Duration;

use crate::harness::{Node, TestApp, exception};

async fn number(app: &TestApp, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&app.db).await.expect("a number")
}

fn crawled() -> Value {
    let mut event = exception("KeyError", "page", "show");
    event["request"] = json!({"url": "https://shop.example/p", "headers": {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}});
    event
}

#[tokio::test]
async fn a_filter_is_tried_on_what_is_stored_and_drops_what_comes_after_it_is_on() {
    let app = TestApp::start().await;
    let (project, other) = (app.project("shop").await, app.project("stock").await);
    let node = Node::start(&app);
    node.accept(&project, &crawled()).await;
    node.accept(&project, &exception("TimeoutError", "gave up", "pay")).await;
    node.digest_all().await;

    let browser = app.sign_in_owner().await;
    let tried = browser.submit("/shop/settings/filters", &[("message", "TimeoutError"), ("do", "try")]).await;
    tried.assert_shows("Nothing is saved yet. Tried on the newest 2 events");
    assert_eq!(tried.text().matches("Would have dropped 1 event, such as").count(), 2, "{}", tried.text());
    assert_eq!(number(&app, "SELECT count(*) FROM filters").await, 0);

    browser.submit("/shop/settings/filters", &[("message", "TimeoutError"), ("crawler", "on")]).await.assert_shows("Saved.");
    app.advance(Duration::seconds(3)).await;
    for project in [&project, &other] {
        node.accept(project, &crawled()).await;
        node.accept(project, &exception("TimeoutError", "again", "pay")).await;
        node.accept(project, &exception("ValueError", "kept", "pay")).await;
    }
    node.digest_all().await;
    let events = |project: i64| format!("SELECT count(*) FROM events WHERE project_id = {project}");
    assert_eq!((number(&app, &events(project.id)).await, number(&app, &events(other.id)).await), (3, 3));
    assert_eq!(number(&app, &format!("SELECT sum(event_count)::int8 FROM issues WHERE project_id = {}", project.id)).await, 3);
    for reason in ["message", "crawler"] {
        let counted = format!("SELECT sum(item_count)::int8 FROM project_outcomes WHERE outcome = 'filtered' AND reason = '{reason}'");
        assert_eq!(number(&app, &counted).await, 1, "{reason}");
    }
    let page = browser.open("/shop/settings/filters").await;
    assert_eq!(page.text().matches("Dropped in the last 14 days: 1 event").count(), 2, "{}", page.text());

    browser.submit("/shop/settings/filters", &[("message", "")]).await.assert_shows("Saved.");
    app.advance(Duration::seconds(3)).await;
    node.accept(&project, &crawled()).await;
    node.digest_all().await;
    assert_eq!(number(&app, &events(project.id)).await, 4, "off is off");
}

#[tokio::test]
async fn files_beside_a_dropped_event_are_dropped_and_addresses_are_also_those_of_the_sender() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let browser = app.sign_in_owner().await;
    browser
        .submit("/shop/settings/filters", &[("message", "TimeoutError"), ("ip_address", "198.51.100.0/24")])
        .await
        .assert_shows("Saved.");
    app.advance(Duration::seconds(3)).await;

    for (kind, address) in [("TimeoutError", "203.0.113.1"), ("ValueError", "203.0.113.1"), ("KeyError", "198.51.100.9")] {
        let mut event = exception(kind, "x", "pay");
        event["request"] = json!({"env": {"REMOTE_ADDR": address}});
        let id = format!("{:0>32}", address.len() + kind.len());
        let event = event.to_string();
        let items = format!(
            "{{\"event_id\":\"{id}\"}}\n{{\"type\":\"attachment\",\"length\":2,\"filename\":\"a.txt\"}}\nab\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n",
            event.len()
        );
        node.accept_body(&project, BodyForm::Envelope, items.into_bytes()).await;
    }
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 1);
    assert_eq!(number(&app, "SELECT count(*) FROM attachments").await, 1);
    let dropped = "SELECT sum(item_count)::int8 FROM project_outcomes WHERE outcome = 'filtered' AND category = 'attachment'";
    assert_eq!(number(&app, dropped).await, 2);
    for reason in ["message", "ip_address"] {
        let counted = format!(
            "SELECT sum(item_count)::int8 FROM project_outcomes WHERE outcome = 'filtered' AND reason = '{reason}' AND category = 'error'"
        );
        assert_eq!(number(&app, &counted).await, 1, "{reason}");
    }
}

#[tokio::test]
async fn files_sent_for_a_dropped_event_later_are_dropped_too_and_what_a_person_says_about_it_is_kept() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let browser = app.sign_in_owner().await;
    browser.submit("/shop/settings/filters", &[("message", "TimeoutError")]).await.assert_shows("Saved.");
    app.advance(Duration::seconds(3)).await;
    let id = "c".repeat(32);
    let mut event = exception("TimeoutError", "x", "pay");
    event["event_id"] = json!(id);
    node.accept(&project, &event).await;
    node.digest_all().await;
    let send_file = async || {
        let file = format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"attachment\",\"length\":2,\"filename\":\"a.txt\"}}\nab\n");
        node.accept_body(&project, BodyForm::Envelope, file.into_bytes()).await;
        node.digest_all().await;
    };
    send_file().await;
    let report = json!({ "event_id": id, "name": "Ann", "comments": "I waited for minutes" });
    node.accept_body(&project, BodyForm::Envelope, format!("{{}}\n{{\"type\":\"user_report\"}}\n{report}\n").into_bytes()).await;
    node.digest_all().await;
    let dropped = "SELECT coalesce(sum(item_count), 0)::int8 FROM project_outcomes
        WHERE outcome = 'filtered' AND reason = 'message' AND category = 'attachment'";
    assert_eq!((number(&app, "SELECT count(*) FROM attachments").await, number(&app, dropped).await), (0, 1));
    assert_eq!(number(&app, "SELECT count(*) FROM feedback").await, 1);

    browser.submit("/shop/settings/filters", &[("message", "")]).await.assert_shows("Saved.");
    app.advance(Duration::seconds(3)).await;
    node.accept(&project, &event).await;
    send_file().await;
    assert_eq!(number(&app, "SELECT count(*) FROM attachments").await, 1, "sent again, the event is stored, and its file with it");
}

#[tokio::test]
async fn what_cannot_be_understood_is_said_by_line_and_nothing_is_saved() {
    let app = TestApp::start().await;
    app.project("shop").await;
    let browser = app.sign_in_owner().await;
    let page = browser.submit("/shop/settings/filters", &[("ip_address", "10.0.0.0/8\n10.0.0.0/40"), ("message", "*")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows("Line 2: “10.0.0.0/40” is no IP address");
    page.assert_shows("Line 1: “*” is everything");
    assert_eq!(number(&app, "SELECT count(*) FROM filters").await, 0);
}
