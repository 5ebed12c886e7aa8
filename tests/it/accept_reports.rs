//! What browsers report on their own, from the door to the page: real bodies of Chromium, the other kinds, and what is none.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Row;

use crate::accept_support::{KEY, add_project, app, fixture, index, post};
use crate::harness::{TestApp, disagreements};

const CSP: &str = "application/csp-report";

/// Title, culprit and number of events of every issue, by title.
async fn issues(app: &TestApp) -> Vec<(String, String, i64)> {
    sqlx::query_as("SELECT value, culprit, event_count FROM issues ORDER BY value").fetch_all(&app.db).await.expect("the query works")
}

async fn outcomes(app: &TestApp) -> Vec<(String, String, String, i64)> {
    let sql = "SELECT category, outcome, reason, sum(item_count)::int8 FROM project_outcomes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    sqlx::query_as(sql).fetch_all(&app.db).await.expect("the query works")
}

fn outcome(outcome: &str, reason: &str, count: i64) -> (String, String, String, i64) {
    ("security".to_owned(), outcome.to_owned(), reason.to_owned(), count)
}

fn address(more: &str) -> String {
    format!("/api/42/security/?sentry_key={KEY}{more}")
}

async fn report(app: &TestApp, body: &Value) -> StatusCode {
    post(app, &address(""), &[("content-type", "application/json")], body.to_string()).await.status
}

fn csp(directive: &str, blocked: &str) -> Value {
    json!({ "csp-report": { "document-uri": "https://shop.example/cart", "effective-directive": directive, "blocked-uri": blocked,
                            "original-policy": "default-src 'self'", "disposition": "enforce" } })
}

#[tokio::test]
async fn what_chromium_sends_becomes_issues_by_directive_and_host() {
    let app = app().await;
    add_project(&app, 44, "b1b2c3d4e5f60718293a4b5c6d7e8f91").await;
    let cases = index("security");
    assert!(cases.len() >= 5);
    for case in &cases {
        let (path, query) = (case["path"].as_str().expect("a path"), case["query"].as_str().unwrap_or_default());
        let headers: Vec<(&str, &str)> =
            case["headers"].as_array().expect("headers").iter().filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?))).collect();
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")).collect();
        let answer =
            post(&app, &format!("{path}?{query}"), &headers, fixture(&format!("security/{}", case["file"].as_str().unwrap()))).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &Value::Null), "{case}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    app.settle().await;
    let expected = [
        ("Blocked 'img-src' from 'localhost'", 2),
        ("Blocked 'script-src' from 'localhost'", 1),
        ("Blocked 'script-src' from inline code", 2),
    ];
    let found = issues(&app).await;
    assert_eq!(found.iter().map(|(title, _, count)| (title.as_str(), *count)).collect::<Vec<_>>(), expected);
    assert!(found.iter().all(|(_, culprit, _)| culprit.contains("-src 'self'")), "{found:?}");
    assert_eq!(outcomes(&app).await, [outcome("stored", "", 5)]);
    let mut db = app.db.acquire().await.expect("a connection");
    assert_eq!(disagreements(&mut db).await, [""; 0]);
    drop(db);

    let row =
        sqlx::query("SELECT release, environment FROM events WHERE release IS NOT NULL LIMIT 1").fetch_one(&app.db).await.expect("a row");
    assert_eq!((row.get::<String, _>(0).as_str(), row.get::<String, _>(1).as_str()), ("shop-front@3.2.0", "production"));
    let tags: Vec<String> = sqlx::query_scalar("SELECT DISTINCT key FROM issue_tags ORDER BY key").fetch_all(&app.db).await.expect("tags");
    for key in ["blocked-uri", "browser.name", "disposition", "effective-directive", "url"] {
        assert!(tags.iter().any(|tag| tag == key), "{key} is missing in {tags:?}");
    }
}

#[tokio::test]
async fn the_page_shows_the_report_and_its_policy_instead_of_frames() {
    let app = app().await;
    report(&app, &csp("script-src-elem", "https://cdn.example/a.js?secret_token=abc123def456")).await;
    app.settle().await;
    let (issue, event): (i64, String) =
        sqlx::query_as("SELECT issue_id, replace(event_id::text, '-', '') FROM events").fetch_one(&app.db).await.expect("one");
    let browser = app.sign_in_owner().await;
    let page = browser.open(&format!("/issues/{issue}")).await;
    page.assert_shows("Blocked 'script-src' from 'cdn.example'");
    page.assert_shows("Content security policy");
    page.assert_shows("Enforced: the browser prevented it.");
    page.assert_shows("broken rule: default-src 'self'");
    page.assert_shows("Grouped by browser report");
    assert!(!page.html.contains("abc123def456") && !page.html.contains("Not sent with this event"), "{}", page.text());
    assert!(page.texts_of("exc").is_empty());
    let plain = browser.open(&format!("/issues/{issue}/events/{event}.txt")).await;
    assert!(plain.html.contains("effective_directive: script-src-elem"), "{}", plain.html);
    let owner = app.person("api@shop.example", "owner").await;
    let api = app.api(&app.token(&owner, &["event:read", "project:read", "org:read"]).await);
    let shown = api.get(&format!("/api/0/issues/{issue}/events/latest/")).await;
    assert_eq!(shown.json["type"], "csp", "{}", shown.json);
    assert!(shown.json["entries"].as_array().is_some_and(|entries| entries.iter().any(|entry| entry["type"] == "csp")));
}

