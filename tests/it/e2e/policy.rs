//! A page breaks its own content security policy in a real Chromium, which tells Bugle by itself (`report-uri`). The Reporting API wants TLS on both
//! ends: what Chromium sent by it is among the captured bodies (`accept_reports`).

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Response};

use super::chromium::Chromium;
use crate::harness::{TestApp, eventually, listen};

/// A picture from elsewhere and a script in the page, neither of which the policy allows.
const PAGE: &str = "<!doctype html><title>Cart</title><h1>Cart</h1><script>document.title = 'inline'</script>\
    <img src=\"http://pictures.shop.example/pixel.png\" alt=\"\">";
/// Violations of one visit.
const VIOLATIONS: i64 = 2;

/// The page, under a policy that is told to this address.
fn page(report_uri: &str) -> Response {
    let policy = HeaderValue::from_str(&format!("default-src 'self'; report-uri {report_uri}")).expect("a header");
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    (AppendHeaders([(header::CONTENT_TYPE, html), (header::CONTENT_SECURITY_POLICY, policy)]), PAGE).into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_page_does_against_its_policy_is_an_issue_for_each_directive_and_source() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let project = app.project("shop").await;
    let report_uri = format!("{}/api/{}/security/?sentry_key={}&sentry_environment=production", app.url(), project.id, project.key);
    let listener = listen().await;
    let url = format!("http://{}/cart", listener.local_addr().expect("a bound listener has an address"));
    let pages = Router::new().fallback(move || std::future::ready(page(&report_uri)));
    let server = tokio::spawn(async move { axum::serve(listener, pages).await });

    let chromium = Chromium::open(true, false).await;
    for _ in 0..2 {
        chromium.goto(&url).await;
    }
    assert_eq!(chromium.run("return document.title", vec![]).await, "Cart", "the policy holds");
    eventually("the reports of both visits", async || {
        app.settle().await;
        let count = "SELECT coalesce(sum(event_count), 0)::int8 FROM issues";
        let count: i64 = sqlx::query_scalar(count).fetch_one(&app.db).await.expect("readable");
        (count >= 2 * VIOLATIONS).then_some(())
    })
    .await;
    server.abort();

    chromium.sign_in(&app).await;
    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    let list = chromium.text().await;
    for title in ["Blocked 'script-src' from inline code", "Blocked 'img-src' from 'pictures.shop.example'"] {
        assert!(list.contains(title), "{title} is missing in {list}");
    }
    assert_eq!(chromium.count(".iss > li").await, 2, "visits are not told apart");
    chromium.shoot("policy-issues").await;
    chromium.click(".iss > li a").await;
    chromium.until_shows("#activity").await;
    assert_eq!(chromium.fact("Events").await, "2");
    let issue = chromium.text().await;
    assert!(issue.contains("/cart") && issue.contains("production"), "{issue}");
    chromium.close().await;
}
