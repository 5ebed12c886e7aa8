//! What time does to events and counters: partitions ahead, partitions gone, rows trimmed.

use bugle::jobs::{partitions, trim};
use serde_json::json;
use time::Duration;

use crate::harness::{Node, TestApp, exception};

async fn days(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("SELECT relname::text FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid WHERE inhparent = 'events'::regclass AND relname <> 'events_default' ORDER BY 1")
        .fetch_all(&app.db)
        .await
        .expect("the catalogue is readable")
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

#[tokio::test]
async fn partitions_exist_three_days_ahead_and_twice_is_the_same_as_once() {
    let app = TestApp::start().await;
    assert_eq!(partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works"), 8, "of events and of attachments");
    assert_eq!(partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works"), 0);
    assert_eq!(days(&app).await, ["events_20261120", "events_20261121", "events_20261122", "events_20261123"]);
}

#[tokio::test]
async fn events_stored_before_their_day_existed_move_into_it() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    node.accept(&project, &exception("ValueError", "x", "pay")).await;
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT count(*) FROM events_default").await, 1);

    app.clock.advance(Duration::days(2));
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM events_default").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM events_20261120").await, 1);
    assert_eq!(
        number(
            &app,
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'events_20261120'::regclass AND attname = 'payload' AND attstorage = 'e'"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn retention_drops_whole_days_and_keeps_the_issue_and_its_count() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    node.accept(&project, &exception("ValueError", "x", "pay")).await;
    node.digest_all().await;

    app.clock.advance(Duration::days(90));
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    trim::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 1, "90 days old is not past 90 days");
    assert_eq!(number(&app, "SELECT count(*) FROM event_ids").await, 1);

    app.clock.advance(Duration::days(2));
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    trim::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM event_ids").await, 0);
    assert_eq!(number(&app, "SELECT event_count FROM issues").await, 1);
    assert_eq!(number(&app, "SELECT event_count FROM absent_events").await, 1, "what is counted without a row is known");
    assert!(days(&app).await.iter().all(|day| day.as_str() >= "events_20261122"), "{:?}", days(&app).await);
}

#[tokio::test]
async fn fine_counters_go_after_a_day_and_hours_stay() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let mut event = exception("ValueError", "x", "pay");
    event["user"] = json!({ "id": "7" });
    node.accept(&project, &event).await;
    node.digest_all().await;
    assert_eq!(trim::run_once(&app.db, &app.clock, 90).await.expect("the job works"), 0);

    app.clock.advance(Duration::hours(25));
    assert_eq!(trim::run_once(&app.db, &app.clock, 90).await.expect("the job works"), 2);
    assert_eq!(number(&app, "SELECT count(*) FROM issue_minutes").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM issue_quarter_people").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM issue_hours").await, 1);
    assert_eq!(number(&app, "SELECT count(*) FROM issue_people").await, 1);
}

#[tokio::test]
async fn a_day_that_somebody_reads_is_dropped_later_and_noted_once() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    node.accept(&project, &exception("ValueError", "x", "pay")).await;
    node.digest_all().await;
    app.clock.advance(Duration::days(92));

    let mut reader = app.db.begin().await.expect("a transaction");
    sqlx::query("SELECT 1 FROM events_20261120").execute(&mut *reader).await.expect("the day is readable");
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 1, "the reader was not disturbed");
    assert_eq!(number(&app, "SELECT count(*) FROM absent_events").await, 0, "nothing is noted of what is still there");

    reader.commit().await.expect("the reader ends");
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 0);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM absent_events").await, 1);
    assert_eq!(number(&app, "SELECT removed_count FROM project_hours").await, 1);
}

#[tokio::test]
async fn a_clock_that_was_wrong_leaves_no_partition_and_loses_no_event() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    // A partition of a day far ahead that holds nothing, and an event that claims to have arrived then.
    sqlx::query("CREATE TABLE events_20400101 PARTITION OF events FOR VALUES FROM ('2040-01-01 00:00+00') TO ('2040-01-02 00:00+00')")
        .execute(&app.db)
        .await
        .expect("the table is made");
    node.accept(&project, &exception("ValueError", "x", "pay")).await;
    node.digest_all().await;
    sqlx::query("UPDATE events SET received_at = '2040-05-05 12:00+00'").execute(&app.db).await.expect("the row is moved");

    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(days(&app).await, ["events_20261120", "events_20261121", "events_20261122", "events_20261123"]);
    assert_eq!(number(&app, "SELECT count(*) FROM events_default").await, 1, "it waits for its day");
}

#[tokio::test]
async fn strays_past_the_retention_are_noted_as_absent_and_others_get_their_day() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    for n in 0..4 {
        node.accept(&project, &exception("ValueError", "x", "pay")).await;
        node.digest_all().await;
        app.clock.advance(Duration::days(if n == 1 { 60 } else { 1 }));
    }
    partitions::run_once(&app.db, &app.clock, 30).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM events_default").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 2);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM absent_events").await, 2);
    assert_eq!(number(&app, "SELECT event_count FROM issues").await, 4);
}
