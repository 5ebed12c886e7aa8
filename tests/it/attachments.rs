//! Files beside events: from the SDK's envelope to the page, the Web API and the end of their time.

use bugle::jobs::{partitions, retention, storage};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Project, TestApp, attachment, exception, fixture};
use crate::keeping_counts::differences;

pub async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

/// Outcomes of a category, as `stored 3, duplicate 1`.
pub async fn outcomes(app: &TestApp, category: &str) -> String {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT outcome, reason, sum(item_count)::int8 FROM project_outcomes WHERE category = $1 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(category)
    .fetch_all(&app.db)
    .await
    .expect("the accounting is readable");
    rows.iter().map(|(outcome, reason, count)| format!("{outcome} {reason} {count}").replace("  ", " ")).collect::<Vec<_>>().join(", ")
}

/// Name, size and address of the files that the Web API lists for an event.
async fn files(app: &TestApp, project: &Project, event: &str) -> Vec<Value> {
    let token = app.token(&app.owner().await, &["event:read"]).await;
    let answer = app.api(&token).get(&format!("/api/0/projects/bugle/{}/events/{event}/attachments/", project.slug)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    answer.json.as_array().expect("a list").clone()
}

pub fn noise(len: usize, mut seed: u64) -> Vec<u8> {
    let mut byte = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u8
    };
    (0..len).map(|_| byte()).collect()
}

#[tokio::test]
async fn what_python_attaches_is_listed_downloaded_and_counted() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    assert_eq!(app.sdk(&project).envelope(fixture("python-2.75.0-attachments")).await.status, StatusCode::OK);
    app.settle().await;
    let listed = files(&app, &project, "817fa74e5e7a4fafa4e869b494ded363").await;
    let named: Vec<_> =
        listed.iter().map(|file| (file["name"].as_str().unwrap_or_default(), file["size"].as_i64().unwrap_or(-1))).collect();
    assert_eq!(
        named,
        [("dump.bin", 256), ("empty.txt", 0), ("import.log", 19), ("views.py.txt", 14_783)],
        "what looked like secrets is out of the text"
    );
    assert_eq!(outcomes(&app, "attachment").await, "stored 4");
    assert_eq!(outcomes(&app, "error").await, "stored 1");

    let browser = app.sign_in_owner().await;
    let page = browser.open("/events/817fa74e5e7a4fafa4e869b494ded363").await;
    for text in ["Attachments 4", "import.log text/plain (as sent) 19 B", "dump.bin application/octet-stream (as sent) 256 B", "Empty 0 B"]
    {
        page.assert_shows(text);
    }
    let href = page.links().into_iter().find(|href| href.ends_with("/view")).expect("a text can be viewed");
    let view = browser.open(&href).await;
    assert_eq!(view.status, StatusCode::OK, "{}", view.text());
    let plain = href.trim_end_matches("/view");
    let answer = browser.request(Method::GET, plain).send().await.expect("the server answers");
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(answer.headers()["content-disposition"].to_str().is_ok_and(|value| value.starts_with("attachment; filename=")));

    // Sent again, as a proxy might: everything once.
    app.sdk(&project).envelope(fixture("python-2.75.0-attachments")).await;
    app.settle().await;
    assert_eq!(outcomes(&app, "attachment").await, "duplicate 4, stored 4");
    assert_eq!(number(&app, "SELECT count(*) FROM attachments").await, 4);
    assert_eq!(differences(&app).await, [""; 0]);
}

#[tokio::test]
async fn a_file_may_come_before_its_event_or_after_it_and_two_empty_ones_are_two() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    let sent = sdk.envelope(fixture("spec-two-empty-attachments.envelope")).await;
    assert_eq!((sent.status, sent.body["id"].as_str()), (StatusCode::OK, Some("9ec79c33ec9942ab8353589fcb2e04dc")));
    app.settle().await;
    assert_eq!(files(&app, &project, "9ec79c33ec9942ab8353589fcb2e04dc").await.len(), 2);
    sdk.envelope(fixture("spec-binary-attachment-with-newlines.envelope")).await;
    sdk.envelope(attachment("9ec79c33ec9942ab8353589fcb2e04dc", "later.txt", b"afterwards")).await;
    app.settle().await;
    let browser = app.sign_in_owner().await;
    let page = browser.open("/events/9ec79c33ec9942ab8353589fcb2e04dc").await;
    page.assert_shows("Attachments 4");
    page.assert_shows("hello.txt");
    page.assert_shows("later.txt");
    assert_eq!(outcomes(&app, "attachment").await, "stored 4");
}

