//! What operators and their probes see.

use reqwest::Method;

use crate::harness::{Setup, TestApp};

#[tokio::test]
async fn the_process_says_it_lives() {
    let app = TestApp::start().await;
    let page = app.browser().open("/healthz").await;
    assert_eq!((page.status.as_u16(), page.html.as_str()), (200, "ok\n"));
}

#[tokio::test]
async fn it_is_ready_and_stays_so_while_the_database_is_away() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let page = app.browser().open("/readyz").await;
    assert_eq!((page.status.as_u16(), page.html.as_str()), (200, "ready\n"));
    app.db.close().await;
    assert_eq!(app.browser().open("/readyz").await.status.as_u16(), 200);
    app.sdk(&project).raise("ValueError", "kept all the same", "view").await;
    assert_eq!(app.app.spool.depth().entry_count, 1);
}

#[tokio::test]
async fn it_is_not_ready_before_it_knows_who_may_send() {
    let app = TestApp::start().await;
    app.db.close().await;
    let page = app.browser().open("/readyz").await;
    assert_eq!(page.status.as_u16(), 503);
    assert!(page.html.contains("the database does not answer"), "{}", page.html);
}

#[tokio::test]
async fn metrics_count_what_was_kept_and_name_no_project() {
    let app = TestApp::start().await;
    let project = app.project("secret-shop").await;
    app.sdk(&project).raise("ValueError", "no", "view").await;
    let page = app.browser().open("/metrics").await;
    assert!(page.headers["content-type"].to_str().expect("text").starts_with("text/plain; version=0.0.4"));
    for line in ["bugle_ingest_requests_total{status=\"200\"} 1", "bugle_spool_entries 1", "bugle_spool_appended_total 1"] {
        assert!(page.html.lines().any(|one| one == line), "{line} is missing:\n{}", page.html);
    }
    assert!(!page.html.contains("secret-shop"));
    app.settle().await;
    assert!(app.browser().open("/metrics").await.html.lines().any(|one| one == "bugle_spool_entries 0"));
}

#[tokio::test]
async fn metrics_ask_for_their_token() {
    let app = TestApp::start_with(Setup { configure: |config| config.metrics_token = Some("s3cret".into()), ..Setup::default() }).await;
    let browser = app.browser();
    assert_eq!(browser.open("/metrics").await.status.as_u16(), 401);
    for (token, status) in [("s3cret", 200), ("s3cre", 401), ("", 401)] {
        let answer = browser.request(Method::GET, "/metrics").bearer_auth(token).send().await.expect("it answers");
        assert_eq!(answer.status().as_u16(), status, "{token}");
    }
}
