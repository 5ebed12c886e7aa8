//! Check-ins of jobs: monitors with their schedule, and runs with what became of them.

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::accept_support::{AUTH, KEY, app, post, send};
use crate::harness::{TestApp, fixture};

async fn tell(app: &TestApp, check_in: &Value) {
    let sent = post(app, "/api/42/envelope/", &[("x-sentry-auth", AUTH)], format!("{{}}\n{{\"type\":\"check_in\"}}\n{check_in}\n")).await;
    assert_eq!(sent.status, StatusCode::OK);
    app.settle().await;
}

/// Slug, environment, status and duration of every run, oldest first.
async fn runs(app: &TestApp) -> Vec<(String, String, String, Option<i64>)> {
    let sql = "SELECT slug, environment, status, duration_ms FROM check_ins ORDER BY started_at, slug, check_in_id";
    sqlx::query_as(sql).fetch_all(&app.db).await.expect("the query works")
}

fn run(slug: &str, environment: &str, status: &str, duration: Option<i64>) -> (String, String, String, Option<i64>) {
    (slug.to_owned(), environment.to_owned(), status.to_owned(), duration)
}

async fn outcomes(app: &TestApp) -> Vec<(String, String, i64)> {
    let sql = "SELECT outcome, reason, sum(item_count)::int8 FROM project_outcomes WHERE category = 'monitor' GROUP BY 1, 2 ORDER BY 1, 2";
    sqlx::query_as(sql).fetch_all(&app.db).await.expect("the query works")
}

fn schedule() -> Value {
    json!({ "schedule": { "type": "crontab", "value": "15 2 * * *" }, "checkin_margin": 5, "max_runtime": 30, "timezone": "Europe/Vienna" })
}