#[tokio::test]
async fn a_large_file_comes_back_as_it_was_from_pieces() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let event = app.sdk(&project).raise("KeyError", "x", "pay").await;
    let (noise, text) = (noise(5_000_001, 7), "WARNING the queue is long — 長い\n".repeat(50_000));
    app.sdk(&project).envelope(attachment(&event, "noise.bin", &noise)).await;
    app.sdk(&project).envelope(attachment(&event, "queue.log", text.as_bytes())).await;
    app.settle().await;
    let token = app.token(&app.owner().await, &["event:read"]).await;
    for (file, bytes) in files(&app, &project, &event).await.iter().zip([noise.as_slice(), text.as_bytes()]) {
        let path = format!("/api/0/projects/bugle/shop/events/{event}/attachments/{}/", file["id"].as_str().unwrap_or_default());
        assert_eq!(app.api(&token).get(&path).await.json, *file);
        let answer = app.api(&token).request(Method::GET, &format!("{path}?download=1")).send().await.expect("the server answers");
        assert_eq!(answer.content_length(), Some(bytes.len() as u64));
        assert!(answer.bytes().await.expect("the whole of it") == bytes, "{}", file["name"]);
    }
    let stored = number(&app, "SELECT sum(length(content))::int8 FROM attachment_chunks").await;
    assert!(stored < 5_100_000, "text is compressed, noise is not inflated: {stored}");
    assert_eq!(number(&app, "SELECT max(length(content))::int8 FROM attachment_chunks").await, 256 << 10);
    assert_eq!(differences(&app).await, [""; 0]);
    sqlx::query("DELETE FROM attachment_chunks WHERE number = 2 AND NOT is_packed").execute(&app.db).await.expect("a piece is lost");
    assert!(differences(&app).await[0].starts_with("attachments.chunk_count"), "the proof finds it");
}

#[tokio::test]
async fn the_newest_files_go_with_the_rate_limit_of_their_event_and_say_so() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let event = app.sdk(&project).raise("KeyError", "x", "pay").await;
    sqlx::query("UPDATE projects SET minute_limit = 2 WHERE id = $1").bind(project.id).execute(&app.db).await.expect("it is limited");
    app.clock.advance(Duration::minutes(2));
    app.app.doors.keys.refresh(&app.db).await;
    let mut headers = Vec::new();
    for n in 0..4 {
        let sent = app.sdk(&project).envelope(attachment(&event, &format!("{n}.txt"), b"x")).await;
        headers.push((
            sent.status.as_u16(),
            sent.headers.get("x-sentry-rate-limits").map(|value| value.to_str().unwrap_or_default().to_owned()),
        ));
    }
    let told = Some("60:attachment:project:project_minute".to_owned());
    assert_eq!(headers, [(200, None), (200, told.clone()), (429, told.clone()), (429, told)]);
    // Errors are another category.
    app.sdk(&project).raise("KeyError", "y", "pay").await;
    app.settle().await;
    assert_eq!(outcomes(&app, "attachment").await, "rate_limited project_minute 2, stored 2");
}

/// Three days with an event and a file each.
async fn three_days(app: &TestApp) -> Vec<String> {
    let project = app.project("shop").await;
    let mut events = Vec::new();
    for day in 0..3_u64 {
        if day > 0 {
            app.advance(Duration::days(1)).await;
        }
        partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
        let event = app.sdk(&project).capture(exception("KeyError", "x", "pay")).await;
        app.sdk(&project).envelope(attachment(&event, "noise.bin", &noise(1 << 20, day))).await;
        app.settle().await;
        events.push(event);
    }
    events
}

