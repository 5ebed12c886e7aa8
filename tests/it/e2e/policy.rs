//! A page breaks its own content security policy in a real Chromium, which tells Bugle by itself: as `report-uri` says, and by the Reporting API.

use std::future::ready;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use tokio::task::JoinHandle;

use super::chromium::Chromium;
use super::tls::Tls;
use crate::harness::{Project, TestApp, eventually, listen};

/// A picture from elsewhere and a script in the page, neither of which the policy allows.
const PAGE: &str = "<!doctype html><title>Cart</title><h1>Cart</h1><script>document.title = 'inline'</script>\
    <img src=\"http://pictures.shop.example/pixel.png\" alt=\"\">";
/// Violations of two visits.
const VIOLATIONS: i64 = 4;

/// Serves the page, under a policy that ends in these words; `endpoint` is called `bugle`. Answers the port.
async fn shop(words: &str, endpoint: Option<&str>) -> (u16, JoinHandle<std::io::Result<()>>) {
    let listener = listen().await;
    let port = listener.local_addr().expect("a bound listener has an address").port();
    let value = |text: String| HeaderValue::from_str(&text).expect("a header");
    let policy = value(format!("default-src 'self'; {words}"));
    let endpoints = endpoint.map(|endpoint| value(format!("bugle=\"{endpoint}\"")));
    let pages = Router::new().fallback(move || ready(page(policy.clone(), endpoints.clone())));
    (port, tokio::spawn(async move { axum::serve(listener, pages).await }))
}

fn page(policy: HeaderValue, endpoints: Option<HeaderValue>) -> Response {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let mut page = (AppendHeaders([(header::CONTENT_TYPE, html), (header::CONTENT_SECURITY_POLICY, policy)]), PAGE).into_response();
    if let Some(endpoints) = endpoints {
        page.headers_mut().insert(HeaderName::from_static("reporting-endpoints"), endpoints);
    }
    page
}

fn address(base: &str, project: &Project) -> String {
    format!("{base}/api/{}/security/?sentry_key={}&sentry_environment=production", project.id, project.key)
}

/// Opens the page twice, waits for the reports, and looks at the issues.
async fn visit(app: &TestApp, chromium: Chromium, url: &str) {
    for _ in 0..2 {
        chromium.goto(url).await;
    }
    assert_eq!(chromium.run("return document.title", vec![]).await, "Cart", "the policy holds");
    eventually("the reports of both visits", async || {
        app.settle().await;
        let count = "SELECT coalesce(sum(event_count), 0)::int8 FROM issues";
        let count: i64 = sqlx::query_scalar(count).fetch_one(&app.db).await.expect("readable");
        (count >= VIOLATIONS).then_some(())
    })
    .await;
    chromium.sign_in(app).await;
    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    let list = chromium.text().await;
    for title in ["Blocked 'script-src' from inline code", "Blocked 'img-src' from 'pictures.shop.example'"] {
        assert!(list.contains(title), "{title} is missing in {list}");
    }
    assert_eq!(chromium.count(".iss > li").await, 2, "visits are not told apart");
    chromium.click(".iss > li a").await;
    chromium.until_shows("#activity").await;
    assert_eq!(chromium.fact("Events").await, "2");
    let issue = chromium.text().await;
    assert!(issue.contains("/cart") && issue.contains("production"), "{issue}");
    chromium.shoot("policy-issue").await;
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_page_does_against_its_policy_is_an_issue_for_each_directive_and_source() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let project = app.project("shop").await;
    let bugle = address(app.url(), &project);
    let (port, server) = shop(&format!("report-uri {bugle}"), None).await;
    visit(&app, Chromium::open(true, false).await, &format!("http://127.0.0.1:{port}/cart")).await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_chromium_tells_by_the_reporting_api_is_the_same_issues() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let project = app.project("shop").await;
    let before_bugle = Tls::before(app.url().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port"));
    let (port, server) = shop("report-to bugle", Some(&address(&before_bugle.url(), &project))).await;
    let before_shop = Tls::before(port);
    visit(&app, Chromium::open_trusting().await, &format!("{}/cart", before_shop.url())).await;
    server.abort();
}
