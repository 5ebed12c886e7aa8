//! Senders who overdo it: bounded tables, whatever they put into tags, environments, releases and clocks.

use serde_json::json;

use crate::harness::{Node, TestApp, exception};

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

#[tokio::test]
async fn ten_thousand_distinct_tag_values_are_capped_and_their_sum_stays_exact() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    for n in 0..10_000 {
        let mut event = exception("ValueError", "x", "pay");
        event["tags"] = json!({ "request": format!("r{n}"), "tenant": format!("t{}", n % 250), "colour": (["red", "blue"][n % 2]) });
        node.accept(&project, &event).await;
    }
    assert_eq!(node.digest_all().await, 10_000);
    assert_eq!(number(&app, "SELECT count(*) FROM issue_tags WHERE key = 'request'").await, 21, "no value comes twice");
    assert_eq!(number(&app, "SELECT count(*) FROM issue_tags WHERE key = 'tenant'").await, 101);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issue_tags WHERE key = 'tenant'").await, 10_000);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issue_tags WHERE key = 'request'").await, 10_000);
    assert_eq!(number(&app, "SELECT event_count FROM issue_tags WHERE key = 'request' AND value = ''").await, 9_980);
    assert_eq!(number(&app, "SELECT event_count FROM issue_tags WHERE key = 'colour' AND value = 'red'").await, 5_000);
    let page = app.sign_in_owner().await.open("/issues/1/tags").await;
    for text in ["the most frequent of more than 20", "the most frequent of more than 100", "2 values"] {
        page.assert_shows(text);
    }
}

#[tokio::test]
async fn keys_environments_and_releases_are_bounded() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    for n in 0..260 {
        let mut event = exception("ValueError", "x", "pay");
        event["tags"] = json!({ format!("key{n}"): "value" });
        event["environment"] = json!(format!("env{n}"));
        node.accept(&project, &event).await;
        if n % 100 == 0 {
            node.digest_all().await;
        }
    }
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 260);
    assert!(number(&app, "SELECT count(DISTINCT key) FROM issue_tags").await <= 100);
    assert_eq!(number(&app, "SELECT count(*) FROM environments").await, 201, "200 and the others together");
    assert_eq!(number(&app, "SELECT count(*) FROM issue_environments").await, 201);
    assert_eq!(number(&app, "SELECT event_count FROM issue_environments WHERE environment = '(other)'").await, 60);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issue_environments").await, 260);
}

#[tokio::test]
async fn releases_beyond_the_limit_are_counted_together() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sql = "INSERT INTO releases SELECT $1, 'v' || n, now(), now(), 1 FROM generate_series(1, 9998) AS n";
    sqlx::query(sql).bind(project.id).execute(&app.db).await.expect("the releases are stored");
    let node = Node::start(&app);
    for n in 0..50 {
        let mut event = exception("ValueError", "x", "pay");
        event["release"] = json!(format!("new{n:02}"));
        node.accept(&project, &event).await;
        if n == 20 {
            node.digest_all().await;
        }
    }
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT count(*) FROM releases").await, 10_001);
    assert_eq!(number(&app, "SELECT event_count FROM releases WHERE version = '(other)'").await, 48);
    assert_eq!(number(&app, "SELECT event_count FROM issue_releases WHERE release = '(other)'").await, 48);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issue_releases").await, 50);
}

#[tokio::test]
async fn people_of_an_issue_are_counted_up_to_a_limit() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let send = async |user: &str| {
        let mut event = exception("ValueError", "x", "pay");
        event["user"] = json!({ "id": user });
        node.accept(&project, &event).await;
        node.digest_all().await;
    };
    send("first").await;
    sqlx::query("UPDATE issues SET user_count = 100000").execute(&app.db).await.expect("as if many had been seen");
    send("one more").await;
    send("first").await;
    assert_eq!(number(&app, "SELECT count(*) FROM issue_people").await, 1);
    assert_eq!(number(&app, "SELECT user_count FROM issues").await, 100_000);
    assert_eq!(number(&app, "SELECT event_count FROM issues").await, 3);
}

#[tokio::test]
async fn fingerprints_that_lead_to_one_issue_are_bounded() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    // The frame of the application is always the same and decides; that of the library is generated anew each time.
    for n in 0..1_300 {
        let mut event = exception("ValueError", "x", "pay");
        let library = json!({ "function": letters(n), "module": "library", "filename": "library.py", "in_app": false });
        event["exception"]["values"][0]["stacktrace"]["frames"].as_array_mut().expect("frames").insert(0, library);
        node.accept(&project, &event).await;
    }
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT count(*) FROM issues").await, 1);
    assert_eq!(number(&app, "SELECT event_count FROM issues").await, 1_300);
    let hashes = number(&app, "SELECT count(*) FROM issue_hashes").await;
    assert!((1_000..=1_000 + 512).contains(&hashes), "{hashes}");
}

/// A name without digits, which would be left out of a fingerprint.
fn letters(n: usize) -> String {
    [n / 676 % 26, n / 26 % 26, n % 26].into_iter().filter_map(|n| char::from_u32('a' as u32 + u32::try_from(n).ok()?)).collect()
}

#[tokio::test]
async fn wild_clocks_make_no_stray_rows() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    bugle::jobs::partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    for wild in
        [json!("9999-12-31T23:59:59Z"), json!(-62_135_596_800_i64), json!(1e300), json!("0001-01-01T00:00:00Z"), json!(0), json!("soon")]
    {
        let mut event = exception("ValueError", "x", "pay");
        event["timestamp"] = wild;
        node.accept(&project, &event).await;
    }
    assert_eq!(node.digest_all().await, 6);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 6);
    assert_eq!(number(&app, "SELECT count(*) FROM events_default").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM issue_hours WHERE hour > '2026-11-20 12:00Z' OR hour < '2026-08-22 00:00Z'").await, 0);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issue_hours").await, 6);
    assert_eq!(number(&app, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass").await, 5);
}