#[tokio::test]
async fn files_go_with_their_day_and_with_the_retention_of_their_project() {
    let app = TestApp::start().await;
    three_days(&app).await;
    assert_eq!(number(&app, "SELECT count(*) FROM attachment_chunks_default").await, 0);
    sqlx::query("UPDATE projects SET retention_days = 1").execute(&app.db).await.expect("it keeps a day");
    retention::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM attachments").await, 2);
    assert_eq!(number(&app, "SELECT count(*) FROM attachment_chunks").await, 8);
    assert_eq!(differences(&app).await, [""; 0]);
    app.clock.advance(Duration::days(90));
    partitions::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM attachments").await, 1, "the day at the edge is kept");
    assert_eq!(number(&app, "SELECT count(*) FROM attachment_chunks").await, 4);
    assert_eq!(differences(&app).await, [""; 0]);
}

#[tokio::test]
async fn files_give_way_before_events_when_the_database_is_too_large() {
    let app = TestApp::start().await;
    let events = three_days(&app).await;
    // Whatever the limit: the database is larger, and files are a good part of it.
    assert_eq!(storage::run_once(&app.db, &app.clock, Some(8_000_000)).await.expect("the job works"), 1);
    assert_eq!(number(&app, "SELECT count(*) FROM attachments").await, 2, "of the oldest day");
    assert_eq!(storage::run_once(&app.db, &app.clock, Some(8_000_000)).await.expect("the job works"), 1);
    assert_eq!(number(&app, "SELECT count(*) FROM attachments").await, 1, "today is left alone");
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 3);
    assert_eq!(differences(&app).await, [""; 0]);
    let browser = app.sign_in_owner().await;
    browser.open(&format!("/events/{}", events[0])).await.assert_hides("noise.bin");
    browser.open(&format!("/events/{}", events[2])).await.assert_shows("noise.bin");
}

#[tokio::test]
async fn files_of_events_that_are_counted_only_are_counted_only() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    sqlx::query("UPDATE projects SET sample_after = 3").execute(&app.db).await.expect("it thins spikes");
    let node = crate::harness::Node::start(&app);
    for n in 0..40 {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let mut event = exception("KeyError", "x", "pay");
        event["event_id"] = json!(id);
        let event = event.to_string();
        let body = format!(
            "{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n{{\"type\":\"attachment\",\"length\":1,\"filename\":\"{n}\"}}\nx",
            event.len()
        );
        node.accept_body(&project, bugle::protocol::receipt::BodyForm::Envelope, body.into_bytes()).await;
    }
    node.digest_all().await;
    let (events, files) = (number(&app, "SELECT count(*) FROM events").await, number(&app, "SELECT count(*) FROM attachments").await);
    assert!(events < 40 && events == files, "{events} events, {files} files");
    assert_eq!(outcomes(&app, "attachment").await, format!("sampled {}, stored {files}", 40 - files));

    let sampled: uuid::Uuid =
        sqlx::query_scalar("SELECT event_id FROM event_ids WHERE event_id NOT IN (SELECT event_id FROM events) LIMIT 1")
            .fetch_one(&app.db)
            .await
            .expect("an event without a row");
    let later = attachment(&sampled.simple().to_string(), "later.txt", b"sent on its own");
    node.accept_body(&project, bugle::protocol::receipt::BodyForm::Envelope, later).await;
    node.digest_all().await;
    assert_eq!(outcomes(&app, "attachment").await, format!("sampled {}, stored {files}", 41 - files));
}

#[tokio::test]
async fn a_project_that_is_deleted_takes_its_files_along() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    app.sdk(&project).envelope(fixture("python-2.75.0-attachments")).await;
    app.settle().await;
    sqlx::query("DELETE FROM project_members").execute(&app.db).await.expect("nobody is a member");
    sqlx::query("DELETE FROM projects").execute(&app.db).await.expect("it is deleted");
    assert_eq!(number(&app, "SELECT (SELECT count(*) FROM attachments) + (SELECT count(*) FROM attachment_chunks)").await, 0);
}
