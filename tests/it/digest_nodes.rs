//! Exactly once over crashes and over several nodes on one database.

use bugle::store::spool_positions;
use serde_json::json;

use crate::harness::{Node, TestApp, exception};

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

#[tokio::test]
async fn a_crash_between_commit_and_acknowledgement_counts_nothing_twice() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    for n in 0..5 {
        node.accept(&project, &exception("ValueError", "x", &format!("view{n}"))).await;
    }
    node.digest_all().await;
    let before = number(&app, "SELECT sum(item_count)::int8 FROM project_outcomes").await;

    // The spool's directory still holds the five entries, as it would had the acknowledgement never been written.
    let node = node.restart().await;
    assert_eq!(node.digest_all().await, 0, "the position in the database says that they are done");
    node.accept(&project, &exception("ValueError", "x", "view9")).await;
    assert_eq!(node.digest_all().await, 1);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 6);
    assert_eq!(number(&app, "SELECT sum(item_count)::int8 FROM project_outcomes").await, before + 1);
}

#[tokio::test]
async fn a_replay_from_an_older_position_counts_only_duplicates() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    for n in 0..5 {
        let mut event = exception("ValueError", "x", "view");
        event["event_id"] = json!(format!("{n:032x}"));
        event["user"] = json!({ "id": n.to_string() });
        node.accept(&project, &event).await;
    }
    node.digest_all().await;

    // A database restored from a backup remembers less than the spool holds.
    let mut tx = bugle::store::begin(&app.db).await.expect("a transaction");
    let beginning = spool_positions::SpoolPosition { segment: 0, offset: 0, ahead: vec![] };
    spool_positions::upsert(&mut tx, node.spool.node_id(), &beginning, app.now()).await.expect("the position is moved");
    tx.commit().await.expect("the commit works");
    let node = node.restart().await;
    assert_eq!(node.digest_all().await, 5);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 5);
    assert_eq!(number(&app, "SELECT event_count + user_count FROM issues").await, 10);
    assert_eq!(number(&app, "SELECT sum(clean_count)::int8 FROM issue_minutes").await, 5);
    assert_eq!(number(&app, "SELECT sum(item_count)::int8 FROM project_outcomes WHERE outcome = 'duplicate'").await, 5);
    assert_eq!(number(&app, "SELECT count(*) FROM alerts").await, 1);
}

#[tokio::test]
async fn nodes_that_meet_the_same_new_bugs_at_once_make_one_issue_of_each() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let nodes = [Node::start(&app), Node::start(&app), Node::start(&app)];
    for round in 0..4 {
        for (place, node) in nodes.iter().enumerate() {
            for n in 0..20 {
                // Each node meets the bugs in another order, and every event comes to every node.
                let bug = (n * (2 * place + 1) + place) % 20;
                let mut event = exception("ValueError", "x", &format!("view_{round}_{bug}"));
                event["event_id"] = json!(format!("{:032x}", round * 100 + bug));
                event["environment"] = json!(format!("e{}", bug % 3));
                event["release"] = json!(format!("r{}", bug % 4));
                node.accept(&project, &event).await;
            }
        }
        let [a, b, c] = &nodes;
        tokio::join!(a.digest_all(), b.digest_all(), c.digest_all());
    }
    let bugs = number(&app, "SELECT count(DISTINCT value || function) FROM issues").await;
    assert_eq!(number(&app, "SELECT count(*) FROM issues").await, bugs, "an issue was made twice");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 80);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issues").await, 80);
    assert_eq!(number(&app, "SELECT count(*) FROM alerts WHERE kind = 'new'").await, bugs);
    assert_eq!(number(&app, "SELECT sum(item_count)::int8 FROM project_outcomes WHERE outcome = 'duplicate'").await, 160);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM releases").await, 80);
}

#[tokio::test]
async fn an_outage_of_the_database_loses_nothing() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    node.accept(&project, &exception("ValueError", "x", "pay")).await;
    sqlx::query("ALTER TABLE issue_tags RENAME TO issue_tags_away").execute(&app.db).await.expect("the table is renamed");
    sqlx::query("ALTER TABLE issue_people RENAME TO issue_people_away").execute(&app.db).await.expect("the table is renamed");
    sqlx::query("ALTER TABLE issue_hours RENAME TO issue_hours_away").execute(&app.db).await.expect("the table is renamed");
    for _ in 0..3 {
        assert!(node.digest.run_once().await.is_err());
    }
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 0);
    sqlx::query("ALTER TABLE issue_tags_away RENAME TO issue_tags").execute(&app.db).await.expect("the table is back");
    sqlx::query("ALTER TABLE issue_people_away RENAME TO issue_people").execute(&app.db).await.expect("the table is back");
    sqlx::query("ALTER TABLE issue_hours_away RENAME TO issue_hours").execute(&app.db).await.expect("the table is back");
    assert_eq!(node.digest_all().await, 1);
    assert_eq!(number(&app, "SELECT event_count FROM issues").await, 1);
}
