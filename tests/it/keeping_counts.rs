//! Counters equal the rows they summarize, always, and whoever asks is told where they do not; the same id counts once in all the time that
//! events are kept.

use bugle::domain::ids::ProjectId;
use bugle::jobs::{partitions, retention, trim};
use bugle::protocol::receipt::BodyForm;
use bugle::store::Tx;
use bugle::store::proof::{self, Pair};
use serde_json::json;
use time::Duration;

use crate::harness::{Node, TestApp, exception};

/// All pairs that differ, as one line each.
pub async fn differences(app: &TestApp) -> Vec<String> {
    let mut tx = proof::snapshot(&app.db).await.expect("a snapshot");
    differences_in(app, &mut tx).await
}

async fn differences_in(app: &TestApp, tx: &mut Tx) -> Vec<String> {
    let since = trim::untouched_since(app.now(), app.config.retention_days);
    let projects = bugle::store::projects::list(&mut **tx).await.expect("projects are readable");
    let mut found = Vec::new();
    for project in &projects {
        let mut each = |pair: Pair| {
            if pair.counted != pair.found {
                found.push(format!("{}, {}: {} instead of {}", pair.counter, pair.row, pair.counted, pair.found));
            }
        };
        proof::compare(tx, project.id, since, &mut each).await.expect("the counters are comparable");
    }
    found
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

fn id(n: u32) -> String {
    format!("{n:032x}")
}

/// Two nodes, two projects, events that repeat within and over the nodes, letters, late events, all names.
async fn busy(app: &TestApp) {
    let projects = [app.project("shop").await, app.project("blog").await];
    let nodes = [Node::start(app), Node::start(app)];
    for n in 0..240_u32 {
        let mut event = exception("ValueError", "bad value", &format!("view{}", n % 7));
        event["event_id"] = json!(id(n % 200));
        event["environment"] = json!(["production", "staging", ""][n as usize % 3]);
        event["release"] = json!(format!("1.{}", n % 4));
        event["user"] = json!({ "id": (n % 17).to_string() });
        event["tags"] = json!({ "browser": format!("browser {}", n % 5) });
        event["timestamp"] = json!((app.now() - Duration::minutes(i64::from(n))).unix_timestamp());
        let project = &projects[n as usize % 2];
        nodes[n as usize % 2].accept(project, &event).await;
        nodes[(n as usize / 3) % 2].accept(project, &event).await;
        if n % 50 == 7 {
            nodes[0].accept_body(project, BodyForm::Store, b"{\"broken".to_vec()).await;
        }
        if n % 60 == 59 {
            tokio::join!(nodes[0].digest_all(), nodes[1].digest_all());
            app.clock.advance(Duration::minutes(25));
        }
    }
    tokio::join!(nodes[0].digest_all(), nodes[1].digest_all());
}

#[tokio::test]
async fn counters_are_proven_after_a_busy_time_and_after_most_events_are_gone() {
    let app = TestApp::start().await;
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    busy(&app).await;
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 200);
    assert!(number(&app, "SELECT count(*) FROM dead_letters").await > 0);
    assert_eq!(differences(&app).await, [""; 0]);

    // Half a year of life, with its jobs: partitions go, hours are trimmed, and what is left is still provable.
    let project = app.project("late").await;
    let node = Node::start(&app);
    for n in 0..9 {
        app.clock.advance(Duration::days(20));
        for step in 0..3 {
            let mut event = exception("ValueError", "bad value", &format!("view{step}"));
            event["timestamp"] = json!((app.now() - Duration::days(if n == 8 { 89 } else { 3 })).unix_timestamp());
            event["environment"] = json!("production");
            node.accept(&project, &event).await;
        }
        node.digest_all().await;
        partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
        trim::run_once(&app.db, &app.clock, 90).await.expect("the job works");
        assert_eq!(differences(&app).await, [""; 0], "after {} days", (n + 1) * 20);
    }
    assert!(number(&app, "SELECT count(*) FROM events").await < 30);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issues").await, 227);
}