#[tokio::test]
async fn several_reports_of_a_request_are_several_events_and_noise_is_left_out_and_counted() {
    let app = app().await;
    let list = json!([
        { "type": "csp-violation", "age": 1000, "url": "https://shop.example/", "body": { "effectiveDirective": "img-src", "blockedURL": "https://a.example/1" } },
        { "type": "csp-violation", "age": 2000, "url": "https://shop.example/", "body": { "effectiveDirective": "img-src", "blockedURL": "https://a.example/2" } },
        { "type": "csp-violation", "url": "https://shop.example/", "body": { "effectiveDirective": "script-src", "blockedURL": "moz-extension" } },
        { "type": "network-error", "url": "https://shop.example/", "body": { "type": "dns.name_not_resolved", "phase": "dns" } },
        { "type": "network-error", "url": "https://shop.example/", "body": { "type": "ok" } },
        { "type": "deprecation", "url": "https://shop.example/", "body": { "id": "Unload", "message": "Unload handlers are deprecated." } },
        { "type": "csp-violation" },
    ]);
    for path in ["security", "csp-report/", "nel/"] {
        let answer =
            post(&app, &format!("/api/42/{path}?sentry_key={KEY}"), &[("content-type", "application/reports+json; x=y")], list.to_string())
                .await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    app.settle().await;
    assert_eq!(
        outcomes(&app).await,
        [
            outcome("filtered", "browser_extension", 3),
            outcome("filtered", "no_failure", 3),
            outcome("invalid", "dead_letter", 3),
            outcome("stored", "", 12)
        ]
    );
    let titles: Vec<_> = issues(&app).await.into_iter().map(|(title, _, count)| (title, count)).collect();
    let expected = [
        ("Blocked 'img-src' from 'a.example'", 6),
        ("Network error 'dns.name_not_resolved' at 'shop.example'", 3),
        ("Unload handlers are deprecated.", 3),
    ];
    assert_eq!(titles, expected.map(|(title, count)| (title.to_owned(), count)));
    let items = app.app.doors.ingest.counters.accepted_items.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(items, 21, "received is the sum of the outcomes");
}

#[tokio::test]
async fn the_item_of_an_envelope_is_read_like_a_report_of_the_door() {
    let app = app().await;
    let items: String = ["raw_security", "security"]
        .iter()
        .map(|kind| format!("{{\"type\":\"{kind}\",\"sentry_environment\":\"staging\"}}\n{}\n", csp("img-src", "https://a.example/")))
        .collect();
    let sent = post(&app, "/api/42/envelope/", &[("x-sentry-auth", crate::accept_support::AUTH)], format!("{{}}\n{items}")).await;
    assert_eq!(sent.status, StatusCode::OK);
    app.settle().await;
    assert_eq!(outcomes(&app).await, [outcome("stored", "", 2)]);
    let environments: Vec<String> = sqlx::query_scalar("SELECT DISTINCT environment FROM events").fetch_all(&app.db).await.expect("rows");
    assert_eq!(environments, ["staging"]);
}

#[tokio::test]
async fn what_is_no_report_is_refused_and_says_why() {
    let app = app().await;
    let send = async |headers: &[(&str, &str)], body: &str| post(&app, &address(""), headers, body.to_owned()).await;
    for content_type in ["text/html", "multipart/form-data", "image/png"] {
        let answer = send(&[("content-type", content_type)], "{}").await;
        assert_eq!((answer.status, answer.detail()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported content type"), "{content_type}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    for body in ["", "[1,2]", "null", "\"x\"", "{", "\u{0}"] {
        assert_eq!(send(&[("content-type", CSP)], body).await.status, StatusCode::BAD_REQUEST, "{body:?}");
    }
    let many = format!("[{}]", vec!["{}"; 5_000].join(","));
    assert_eq!(send(&[("content-type", CSP)], &many).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(&[("content-type", CSP)], &" ".repeat(2 << 20)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(&[("content-encoding", "gzip")], "{}").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(send(&[], &csp("img-src", "data").to_string()).await.status, StatusCode::OK, "a silent sender");
    assert_eq!(post(&app, "/api/42/security/", &[("content-type", CSP)], "{}").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&app, &format!("/api/43/security/?sentry_key={KEY}"), &[], "{}").await.status, StatusCode::FORBIDDEN);
    let preflight =
        crate::accept_support::send(&app, "OPTIONS", &address(""), &[("access-control-request-headers", "content-type")], "").await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (StatusCode::NO_CONTENT, "*"));
}

#[tokio::test]
async fn limits_of_reports_are_those_of_their_category() {
    let app = app().await;
    sqlx::query("UPDATE projects SET minute_limit = 2 WHERE id = 42").execute(&app.db).await.expect("it is limited");
    app.clock.advance(time::Duration::seconds(6));
    let list = Value::Array(vec![json!({ "type": "crash", "url": "https://shop.example/", "body": { "reason": "oom" } }); 3]);
    assert_eq!(report(&app, &list).await, StatusCode::OK, "some of them fit");
    let answer = post(&app, &address(""), &[], list.to_string()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.header("x-sentry-rate-limits").contains(":security:project:project_minute"), "{:?}", answer.headers);
    let event = crate::accept_support::post_envelope(&app, crate::accept_support::ENVELOPE).await;
    assert_eq!(event.status, StatusCode::OK, "errors are another category");
}
