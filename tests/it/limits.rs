//! Limits of projects and keys: what an SDK is told, what is kept, and that every item is accounted for.

use bugle::domain::ids::ProjectId;
use bugle::store::proof::{self, Pair, Since};
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Project, Sent, Setup, TestApp, exception};

/// Category, outcome, reason and count, of everything.
async fn outcomes(app: &TestApp) -> Vec<(String, String, String, i64)> {
    let sql = "SELECT category, outcome, reason, sum(item_count)::int8 FROM project_outcomes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    sqlx::query_as(sql).fetch_all(&app.db).await.expect("the query works")
}

async fn limit(app: &TestApp, column: &'static str, project: &Project, value: i32) {
    let sql = format!("UPDATE projects SET {column} = $2 WHERE id = $1");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(project.id).bind(value).execute(&app.db).await.expect("the project is limited");
    app.clock.advance(Duration::seconds(6)); // until the list of keys is read again
}

fn header<'a>(sent: &'a Sent, name: &str) -> &'a str {
    sent.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
}

fn event() -> Value {
    let mut event = exception("ValueError", "x", "view");
    event["event_id"] = json!(uuid::Uuid::new_v4().simple().to_string());
    event
}

#[tokio::test]
async fn beyond_its_limit_a_project_is_told_which_category_to_keep_and_for_how_long() {
    let app = TestApp::start().await;
    let (loud, quiet) = (app.project("loud").await, app.project("quiet").await);
    limit(&app, "minute_limit", &loud, 3).await;
    let sdk = app.sdk(&loud);
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(sdk.store(&event()).await);
    }
    assert_eq!(answers.iter().map(|sent| sent.status.as_u16()).collect::<Vec<_>>(), [200, 200, 200, 429, 429]);
    assert_eq!(header(&answers[1], "x-sentry-rate-limits"), "");
    assert_eq!(
        header(&answers[2], "x-sentry-rate-limits"),
        header(&answers[3], "x-sentry-rate-limits"),
        "the last that fits is told as well"
    );
    let seconds: u64 = header(&answers[3], "retry-after").parse().expect("whole seconds");
    assert!((1..=60).contains(&seconds));
    assert_eq!(header(&answers[3], "x-sentry-rate-limits"), format!("{seconds}:error;default:project:project_minute"));
    assert!(header(&answers[3], "access-control-expose-headers").contains("x-sentry-rate-limits"));
    assert_eq!(answers[3].body["detail"], "rate limited");
    app.sdk(&quiet).capture(event()).await;

    app.settle().await;
    let expected = [("error", "rate_limited", "project_minute", 2), ("error", "stored", "", 4)];
    assert_eq!(outcomes(&app).await, expected.map(|(a, b, c, count)| (a.to_owned(), b.to_owned(), c.to_owned(), count)));
    app.clock.advance(Duration::seconds(i64::try_from(seconds).expect("small")));
    assert_eq!(sdk.store(&event()).await.status, StatusCode::OK, "after the time it was told there is room");
}

#[tokio::test]
async fn an_envelope_loses_only_what_is_limited() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    limit(&app, "hour_limit", &project, 1).await;
    let sdk = app.sdk(&project);
    sdk.capture(event()).await;
    let session = |n: u8| json!({ "sid": n, "status": "ok", "attrs": { "release": "shop@1" } }).to_string();
    let report = json!({ "discarded_events": [{ "reason": "ratelimit_backoff", "category": "error", "quantity": 7 }] }).to_string();
    let mixed = |n| {
        let (event, session) = (event(), session(n));
        let attachment = "{\"type\":\"attachment\",\"length\":3,\"filename\":\"a\"}\na\nb";
        let parts = [
            json!({ "event_id": event["event_id"] }).to_string(),
            "{\"type\":\"event\"}".to_owned(),
            event.to_string(),
            attachment.to_owned(),
            "{\"type\":\"session\"}".to_owned(),
            session,
            "{\"type\":\"client_report\"}".to_owned(),
            report.clone(),
        ];
        parts.join("\n")
    };
    let first = sdk.envelope(mixed(1)).await;
    assert_eq!(first.status, StatusCode::OK, "the session and the report are kept");
    assert_eq!(header(&first, "x-sentry-rate-limits"), "60:error;default:project:project_hour, 60:session:project:project_hour");
    assert_eq!(sdk.envelope(mixed(2)).await.status, StatusCode::OK, "the report is kept");
    app.settle().await;
    let expected = [
        ("attachment", "rate_limited", "project_hour", 2),
        ("error", "client_discard", "ratelimit_backoff", 14),
        ("error", "rate_limited", "project_hour", 2),
        ("error", "stored", "", 1),
        ("internal", "stored", "", 2),
        ("session", "rate_limited", "project_hour", 1),
        ("session", "stored", "", 1),
    ];
    assert_eq!(outcomes(&app).await, expected.map(|(a, b, c, count)| (a.to_owned(), b.to_owned(), c.to_owned(), count)));
}

