//! The connection breaks around a commit, at the one moment in which nobody can know what became of it: nothing is lost or counted twice.

use bugle::protocol::receipt::BodyForm;
use serde_json::json;

use crate::harness::{Cut, CuttingProxy, Node, Project, TestApp, eventually, exception};

const ROUNDS: i64 = 4;

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

/// One request with an event, something no stage handles, a report of what the SDK threw away, and something unreadable.
async fn accept_everything(node: &Node, project: &Project, n: i64) {
    let event = exception("ValueError", "x", &format!("view{n}")).to_string();
    let report = json!({ "discarded_events": [{ "reason": "sample_rate", "category": "error", "quantity": 3 }] }).to_string();
    let body = format!(
        "{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n{{\"type\":\"profile_chunk\",\"length\":2}}\n{{}}\n\
         {{\"type\":\"client_report\",\"length\":{}}}\n{report}\n{{\"type\":\"event\",\"length\":1}}\n[\n",
        event.len(),
        report.len()
    );
    node.accept_body(project, BodyForm::Envelope, body.into_bytes()).await;
}

/// Every kind of outcome, against what was accepted in `requests` requests.
async fn assert_counted_once(app: &TestApp, requests: i64) {
    assert_eq!(number(app, "SELECT count(*) FROM events").await, requests);
    assert_eq!(number(app, "SELECT sum(event_count)::int8 FROM issues").await, requests);
    assert_eq!(number(app, "SELECT count(*) FROM dead_letters").await, requests);
    let outcomes: Vec<(String, i64)> = sqlx::query_as(
        "SELECT outcome, sum(item_count)::int8 FROM project_outcomes
         WHERE category <> 'internal' GROUP BY outcome ORDER BY outcome",
    )
    .fetch_all(&app.db)
    .await
    .expect("the outcomes are readable");
    let expected = [("client_discard", 3), ("invalid", 1), ("stored", 1), ("unsupported", 1)];
    assert_eq!(outcomes, expected.map(|(outcome, count)| (outcome.to_owned(), count * requests)));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_counts_once() {
    for cut in [Cut::BeforeCommit, Cut::BeforeAnswer] {
        let app = TestApp::start().await;
        let project = app.project("shop").await;
        let proxy = CuttingProxy::before(&app.database_options());
        let node = Node::start_on(&app, proxy.pool());
        for round in 1..=ROUNDS {
            accept_everything(&node, &project, round).await;
            proxy.cut_next(cut);
            assert!(node.digest.run_once().await.is_err(), "{cut:?}: the connection was cut");
            assert_eq!(proxy.cut_count(), usize::try_from(round).expect("small"));
            accept_everything(&node, &project, -round).await;
            node.digest_all().await;
            assert_counted_once(&app, 2 * round).await;
            assert_eq!(node.spool.depth().entry_count, 0, "{cut:?}: the spool lets go of what is done");
        }
        let node = node.restart().await;
        assert_eq!(node.digest_all().await, 0);
        assert_counted_once(&app, 2 * ROUNDS).await;
    }
}

#[tokio::test]
async fn a_commit_that_is_still_under_way_is_waited_for() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let proxy = CuttingProxy::before(&app.database_options());
    let node = Node::start_on(&app, proxy.pool());
    for round in 1..=ROUNDS {
        accept_everything(&node, &project, round).await;
        proxy.cut_next(Cut::DuringCommit);
        assert!(node.digest.run_once().await.is_err(), "the connection was cut");
        let again = tokio::spawn({
            let digest = node.digest.clone();
            async move { digest.run_once().await }
        });
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the second try to meet the first", async || (number(&app, waiting).await > 0).then_some(())).await;
        proxy.release();
        again.await.expect("no panic").expect("the digest works");
        node.digest_all().await;
        assert_counted_once(&app, round).await;
    }
}

#[tokio::test]
async fn a_run_that_is_given_up_in_the_middle_of_its_commit_counts_once() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let proxy = CuttingProxy::before(&app.database_options());
    let node = Node::start_on(&app, proxy.pool());
    accept_everything(&node, &project, 1).await;
    proxy.cut_next(Cut::Stalled);
    tokio::select! {
        done = node.digest.run_once() => panic!("the commit is held back: {done:?}"),
        () = eventually("the commit", async || (proxy.cut_count() == 1).then_some(())) => {}
    }
    proxy.release();
    node.digest_all().await;
    assert_counted_once(&app, 1).await;
}
