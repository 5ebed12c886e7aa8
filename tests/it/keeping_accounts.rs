//! Every item ends in exactly one outcome, and somebody can look it up.

use bugle::domain::ids::ProjectId;
use bugle::jobs::refused;
use reqwest::StatusCode;
use time::Duration;

use crate::harness::{Project, TestApp, exception};

async fn outcomes(app: &TestApp, project: &Project) -> Vec<(String, String, String, i64)> {
    sqlx::query_as(
        "SELECT category, outcome, reason, sum(item_count)::int8 FROM project_outcomes WHERE project_id = $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    )
    .bind(project.id)
    .fetch_all(&app.db)
    .await
    .expect("outcomes are readable")
}

fn row(category: &str, outcome: &str, reason: &str, count: i64) -> (String, String, String, i64) {
    (category.into(), outcome.into(), reason.into(), count)
}

async fn settle(app: &TestApp) {
    app.settle().await;
    refused::run_once(&app.db, &app.app.doors.accounting).await.expect("the refusals are written");
}

#[tokio::test]
async fn what_is_refused_at_the_door_is_accounted_for() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    let large = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{}\"}}", "x".repeat(2 << 20));
    for (body, status) in [
        (large.into_bytes(), StatusCode::PAYLOAD_TOO_LARGE),
        (b"not an envelope".to_vec(), StatusCode::BAD_REQUEST),
        (b"{}\n{\"type\":\"event\",\"length\":99}\n{}".to_vec(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(sdk.envelope(body).await.status, status);
    }
    sdk.raise("ValueError", "x", "pay").await;
    settle(&app).await;
    let expected = [row("error", "stored", "", 1), row("unknown", "invalid", "framing", 2), row("unknown", "invalid", "too_large", 1)];
    assert_eq!(outcomes(&app, &project).await, expected);
    assert_eq!(refused::run_once(&app.db, &app.app.doors.accounting).await.expect("works"), 0, "written once");
}

#[tokio::test]
async fn refusals_wait_while_nobody_can_write_them_and_strangers_are_not_counted() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let stranger = Project { key: "0".repeat(32), ..project.clone() };
    assert_eq!(app.sdk(&stranger).envelope(b"junk".to_vec()).await.status, StatusCode::FORBIDDEN);
    app.sdk(&project).envelope(b"junk".to_vec()).await;
    let closed = sqlx::PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/nothing").expect("a lazy pool");
    closed.close().await;
    assert!(refused::run_once(&closed, &app.app.doors.accounting).await.is_err());
    settle(&app).await;
    assert_eq!(outcomes(&app, &project).await, [row("unknown", "invalid", "framing", 1)]);
}

/// What the door says it received is the sum of the outcomes, over all captured bodies and some that nobody should send.
#[tokio::test]
async fn received_is_the_sum_of_the_outcomes() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/envelopes");
    for file in std::fs::read_dir(folder).expect("the fixtures are there").flatten() {
        sdk.envelope(std::fs::read(file.path()).expect("readable")).await;
    }
    let event = exception("ValueError", "x", "pay").to_string();
    for body in [
        format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n{{\"type\":\"session\"}}\n{{}}\n{{\"type\":\"shiny\"}}\n{{}}\n"),
        "{}\n{\"type\":\"event\"}\n{broken\n{\"type\":\"event\"}\n[]\n".to_owned(),
        "{}\n{\"type\":\"client_report\"}\n{\"discarded_events\":[{\"reason\":\"sample_rate\",\"category\":\"error\",\"quantity\":7}]}\n"
            .to_owned(),
        "{}\n{\"type\":\"client_report\"}\nnonsense\n".to_owned(),
        "nonsense".to_owned(),
        "{}\n".to_owned(),
        format!("{{}}\n{{\"type\":\"event\"}}\n{{\"extra\":{}}}", "[".repeat(20_000)),
    ] {
        sdk.envelope(body.into_bytes()).await;
    }
    settle(&app).await;
    let accepted = app.app.doors.ingest.counters.accepted_items.load(std::sync::atomic::Ordering::Relaxed);
    let at_the_door = |reason: &str| ["framing", "encoding", "too_large", "incomplete", "no_event"].contains(&reason);
    let refused: i64 = outcomes(&app, &project).await.into_iter().filter(|row| at_the_door(&row.2)).map(|row| row.3).sum();
    let ended: i64 = outcomes(&app, &project).await.into_iter().filter(|row| row.1 != "client_discard").map(|row| row.3).sum();
    assert!(refused > 0 && accepted > 30, "{refused} and {accepted}");
    assert_eq!(ended, i64::try_from(accepted).expect("few") + refused);
    let counted: u64 =
        app.app.doors.accounting.totals().into_iter().filter(|((outcome, _), _)| *outcome != "client_discard").map(|(_, n)| n).sum();
    assert_eq!(i64::try_from(counted).expect("few"), ended, "the metrics say the same");
}

#[tokio::test]
async fn the_page_shows_what_became_of_everything() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    browser.open("/shop/settings/outcomes").await.assert_shows("Nothing arrived in the last 24 hours");
    let sdk = app.sdk(&project);
    for _ in 0..3 {
        sdk.raise("ValueError", "x", "pay").await;
    }
    sdk.envelope(b"junk".to_vec()).await;
    let report =
        "{}\n{\"type\":\"client_report\"}\n{\"discarded_events\":[{\"reason\":\"sample_rate\",\"category\":\"error\",\"quantity\":700}]}\n";
    sdk.envelope(report.as_bytes().to_vec()).await;
    settle(&app).await;
    app.clock.advance(Duration::hours(30));

    browser.open("/shop/settings/outcomes").await.assert_shows("Nothing arrived in the last 24 hours");
    let page = browser.open("/shop/settings/outcomes?period=14d").await;
    for text in ["5 items arrived in the last 14 days", "Stored", "Invalid", "framing", "Discarded by the SDK", "sample_rate", "700"] {
        page.assert_shows(text);
    }
    browser.open("/shop/settings/outcomes?period=90d").await.assert_shows("5 items arrived in the last 90 days");
    browser.open("/shop/settings").await.assert_shows("Outcomes");
}

#[tokio::test]
async fn a_project_keeps_events_for_a_time_of_its_own() {
    let app = TestApp::start().await;
    let shop = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    browser.submit("/shop/settings/retention", &[("days", "14")]).await;
    browser.open("/shop/settings").await.assert_shows("Events of this project are kept for 14 days");
    for wrong in ["0", "-3", "91", "soon", "99999999999"] {
        browser.submit("/shop/settings/retention", &[("days", wrong)]).await.assert_shows("Nothing was saved");
    }
    browser.open("/shop/settings").await.assert_shows("kept for 14 days");
    browser.submit("/shop/settings/retention", &[("days", "")]).await;
    browser.open("/shop/settings").await.assert_shows("Events are kept for 90 days");

    let viewer = app.person("viewer@shop.example", "viewer").await;
    app.join(&shop, &viewer).await;
    let refused = app.sign_in(&viewer).await.submit("/shop/settings/retention", &[("days", "1")]).await;
    assert_ne!(refused.status, StatusCode::OK);
    assert_eq!(bugle::store::retention::find(&app.db, ProjectId(shop.id)).await.expect("readable"), None);
}