#[tokio::test]
async fn captured_check_ins_of_all_sdks_become_monitors_and_runs() {
    let app = app().await;
    for name in [
        "python-2.75.0-cron-manual-checkins.check_in",
        "python-2.75.0-cron-manual-checkins.check_in-2",
        "python-2.75.0-cron-manual-checkins.check_in-3",
        "python-2.75.0-cron-monitor-ok-upsert.check_in",
        "python-2.75.0-cron-monitor-ok-upsert.check_in-2",
        "js-node-10.78.0-checkin.check_in",
        "js-node-10.78.0-checkin.check_in-2",
        "sentry-cli-3.8.0-monitors-run-ok.check_in",
        "sentry-cli-3.8.0-monitors-run-ok.check_in-2",
    ] {
        assert_eq!(post(&app, "/api/42/envelope/", &[("x-sentry-auth", AUTH)], fixture(name)).await.status, StatusCode::OK, "{name}");
    }
    app.settle().await;
    let expected = [
        run("nightly-backup", "production", "ok", Some(1)),
        run("nightly-export", "production", "ok", Some(98)),
        run("node-nightly", "production", "ok", Some(1_500)),
        run("queue-sweep", "production", "error", Some(12_500)),
    ];
    assert_eq!(runs(&app).await, expected);
    let stored = ("stored".to_owned(), String::new(), 8);
    assert_eq!(outcomes(&app).await, [("invalid".to_owned(), "unknown_monitor".to_owned(), 1), stored], "a heartbeat nobody announced");

    let owner = app.person("boss@shop.example", "owner").await;
    let api = app.api(&app.token(&owner, &["project:read", "org:read"]).await);
    let monitors = api.get("/api/0/organizations/bugle/monitors/").await;
    let slugs: Vec<_> = monitors.json.as_array().expect("a list").iter().map(|monitor| monitor["slug"].clone()).collect();
    assert_eq!(slugs, ["nightly-backup", "nightly-export", "node-nightly", "queue-sweep"]);
    assert_eq!(monitors.json[1]["config"]["schedule"], "15 2 * * *");
    assert_eq!(monitors.json[3]["config"]["schedule"], json!([10, "minute"]));
    let found = api.get("/api/0/organizations/bugle/monitors/queue-sweep/checkins/").await;
    assert_eq!((found.json[0]["status"].as_str(), found.json[0]["duration"].as_i64()), (Some("error"), Some(12_500)), "{}", found.json);
    assert_eq!(api.get("/api/0/organizations/bugle/monitors/other/checkins/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn jobs_check_in_with_nothing_but_an_address() {
    let app = app().await;
    let with_key = format!("/api/42/cron/nightly/{KEY}");
    let body = json!({ "status": "in_progress", "monitor_config": schedule() }).to_string();
    let first = post(&app, &with_key, &[], body).await;
    assert_eq!((first.status, &first.body), (StatusCode::ACCEPTED, &Value::Null));
    app.settle().await;
    app.clock.advance(Duration::seconds(90));
    let done = send(&app, "GET", &format!("{with_key}/?status=ok&check_in_id=00000000-0000-0000-0000-000000000000"), &[], "").await;
    assert_eq!(done.status, StatusCode::ACCEPTED);
    app.settle().await;
    assert_eq!(runs(&app).await, [run("nightly", "", "ok", Some(90_000))], "the nil id is the run in progress");
    let heartbeat =
        send(&app, "GET", &format!("/api/42/cron/Nightly?sentry_key={KEY}&status=error&duration=1.5&environment=staging"), &[], "").await;
    assert_eq!(heartbeat.status, StatusCode::ACCEPTED);
    app.settle().await;
    assert_eq!(runs(&app).await[1], run("nightly", "staging", "error", Some(1_500)));

    for (path, status) in [
        (with_key.clone(), StatusCode::BAD_REQUEST),
        (format!("{with_key}?status=missed"), StatusCode::BAD_REQUEST),
        ("/api/42/cron/nightly/?status=ok".to_owned(), StatusCode::UNAUTHORIZED),
        (format!("/api/42/cron/nightly/{}/?status=ok", "f".repeat(32)), StatusCode::FORBIDDEN),
        (format!("/api/43/cron/nightly/{KEY}/?status=ok"), StatusCode::FORBIDDEN),
    ] {
        assert_eq!(send(&app, "GET", &path, &[], "").await.status, status, "{path}");
    }
    assert_eq!(post(&app, &format!("{with_key}?status=ok"), &[], "no json").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(post(&app, &format!("{with_key}?status=ok"), &[], " ".repeat(200_000)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn updates_in_any_order_and_foreign_ids_harm_nobody() {
    let app = app().await;
    let id = "591b7eda030744caac44c85f3ad3c226";
    let check_in =
        |slug: &str, status: &str| json!({ "monitor_slug": slug, "check_in_id": id, "status": status, "monitor_config": schedule() });
    tell(&app, &check_in("a", "ok")).await;
    tell(&app, &check_in("a", "in_progress")).await;
    tell(&app, &check_in("b", "error")).await;
    assert_eq!(runs(&app).await, [run("a", "", "ok", None)]);
    tell(&app, &json!({ "monitor_slug": "c", "status": "ok", "monitor_config": { "schedule": { "type": "crontab", "value": "x" } } }))
        .await;
    tell(&app, &json!({ "monitor_slug": "\u{0}", "status": "ok" })).await;
    tell(&app, &json!([])).await;
    let expected = [
        ("invalid", "no_slug", 1),
        ("invalid", "other_monitor", 1),
        ("invalid", "unknown_monitor", 1),
        ("invalid", "unreadable", 1),
        ("stored", "", 2),
    ];
    assert_eq!(outcomes(&app).await, expected.map(|(outcome, reason, count)| (outcome.to_owned(), reason.to_owned(), count)));
    app.clock.advance(Duration::days(91));
    bugle::jobs::trim::run_once(&app.db, &app.clock, 90).await.expect("it trims");
    assert_eq!(runs(&app).await, [], "runs are kept as long as events");
}

#[tokio::test]
async fn runs_of_a_monitor_are_bounded_and_what_is_told_of_known_ones_is_not() {
    let app = app().await;
    tell(&app, &json!({ "monitor_slug": "a", "status": "ok", "monitor_config": schedule() })).await;
    let begun = sqlx::query(
        "INSERT INTO check_ins (project_id, check_in_id, slug, environment, status, started_at, updated_at)
         SELECT 42, gen_random_uuid(), 'a', '', 'in_progress', $1, $1 FROM generate_series(1, 359)",
    );
    begun.bind(app.now()).execute(&app.db).await.expect("runs have begun");
    tell(&app, &json!({ "monitor_slug": "a", "check_in_id": "591b7eda030744caac44c85f3ad3c226", "status": "ok" })).await;
    tell(&app, &json!({ "monitor_slug": "a", "status": "error" })).await;
    let known = ("stored".to_owned(), String::new(), 2);
    assert_eq!(outcomes(&app).await, [("invalid".to_owned(), "too_many_runs".to_owned(), 1), known.clone()]);
    app.clock.advance(Duration::minutes(61));
    tell(&app, &json!({ "monitor_slug": "a", "check_in_id": "591b7eda030744caac44c85f3ad3c226", "status": "ok" })).await;
    assert_eq!(outcomes(&app).await[1], (known.0, known.1, 3), "an hour later there is room again");
    let sql = "SELECT count(*) FILTER (WHERE status = 'error'), count(*) FROM check_ins";
    let left: (i64, i64) = sqlx::query_as(sql).fetch_one(&app.db).await.expect("the query works");
    assert_eq!(left, (1, 361));
}

#[tokio::test]
async fn no_limit_silences_a_job_and_no_project_has_monitors_without_end() {
    let app = app().await;
    sqlx::query("UPDATE projects SET minute_limit = 1 WHERE id = 42").execute(&app.db).await.expect("it is limited");
    app.clock.advance(Duration::seconds(6));
    for n in 0..510 {
        let body = json!({ "status": "ok", "monitor_config": schedule() }).to_string();
        let sent = post(&app, &format!("/api/42/cron/job-{n}/{KEY}/"), &[], body).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED);
    }
    app.settle().await;
    assert_eq!(
        outcomes(&app).await,
        [("invalid".to_owned(), "too_many_monitors".to_owned(), 10), ("stored".to_owned(), String::new(), 500)]
    );
}
