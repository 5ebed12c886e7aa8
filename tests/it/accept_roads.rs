//! The odd ways in: the tunnel, events without a project in the path, events in the address of a picture, and probes of another server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::accept_support::{AUTH, EVENT_ID, KEY, add_project, app, fixture, index, post, send, spooled};

const OTHER_KEY: &str = "b1b2c3d4e5f60718293a4b5c6d7e8f91";

fn tunnelled(dsn: &str) -> String {
    format!("{{\"event_id\":\"{EVENT_ID}\",\"dsn\":\"{dsn}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"hello\"}}\n")
}

#[tokio::test]
async fn the_tunnel_takes_project_and_key_from_the_envelope_and_asks_no_host() {
    let app = app().await;
    for (path, host) in [("/api/tunnel/", "sentry.example.test"), ("/api/tunnel", "169.254.169.254"), ("/api/42/envelope/", "anything")] {
        let answer =
            post(&app, path, &[("content-type", "text/plain;charset=UTF-8")], tunnelled(&format!("https://{KEY}@{host}/42"))).await;
        assert_eq!((answer.status, answer.id()), (StatusCode::OK, Some(EVENT_ID)), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    assert!(spooled(&app).await.iter().all(|(receipt, _)| receipt.project_id.0 == 42));
}

#[tokio::test]
async fn the_tunnel_refuses_strangers_and_those_who_contradict_themselves() {
    let app = app().await;
    add_project(&app, 44, OTHER_KEY).await;
    let unknown = "f".repeat(32);
    for (dsn, status) in [
        (format!("https://{unknown}@h/42"), StatusCode::FORBIDDEN),
        (format!("https://{KEY}@h/44"), StatusCode::FORBIDDEN),
        (format!("https://{KEY}@h/999"), StatusCode::FORBIDDEN),
        ("not a dsn".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(post(&app, "/api/tunnel/", &[], tunnelled(&dsn)).await.status, status, "{dsn}");
    }
    let dsn = format!("https://{KEY}@h/42");
    assert_eq!(post(&app, "/api/tunnel/", &[("x-sentry-auth", AUTH)], tunnelled(&dsn)).await.status, StatusCode::OK);
    let other = format!("/api/tunnel/?sentry_key={OTHER_KEY}");
    assert!(post(&app, &other, &[], tunnelled(&dsn)).await.status.is_client_error());
    assert_eq!(post(&app, "/api/tunnel/", &[], "{}\n{\"type\":\"event\"}\n{}").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&app, "/api/tunnel/", &[], "garbage").await.status, StatusCode::BAD_REQUEST);
    let preflight = send(&app, "OPTIONS", "/api/tunnel/", &[("origin", "https://shop.example")], "").await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (StatusCode::NO_CONTENT, "*"));
    assert_eq!(spooled(&app).await.len(), 1);
}

#[tokio::test]
async fn captured_tunnel_bodies_of_browsers_go_through() {
    let app = app().await;
    let bodies: Vec<String> = index("envelopes")
        .iter()
        .filter_map(|case| case["file"].as_str())
        .filter(|file| file.contains("tunnel"))
        .map(str::to_owned)
        .collect();
    assert!(!bodies.is_empty());
    for file in bodies {
        let answer =
            post(&app, "/api/tunnel/", &[("content-type", "text/plain;charset=UTF-8")], fixture(&format!("envelopes/{file}"))).await;
        assert!(answer.status == StatusCode::OK || answer.status == StatusCode::FORBIDDEN, "{file}: {} {}", answer.status, answer.body);
    }
}

#[tokio::test]
async fn an_event_without_a_project_in_its_path_goes_to_that_of_its_key() {
    let app = app().await;
    let event = json!({ "event_id": EVENT_ID, "message": "hello" }).to_string();
    for path in ["/api/store/", "/api/store"] {
        let answer = post(&app, path, &[("x-sentry-auth", AUTH)], event.clone()).await;
        assert_eq!((answer.status, answer.id()), (StatusCode::OK, Some(EVENT_ID)), "{path}");
    }
    assert_eq!(post(&app, "/api/store/", &[], event).await.status, StatusCode::UNAUTHORIZED);
    assert!(spooled(&app).await.iter().all(|(receipt, _)| receipt.project_id.0 == 42));
}

#[tokio::test]
async fn an_event_in_the_address_of_a_picture_is_answered_with_a_picture() {
    let app = app().await;
    let event = json!({ "event_id": EVENT_ID, "message": "hello & goodbye" }).to_string();
    for data in [event.clone(), STANDARD.encode(&event)] {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("sentry_version", "4"), ("sentry_client", "raven-js/1.0"), ("sentry_key", KEY), ("sentry_data", &data)])
            .finish();
        let answer = send(&app, "GET", &format!("/api/42/store/?{query}"), &[], "").await;
        assert_eq!((answer.status, answer.header("content-type"), &answer.body), (StatusCode::OK, "image/gif", &Value::Null), "{data}");
    }
    let answer = send(&app, "GET", &format!("/api/42/store/?sentry_key={KEY}"), &[], "").await;
    assert_eq!((answer.status, answer.detail()), (StatusCode::BAD_REQUEST, "invalid event"));
    assert_eq!(spooled(&app).await.len(), 2);
}

#[tokio::test]
async fn probes_of_sentrys_own_server_are_answered() {
    let app = app().await;
    for path in ["live", "live/", "ready", "ready/"] {
        let answer = send(&app, "GET", &format!("/api/relay/healthcheck/{path}"), &[], "").await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &json!({ "is_healthy": true })), "{path}");
    }
}

#[tokio::test]
async fn kinds_that_are_not_taken_yet_are_counted_and_never_an_error() {
    let app = app().await;
    let kinds = [
        "transaction",
        "span",
        "log",
        "otel_log",
        "trace_metric",
        "profile",
        "profile_chunk",
        "replay_event",
        "replay_recording",
        "replay_video",
        "statsd",
        "metric_buckets",
        "never_heard_of",
    ];
    for kind in kinds {
        for payload in ["{}", "", "not json at all", "\u{0}\u{1}"] {
            let envelope = format!("{{}}\n{{\"type\":\"{kind}\",\"length\":{}}}\n{payload}\n", payload.len());
            let answer = crate::accept_support::post_envelope(&app, envelope).await;
            assert_eq!(answer.status, StatusCode::OK, "{kind} {payload:?}");
        }
    }
    app.settle().await;
    let found: Vec<(String, i64)> =
        sqlx::query_as("SELECT outcome, sum(item_count)::int8 FROM project_outcomes GROUP BY 1").fetch_all(&app.db).await.expect("rows");
    let sent = i64::try_from(kinds.len() * 4).expect("few");
    assert_eq!(found, [("unsupported".to_owned(), sent)]);
}