#[tokio::test]
async fn every_kind_of_tampering_is_found_and_named() {
    let app = TestApp::start().await;
    busy(&app).await;
    for (sql, told) in [
        ("UPDATE issues SET event_count = event_count + 1 WHERE id = (SELECT min(id) FROM issues)", "issues.event_count"),
        ("UPDATE issues SET user_count = user_count - 1 WHERE id = (SELECT min(id) FROM issues)", "issues.user_count"),
        (
            "UPDATE issue_hours SET event_count = event_count + 1 WHERE ctid = (SELECT min(ctid) FROM issue_hours)",
            "issue_hours.event_count",
        ),
        ("DELETE FROM issue_hours WHERE ctid = (SELECT min(ctid) FROM issue_hours WHERE event_count > 0)", "issue_hours.event_count"),
        (
            "UPDATE issue_minutes SET clean_count = clean_count + 1 WHERE ctid = (SELECT min(ctid) FROM issue_minutes)",
            "issue_minutes.clean_count",
        ),
        (
            "UPDATE issue_minutes SET capped_count = clean_count + 1 WHERE ctid = (SELECT min(ctid) FROM issue_minutes)",
            "issue_minutes.capped_count",
        ),
        ("DELETE FROM issue_environments WHERE ctid = (SELECT min(ctid) FROM issue_environments)", "issue_environments.event_count"),
        (
            "UPDATE issue_releases SET event_count = event_count + 1 WHERE ctid = (SELECT min(ctid) FROM issue_releases)",
            "issue_releases.event_count",
        ),
        ("UPDATE releases SET event_count = event_count - 1 WHERE ctid = (SELECT min(ctid) FROM releases)", "releases.event_count"),
        (
            "UPDATE issue_tags SET event_count = event_count + 1000 WHERE ctid = (SELECT min(ctid) FROM issue_tags)",
            "issue_tags.event_count (at most)",
        ),
        ("UPDATE issue_tags SET event_count = 0 WHERE ctid = (SELECT min(ctid) FROM issue_tags)", "issue_tags.event_count (not zero)"),
        ("DELETE FROM issue_people WHERE ctid = (SELECT min(ctid) FROM issue_people)", "issues.user_count"),
        (
            "UPDATE project_hours SET event_count = event_count + 1 WHERE ctid = (SELECT min(ctid) FROM project_hours)",
            "project_hours.event_count",
        ),
        (
            "UPDATE project_outcomes SET item_count = item_count + 1 WHERE outcome = 'stored' AND category = 'error'",
            "project_outcomes (stored)",
        ),
        ("DELETE FROM event_ids WHERE event_id = (SELECT max(event_id::text)::uuid FROM event_ids)", "event_ids"),
        ("DELETE FROM events WHERE event_id = (SELECT max(event_id::text)::uuid FROM events)", "issues.event_count"),
        (
            "UPDATE events SET issue_id = 4711 WHERE event_id = (SELECT max(event_id::text)::uuid FROM events)",
            "issues.event_count, issue 4711",
        ),
    ] {
        let mut tx = bugle::store::begin(&app.db).await.expect("a transaction");
        let done = sqlx::query(sql).execute(&mut *tx).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"));
        assert!(done.rows_affected() > 0, "{sql} changed nothing");
        let found = differences_in(&app, &mut tx).await;
        assert!(found.iter().any(|line| line.starts_with(told)), "{sql}: {found:?}");
        tx.rollback().await.expect("undone");
    }
    assert_eq!(differences(&app).await, [""; 0]);
}

#[tokio::test]
async fn an_id_counts_once_for_as_long_as_its_event_can_exist() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let mut event = exception("ValueError", "x", "pay");
    event["event_id"] = json!(id(7));
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    node.accept(&project, &event).await;
    node.digest_all().await;
    // The clock stands at noon. The day of the event goes with the first midnight after which all of it is 90 days old.
    for (days, hours, known) in [(89, 0, true), (1, 0, true), (0, 12, true), (0, 11, true), (0, 2, false)] {
        app.clock.advance(Duration::days(days) + Duration::hours(hours));
        partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
        trim::run_once(&app.db, &app.clock, 90).await.expect("the job works");
        let exists = number(&app, "SELECT count(*) FROM events").await;
        let ids = number(&app, "SELECT count(*) FROM event_ids").await;
        assert!(ids >= exists, "an event without its id at {}", app.now());
        assert_eq!(ids > 0, known, "at {}", app.now());
        if known {
            node.accept(&project, &event).await;
            node.digest_all().await;
            assert_eq!(number(&app, "SELECT event_count FROM issues").await, 1, "counted twice at {}", app.now());
        }
    }
    node.accept(&project, &event).await;
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT event_count FROM issues").await, 2, "what nobody remembers counts again");
    assert_eq!(differences(&app).await, [""; 0]);
}

