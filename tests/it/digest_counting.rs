//! What a batch adds to the counters: exactly what is in `events`, once per event id, however often and in whatever order it comes.

use bugle::protocol::receipt::BodyForm;
use serde_json::{Value, json};
use sqlx::Row;
use time::Duration;

use crate::harness::{Node, Project, TestApp, disagreements, exception};

fn event(id: &str, function: &str, extra: Value) -> Value {
    let mut event = exception("ValueError", "bad value", function);
    event["event_id"] = json!(id);
    for (key, value) in extra.as_object().into_iter().flatten() {
        event[key] = value.clone();
    }
    event
}

fn id(n: u32) -> String {
    format!("{n:032x}")
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

async fn assert_counters_match_events(app: &TestApp) {
    let mut db = app.db.acquire().await.expect("a connection");
    assert_eq!(disagreements(&mut db).await, [""; 0]);
}

async fn outcomes(app: &TestApp, project: &Project) -> Vec<(String, String, i64)> {
    let rows = sqlx::query(
        "SELECT category, outcome, sum(item_count)::int8 AS n FROM project_outcomes WHERE project_id = $1 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(project.id)
    .fetch_all(&app.db)
    .await
    .expect("outcomes are readable");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn the_same_event_counts_once_within_a_batch_over_batches_and_per_project() {
    let app = TestApp::start().await;
    let (shop, blog) = (app.project("shop").await, app.project("blog").await);
    let node = Node::start(&app);
    for project in [&shop, &shop, &blog] {
        node.accept(project, &event(&id(1), "pay", json!({}))).await;
    }
    node.digest_all().await;
    node.accept(&shop, &event(&id(1), "pay", json!({}))).await;
    node.accept(&shop, &event(&id(2), "pay", json!({}))).await;
    node.digest_all().await;

    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 3);
    assert_eq!(number(&app, "SELECT max(event_count) FROM issues").await, 2);
    assert_eq!(number(&app, "SELECT count(*) FROM issues").await, 2);
    assert_eq!(outcomes(&app, &shop).await, [("error".into(), "duplicate".into(), 2), ("error".into(), "stored".into(), 2)]);
    assert_counters_match_events(&app).await;
}

#[tokio::test]
async fn counters_are_exact_over_many_batches_of_mixed_events() {
    let app = TestApp::start().await;
    let projects = [app.project("shop").await, app.project("blog").await];
    let node = Node::start(&app);
    for n in 0..300_u32 {
        let extra = json!({
            "environment": (["production", "staging", ""][n as usize % 3]),
            "release": format!("1.{}", n % 4),
            "user": { "id": (n % 17).to_string() },
            "tags": { "browser": format!("browser {}", n % 5) },
            "timestamp": (app.now() - Duration::minutes(i64::from(n))).unix_timestamp(),
        });
        node.accept(&projects[n as usize % 2], &event(&id(n % 280), &format!("view{}", n % 7), extra)).await;
        if n % 90 == 0 {
            node.digest_all().await;
            app.clock.advance(Duration::minutes(7));
        }
    }
    node.digest_all().await;

    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 280, "the last twenty repeat the first");
    assert_counters_match_events(&app).await;
}

#[tokio::test]
async fn one_envelope_keeps_its_readable_items_and_accounts_for_all() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let good = event(&id(7), "pay", json!({})).to_string();
    let report = r#"{"discarded_events":[{"reason":"before_send","category":"error","quantity":3}]}"#;
    let body = format!(
        "{{}}\n{{\"type\":\"event\",\"length\":9}}\n{{\"broken\"\n{{\"type\":\"transaction\"}}\n{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{good}\n\
         {{\"type\":\"client_report\"}}\n{report}\n{{\"type\":\"shiny_new_thing\"}}\n{{}}\n",
        good.len()
    );
    node.accept_body(&project, BodyForm::Envelope, body.into_bytes()).await;
    node.digest_all().await;

    let expected = [
        ("error", "client_discard", 3),
        ("error", "invalid", 1),
        ("error", "stored", 1),
        ("internal", "stored", 1),
        ("transaction", "unsupported", 1),
        ("unknown", "unsupported", 1),
    ];
    assert_eq!(outcomes(&app, &project).await, expected.map(|(category, outcome, n)| (category.to_owned(), outcome.to_owned(), n)));
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 1);
}
