//! What browsers and SDKs get to see besides the status.

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use bugle::config::Config;
use bugle::http::{Doors, router};
use bugle::spool::{Spool, SpoolLimits};
use tower::ServiceExt;

use crate::accept_support::{AUTH, Answer, ENVELOPE, EVENT_ID, answer, app, post, post_envelope, send, spooled};
use crate::harness::{Setup, TestApp};

#[tokio::test]
async fn every_answer_may_be_read_by_a_page_of_any_site() {
    let app = app().await;
    let with_key = [("x-sentry-auth", AUTH), ("origin", "https://shop.example")];
    let wrong_key = [("x-sentry-auth", "Sentry sentry_key=ffff"), ("origin", "https://shop.example")];
    let answers = [
        post(&app, "/api/42/envelope/", &with_key, ENVELOPE).await,
        post(&app, "/api/42/envelope/", &with_key, "broken").await,
        post(&app, "/api/42/envelope/", &[], ENVELOPE).await,
        post(&app, "/api/42/envelope/", &wrong_key, ENVELOPE).await,
        post(&app, "/api/42/envelope/", &with_key, vec![b'x'; 21 << 20]).await,
        send(&app, "GET", "/api/42/envelope/", &[], Body::empty()).await,
        post(&app, "/api/shop/envelope", &with_key, ENVELOPE).await,
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status.as_u16()), [200, 400, 401, 403, 413, 405, 400]);
    for answer in &answers {
        assert_readable(&answer.headers);
        assert_eq!(answer.header("content-type"), "application/json");
        if answer.status != 200 {
            assert_eq!(answer.header("x-sentry-error"), answer.detail());
            assert!(answer.body["causes"].is_array() && !answer.detail().is_empty(), "{:?}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_preflight_is_answered_without_credentials() {
    let app = app().await;
    for uri in ["/api/42/envelope/", "/api/42/envelope", "/api/42/store/", "/api/7777/store"] {
        let headers = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
        let answer = send(&app, "OPTIONS", uri, &headers, Body::empty()).await;
        assert_eq!(answer.status.as_u16(), 204, "{uri}");
        assert_readable(&answer.headers);
        assert_eq!(answer.header("access-control-allow-methods"), "POST, GET");
        assert_eq!(answer.header("access-control-max-age"), "3600");
        for header in ["x-sentry-auth", "content-type", "content-encoding", "authorization"] {
            assert!(answer.header("access-control-allow-headers").contains(header), "{header}");
        }
    }
}

#[tokio::test]
async fn the_slash_at_the_end_is_optional_and_nobody_is_redirected() {
    let app = app().await;
    for uri in ["/api/42/envelope/", "/api/42/envelope"] {
        assert_eq!(post(&app, uri, &[("x-sentry-auth", AUTH)], ENVELOPE).await.id(), Some(EVENT_ID), "{uri}");
    }
    for uri in ["/api/42/store/", "/api/42/store"] {
        let event = format!("{{\"event_id\":\"{EVENT_ID}\"}}");
        assert_eq!(post(&app, uri, &[("x-sentry-auth", AUTH)], event).await.id(), Some(EVENT_ID), "{uri}");
    }
}

#[tokio::test]
async fn an_accepted_event_survives_the_process() {
    let mut app = app().await;
    assert_eq!(post_envelope(&app, ENVELOPE).await.id(), Some(EVENT_ID));
    app.restart().await;
    let kept = spooled(&app).await;
    assert_eq!((kept.len(), kept[0].0.event_id.to_string().as_str(), &kept[0].1[..]), (1, EVENT_ID, ENVELOPE.as_bytes()));
}

#[tokio::test]
async fn a_full_spool_is_503_and_recovers_without_a_hand() {
    let app = app().await;
    let dir = tempfile::tempdir().expect("the temporary folder is writable");
    let limits = SpoolLimits { max_bytes: 1_000, min_free_bytes: 0, ..SpoolLimits::default() };
    let spool = Spool::open(dir.path(), limits, app.clock.clone()).expect("the spool opens");
    let (accounting, desk) = (std::sync::Arc::default(), std::sync::Arc::new(bugle::app::grouping::Desk));
    let doors = Doors::new(app.db.clone(), app.clock.clone(), app.config.clone(), spool.clone(), accounting, desk);
    let mut last = post_to(&doors, ENVELOPE).await;
    for _ in 0..10 {
        last = post_to(&doors, ENVELOPE).await;
    }
    assert_eq!((last.status.as_u16(), last.header("retry-after")), (503, "5"));
    assert_eq!(last.body["causes"][0], "the spool is full");
    assert_readable(&last.headers);

    let kept = spool.claim(100, 1 << 20).await.expect("readable");
    assert!((1..10).contains(&kept.len()), "exactly what was confirmed is kept");
    spool.acknowledge(&kept.iter().map(|entry| entry.place).collect::<Vec<_>>());
    assert_eq!(post_to(&doors, ENVELOPE).await.status, 200);
}

#[tokio::test]
async fn a_closed_spool_is_503() {
    let app = app().await;
    app.app.doors.spool.close().await;
    assert_eq!(post_envelope(&app, ENVELOPE).await.status, 503);
}

#[tokio::test]
async fn everything_is_counted() {
    let app = app().await;
    post_envelope(&app, ENVELOPE).await;
    post_envelope(&app, "broken").await;
    let two_items = "{}\n{\"type\":\"session\"}\n{}\n{\"type\":\"client_report\"}\n{}\n";
    post_envelope(&app, two_items).await;
    let counters = &app.app.doors.ingest.counters;
    let counted: Vec<_> = counters.requests().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [(200, 2), (400, 1)]);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    assert_eq!(counters.accepted_items.load(relaxed), 3);
    assert_eq!(counters.body_bytes.load(relaxed), (ENVELOPE.len() + "broken".len() + two_items.len()) as u64);
}

#[tokio::test]
async fn forwarded_addresses_are_believed_only_from_trusted_proxies() {
    let trusting = |config: &mut Config| config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    let alone = |_: &mut Config| {};
    for (configure, expected) in [(alone as fn(&mut Config), "127.0.0.1"), (trusting, "198.51.100.7")] {
        let app = TestApp::start_with(Setup { configure, ..Setup::default() }).await;
        let sdk = app.sdk(&app.project("shop").await);
        let request = sdk.request("envelope").header("x-forwarded-for", "192.0.2.1, 198.51.100.7").body(ENVELOPE);
        assert_eq!(sdk.send(request).await.status.as_u16(), 200);
        assert_eq!(client_ip(&app).await.as_deref(), Some(expected));
    }
}

async fn client_ip(app: &TestApp) -> Option<String> {
    spooled(app).await.pop().expect("kept").0.client_ip
}

async fn post_to(doors: &Doors, body: &'static str) -> Answer {
    let request = Request::post("/api/42/envelope/").header("x-sentry-auth", AUTH).body(Body::from(body)).expect("a request");
    answer(router(doors.clone()).oneshot(request).await.expect("the router does not fail")).await
}

fn assert_readable(headers: &HeaderMap) {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!(value("access-control-allow-origin"), "*");
    assert_eq!(value("access-control-expose-headers"), "x-sentry-error, x-sentry-rate-limits, retry-after");
}
