//! The guard that keeps the database under a size: what it takes first, what it never takes, and that counters stay provable.

use bugle::domain::thinning::Step;
use bugle::jobs::{partitions, storage};
use bugle::store::partitions::Partition;
use bugle::store::thinning;
use serde_json::json;
use time::Duration;
use time::macros::date;

use crate::harness::{Node, TestApp, exception};
use crate::keeping_counts::differences;

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

/// On one day: one issue with 300 events, one with 3, one with a single one; on the next day one more of the first.
async fn two_days(app: &TestApp) {
    let project = app.project("shop").await;
    let node = Node::start(app);
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    for n in 0..300 {
        node.accept(&project, &exception("FrequentError", "x", "pay")).await;
        if n % 100 == 50 {
            node.accept(&project, &exception("RareError", "x", "refund")).await;
        }
        if n == 200 {
            node.accept(&project, &exception("SingleError", "x", "ship")).await;
        }
        app.clock.advance(Duration::seconds(60));
    }
    node.digest_all().await;
    app.clock.advance(Duration::days(1));
    let mut latest = exception("FrequentError", "x", "pay");
    latest["environment"] = json!("production");
    node.accept(&project, &latest).await;
    node.digest_all().await;
    app.clock.advance(Duration::days(1));
}

async fn thin(app: &TestApp, step: Step) -> i64 {
    let partition = Partition::of_events(date!(2026 - 11 - 20));
    let mut tx = bugle::store::begin(&app.db).await.expect("a transaction");
    bugle::store::partitions::close(&mut tx, &partition).await.expect("the day is closed");
    let removed = thinning::copy(&mut tx, &partition, step).await.expect("what stays is copied");
    assert!(thinning::try_exchange(&mut tx, &partition).await.expect("the days are exchanged"));
    tx.commit().await.expect("the commit works");
    removed
}

#[tokio::test]
async fn each_step_leaves_the_first_the_latest_and_what_is_rare() {
    let app = TestApp::start().await;
    two_days(&app).await;
    let of = "SELECT count(*) FROM events e JOIN issues i ON i.id = e.issue_id WHERE i.type = 'FrequentError'";
    let ends =
        "SELECT count(DISTINCT t)::int8 FROM (SELECT min(received_at) AS t FROM events UNION ALL SELECT max(received_at) FROM events) AS x";
    let first = number(&app, "SELECT extract(epoch FROM min(received_at))::int8 FROM events").await;

    assert_eq!(thin(&app, Step::Some(100)).await, 224, "of 300 every fourth stays, and the first");
    assert_eq!(number(&app, of).await, 77, "76 of that day, one of the next");
    assert_eq!(differences(&app).await, [""; 0]);

    thin(&app, Step::Some(10)).await;
    assert!(number(&app, of).await <= 12);
    thin(&app, Step::Some(2)).await;
    assert_eq!(number(&app, of).await, 3, "first and latest of the day, one of the next day");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 3 + 2 + 1);
    thin(&app, Step::FirstAndLatest).await;
    assert_eq!(number(&app, of).await, 2, "the first of all days, the latest of all days");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 2 + 2 + 1);
    assert_eq!(number(&app, ends).await, 2);
    assert_eq!(number(&app, "SELECT extract(epoch FROM min(received_at))::int8 FROM events").await, first);
    assert_eq!(number(&app, "SELECT max(event_count) FROM issues").await, 301, "counts stay");
    assert_eq!(differences(&app).await, [""; 0]);

    // A day that was exchanged takes events and is dropped like any other.
    let plan =
        number(&app, "SELECT count(*) FROM pg_inherits WHERE inhrelid = 'events_20261120'::regclass AND inhparent = 'events'::regclass");
    assert_eq!(plan.await, 1);
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
async fn the_guard_does_nothing_until_it_must_and_goes_on_until_nothing_helps() {
    let app = TestApp::start().await;
    two_days(&app).await;
    assert_eq!(storage::run_once(&app.db, &app.clock, None).await.expect("the job works"), 0, "off");
    assert_eq!(storage::run_once(&app.db, &app.clock, Some(1 << 40)).await.expect("the job works"), 0, "there is room");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 305);

    // Far too small: all past days take all steps, one a run, the oldest first; the day under way is left alone.
    let mut runs = 0;
    while storage::run_once(&app.db, &app.clock, Some(100_000)).await.expect("the job works") > 0 {
        runs += 1;
        assert!(runs <= 12, "the guard does not end");
        let behind = number(&app, "SELECT count(*) FROM thinned_days a JOIN thinned_days b ON a.day < b.day AND a.step < b.step").await;
        assert_eq!(behind, 0, "an older day is never behind");
    }
    assert_eq!(runs, 12, "two past days: their attachments, and five steps of their events");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 0);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issues").await, 305);
    assert_eq!(differences(&app).await, [""; 0]);
}