#[tokio::test]
async fn reports_and_check_ins_are_never_refused() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    limit(&app, "minute_limit", &project, 1).await;
    for _ in 0..5 {
        let body = "{}\n{\"type\":\"client_report\"}\n{}\n{\"type\":\"check_in\"}\n{}\n";
        let sent = app.sdk(&project).envelope(body).await;
        assert_eq!((sent.status, header(&sent, "x-sentry-rate-limits")), (StatusCode::OK, ""));
    }
}

#[tokio::test]
async fn refusals_are_counted_over_a_restart_and_shown_where_people_look() {
    let mut app = TestApp::start_with(Setup { configure: |config| config.rates.key_minute = Some(1), ..Setup::default() }).await;
    let project = app.project("shop").await;
    app.sdk(&project).capture(event()).await;
    for _ in 0..4 {
        assert_eq!(app.sdk(&project).store(&event()).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    bugle::http::ingest::keep_refused(&app.app.doors).await.expect("the spool has room");
    app.restart().await;
    app.settle().await;
    let refused: Vec<_> = outcomes(&app).await.into_iter().filter(|row| row.1 == "rate_limited").collect();
    assert_eq!(refused, [("error".to_owned(), "rate_limited".to_owned(), "key_minute".to_owned(), 4)]);

    let browser = app.sign_in_owner().await;
    browser.open("/shop/settings").await.assert_shows("The limit of the key “Default” per minute is reached: 4 items refused since");
    browser.open("/shop/issues").await.assert_shows("Events of this project are being refused since");
    app.clock.advance(Duration::minutes(4));
    browser.open("/shop/issues").await.assert_hides("being refused");
    browser.open("/shop/settings").await.assert_hides("is reached");
}

#[tokio::test]
async fn limits_are_set_in_the_settings_and_hold_within_seconds() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    let key = format!("/shop/settings/keys/{}/limits", project.key);
    browser.submit(&key, &[("minute_limit", "1"), ("hour_limit", "")]).await;
    browser.submit("/shop/settings/limits", &[("minute_limit", "100"), ("hour_limit", "0"), ("sample_after", "5")]).await;
    let page = browser.open("/shop/settings").await;
    page.assert_shows("Limits: 1 per minute");
    assert!(page.html.contains("value=\"100\"") && page.html.contains("value=\"0\"") && page.html.contains("value=\"5\""), "{}", page.html);
    app.clock.advance(Duration::seconds(6));
    app.sdk(&project).capture(event()).await;
    let refused = app.sdk(&project).store(&event()).await;
    assert!(header(&refused, "x-sentry-rate-limits").ends_with(":error;default:key:key_minute"));

    for wrong in ["-1", "many", "1.5", "99999999999"] {
        let page = browser.submit("/shop/settings/limits", &[("minute_limit", wrong)]).await;
        page.assert_shows("Nothing was saved: a limit is a whole number");
    }
    let kept: i32 = sqlx::query_scalar("SELECT minute_limit FROM projects").fetch_one(&app.db).await.expect("the project is there");
    assert_eq!(kept, 100);

    let member = app.person("tom@shop.example", "member").await;
    app.join(&project, &member).await;
    let member = app.sign_in(&member).await;
    for path in ["/shop/settings/limits", key.as_str()] {
        assert_eq!(member.submit(path, &[("minute_limit", "9")]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_spike_is_counted_exactly_and_stored_thinned() {
    let app = TestApp::start_with(Setup { configure: |config| config.sample_after = Some(10), ..Setup::default() }).await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    let mut last = String::new();
    for n in 0..85 {
        let mut event = event();
        event["user"] = json!({ "id": n.to_string() });
        event["release"] = json!("v1");
        event["environment"] = json!("production");
        last = sdk.capture(event).await;
        if n % 30 == 0 {
            app.settle().await;
        }
    }
    sdk.capture(exception("KeyError", "another", "elsewhere")).await;
    let mut again = event();
    again["event_id"] = json!(last);
    sdk.capture(again).await;
    app.settle().await;
    let number =
        async |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&app.db).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    // 10 whole, of 20 every 2nd, of 40 every 4th, of 80 every 8th, then every 16th.
    let kept = 10 + 5 + 5 + 5;
    assert_eq!(number("SELECT count(*) FROM events").await, kept + 1);
    assert_eq!(number("SELECT max(event_count) FROM issues").await, 85);
    assert_eq!(number("SELECT max(sampled_count) FROM issues").await, 85 - kept);
    assert_eq!(number("SELECT max(user_count) FROM issues").await, 85);
    assert_eq!(number("SELECT max(event_count) FROM issue_releases").await, 85);
    assert_eq!(number("SELECT max(event_count) FROM issue_environments").await, 85);
    assert_eq!(number("SELECT sum(clean_count)::int8 FROM issue_minutes").await, 86);
    assert_eq!(number("SELECT sum(event_count)::int8 FROM project_hours").await, 86);
    assert_eq!(number("SELECT count(*) FROM event_ids").await, 86);
    assert_eq!(number("SELECT kept_count FROM issue_samples WHERE event_count = 85").await, kept);
    let expected = [("error", "duplicate", "", 1), ("error", "sampled", "", 85 - kept), ("error", "stored", "", kept + 1)];
    assert_eq!(outcomes(&app).await, expected.map(|(a, b, c, count)| (a.to_owned(), b.to_owned(), c.to_owned(), count)));

    assert_eq!(differences(&app, &project).await, [""; 0]);

    let issue = number("SELECT id FROM issues WHERE sampled_count > 0").await;
    let browser = app.sign_in_owner().await;
    browser.open(&format!("/issues/{issue}")).await.assert_shows("25 stored, the rest of a spike counted");
    browser.open(&format!("/issues/{issue}/events")).await.assert_shows("85 events counted, 25 of them stored");
    let counted_only = browser.open(&format!("/events/{last}")).await;
    assert_eq!(counted_only.status, 404);
    counted_only.assert_shows("The event arrived in shop on");

    app.clock.advance(Duration::HOUR);
    sdk.raise("ValueError", "x", "view").await;
    app.settle().await;
    assert_eq!(number("SELECT count(*) FROM events").await, kept + 2, "another hour begins anew");
}

/// What `bugle check --counts` would complain about.
async fn differences(app: &TestApp, project: &Project) -> Vec<String> {
    let long_ago = app.now() - Duration::days(30);
    let since = Since { hours: long_ago, minutes: long_ago, ids: long_ago };
    let mut tx = proof::snapshot(&app.db).await.expect("a snapshot");
    let mut found = Vec::new();
    let each = &mut |pair: Pair| {
        if pair.counted != pair.found {
            found.push(format!("{}: {}: {} and not {}", pair.counter, pair.row, pair.counted, pair.found));
        }
    };
    proof::compare(&mut tx, ProjectId(project.id), since, each).await.expect("the counters are compared");
    found
}

#[tokio::test]
async fn what_is_beyond_the_limits_of_names_is_still_proven() {
    let app = TestApp::start_with(Setup { configure: |config| config.sample_after = Some(20), ..Setup::default() }).await;
    let project = app.project("shop").await;
    let sql = "INSERT INTO environments SELECT $1, 'env' || n, now(), now() FROM generate_series(1, 199) AS n";
    sqlx::query(sql).bind(project.id).execute(&app.db).await.expect("the environments are stored");
    for n in 0..60 {
        let mut event = event();
        event["environment"] = json!(format!("new{}", n % 7));
        app.sdk(&project).capture(event).await;
    }
    app.settle().await;
    assert_eq!(differences(&app, &project).await, [""; 0]);
}

#[tokio::test]
async fn a_project_may_keep_all_of_its_spikes() {
    let app = TestApp::start_with(Setup { configure: |config| config.sample_after = Some(2), ..Setup::default() }).await;
    let project = app.project("shop").await;
    limit(&app, "sample_after", &project, 0).await;
    for _ in 0..9 {
        app.sdk(&project).capture(event()).await;
    }
    app.settle().await;
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&app.db).await.expect("the query works");
    assert_eq!(stored, 9);
}
