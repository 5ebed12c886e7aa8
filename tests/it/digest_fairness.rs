//! One project floods: the events of the others are visible within a few batches, and everything is counted once, over a crash too.

use crate::harness::{Node, Project, TestApp, exception};

const FLOOD: i64 = 9_000;

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

async fn stored(app: &TestApp, project: &Project) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE project_id = $1";
    sqlx::query_scalar(sql).bind(project.id).fetch_one(&app.db).await.expect("the query works")
}

async fn flood(node: &Node, project: &Project) {
    let event = exception("ValueError", "flood", "view");
    for _ in 0..FLOOD / 100 {
        futures_util::future::join_all((0..100).map(|_| node.accept(project, &event))).await;
    }
}

#[tokio::test]
async fn the_event_of_a_small_project_is_visible_long_before_a_flood_is_done() {
    let app = TestApp::start().await;
    let (loud, quiet) = (app.project("loud").await, app.project("quiet").await);
    let node = Node::start(&app);
    flood(&node, &loud).await;
    node.digest.run_once().await.expect("the digest works");
    node.accept(&quiet, &exception("KeyError", "quiet", "view")).await;
    // One batch was read ahead before it came; it is in the next.
    for _ in 0..2 {
        node.digest.run_once().await.expect("the digest works");
    }
    assert_eq!(stored(&app, &quiet).await, 1);
    assert!(stored(&app, &loud).await < FLOOD / 2, "the flood is far from done");

    let node = node.restart().await;
    node.digest_all().await;
    assert_eq!((stored(&app, &loud).await, stored(&app, &quiet).await), (FLOOD, 1));
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issues").await, FLOOD + 1);
    assert_eq!(number(&app, "SELECT sum(item_count)::int8 FROM project_outcomes WHERE outcome = 'stored'").await, FLOOD + 1);
    assert_eq!(number(&app, "SELECT count(*) FROM project_outcomes WHERE outcome <> 'stored'").await, 0, "nothing was done twice");
    assert_eq!(node.spool.depth().byte_count, 0);
}
