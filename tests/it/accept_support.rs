//! What the tests of accepting share: the project of the fixtures, raw requests, and a look into the spool.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use axum::response::Response;
use bugle::protocol::receipt::Receipt;
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::harness::TestApp;

/// The key of project 42 in `tests/fixtures`.
pub const KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";
/// `X-Sentry-Auth` with that key.
pub const AUTH: &str = "Sentry sentry_version=7, sentry_client=test/1.0, sentry_key=a1b2c3d4e5f60718293a4b5c6d7e8f90";
/// A minimal envelope; its event has the id [`EVENT_ID`].
pub const ENVELOPE: &str = "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{\"message\":\"hello\"}\n";
/// See [`ENVELOPE`].
pub const EVENT_ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

/// An app with the project of the fixtures.
pub async fn app() -> TestApp {
    let app = TestApp::start().await;
    add_project(&app, 42, KEY).await;
    app
}

/// A project with a chosen id and key.
pub async fn add_project(app: &TestApp, id: i64, key: &str) {
    sqlx::query(
        "WITH p AS (
             INSERT INTO projects (id, slug, name, platform, short_prefix, created_at)
             OVERRIDING SYSTEM VALUE VALUES ($1, 'project-' || $1, 'Project', 'django', 'PROJECT', $2) RETURNING id
         )
         INSERT INTO project_keys (project_id, public_key, created_at) SELECT id, $3, $2 FROM p",
    )
    .bind(id)
    .bind(app.now())
    .bind(key)
    .execute(&app.db)
    .await
    .expect("the project is stored");
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    pub fn id(&self) -> Option<&str> {
        self.body["id"].as_str()
    }
}

/// Posts with these headers.
pub async fn post(app: &TestApp, uri: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    send(app, "POST", uri, headers, body).await
}

/// Posts an envelope to project 42 with its key.
pub async fn post_envelope(app: &TestApp, body: impl Into<Body>) -> Answer {
    post(app, "/api/42/envelope/", &[("x-sentry-auth", AUTH)], body).await
}

/// Sends a request through the router.
pub async fn send(app: &TestApp, method: &str, uri: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method(method).uri(uri).body(body.into()).expect("a request");
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        request.headers_mut().append(name, HeaderValue::from_str(value).expect("a header value"));
    }
    answer(app.app.router().oneshot(request).await.expect("the router does not fail")).await
}

/// Reads a response.
pub async fn answer(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("the body arrives").to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

/// Everything in the spool that was not looked at before, in order.
pub async fn spooled(app: &TestApp) -> Vec<(Receipt, Bytes)> {
    let mut found = Vec::new();
    loop {
        let entries = app.app.doors.spool.claim(100, 1 << 20).await.expect("the spool is readable");
        if entries.is_empty() {
            return found;
        }
        let read = |meta: &[u8]| serde_json::from_slice(meta).expect("receipts are JSON");
        found.extend(entries.into_iter().map(|entry| (read(&entry.meta), entry.body)));
    }
}

/// A file below `tests/fixtures`.
pub fn fixture(path: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The `index.json` of a folder of fixtures.
pub fn index(folder: &str) -> Vec<Value> {
    serde_json::from_slice(&fixture(&format!("{folder}/index.json"))).expect("an index is a JSON list")
}