#[tokio::test]
async fn a_project_forgets_its_events_sooner_and_still_knows_their_ids() {
    let app = TestApp::start().await;
    let (shop, blog) = (app.project("shop").await, app.project("blog").await);
    let node = Node::start(&app);
    sqlx::query("UPDATE projects SET retention_days = 7 WHERE id = $1").bind(shop.id).execute(&app.db).await.expect("set");
    for n in 0..20_u32 {
        partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
        for project in [&shop, &blog] {
            let mut event = exception("ValueError", "x", "pay");
            event["event_id"] = json!(id(n));
            node.accept(project, &event).await;
        }
        node.digest_all().await;
        app.clock.advance(Duration::days(1));
    }
    // Noon of day 20: days 13 to 19 are within seven days, and day 12 is not.
    while retention::run_once(&app.db, &app.clock, 90).await.expect("the job works") > 0 {}
    trim::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    let left = |project: i64| sqlx::query_scalar::<_, i64>("SELECT count(*) FROM events WHERE project_id = $1").bind(project);
    assert_eq!(left(shop.id).fetch_one(&app.db).await.expect("counted"), 7);
    assert_eq!(left(blog.id).fetch_one(&app.db).await.expect("counted"), 20, "others are left alone");
    assert_eq!(number(&app, "SELECT min(event_count) FROM issues").await, 20, "counts stay");
    assert_eq!(differences(&app).await, [""; 0]);

    let mut again = exception("ValueError", "x", "pay");
    again["event_id"] = json!(id(0));
    node.accept(&shop, &again).await;
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT max(event_count) FROM issues").await, 20, "an id is remembered longer than its event");
    assert_eq!(retention::run_once(&app.db, &app.clock, 5).await.expect("the job works"), 0, "days of the installation go by partitions");
    let mut tx = bugle::store::begin(&app.db).await.expect("a transaction");
    bugle::store::retention::set(&mut tx, ProjectId(shop.id), None).await.expect("cleared");
    tx.commit().await.expect("the commit works");
    assert_eq!(bugle::store::retention::list_own(&app.db).await.expect("readable"), []);
}

#[tokio::test]
async fn an_issue_whose_events_are_gone_still_says_what_happened() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    for n in 0..3 {
        let mut event = exception("ValueError", "bad value", "pay");
        event["event_id"] = json!(id(n));
        event["release"] = json!("1.2.3");
        event["user"] = json!({ "id": n.to_string() });
        sdk.capture(event).await;
    }
    app.settle().await;
    let issue = number(&app, "SELECT id FROM issues").await;
    let browser = app.sign_in_owner().await;
    browser.open(&format!("/issues/{issue}")).await.assert_shows("Recommended");

    app.clock.advance(Duration::days(92));
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    trim::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 0);
    let browser = app.sign_in_owner().await;
    let page = browser.open(&format!("/issues/{issue}")).await;
    assert_eq!(page.status, 200);
    for text in ["ValueError", "bad value", "This event is not kept", "Events are kept for 90 days", "1.2.3"] {
        page.assert_shows(text);
    }
    let events = browser.open(&format!("/issues/{issue}/events")).await;
    events.assert_shows("3 events counted");
    events.assert_shows("No event is kept here");
    assert_eq!(browser.open(&format!("/issues/{issue}/events/{}", id(1))).await.status, 404);
    assert_eq!(browser.open(&format!("/issues/{issue}/events/latest")).await.status, 404);
    assert_eq!(browser.open(&format!("/issues/{issue}/tags")).await.status, 200);
    browser.open("/shop/issues?status=all").await.assert_shows("ValueError");

    // It comes back like any other.
    sdk.raise("ValueError", "bad value", "pay").await;
    app.settle().await;
    assert_eq!(number(&app, "SELECT event_count FROM issues").await, 4);
    browser.open(&format!("/issues/{issue}")).await.assert_shows("Recommended");
    assert_eq!(differences(&app).await, [""; 0]);
}
