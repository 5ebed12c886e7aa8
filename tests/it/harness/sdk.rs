//! A Sentry SDK's end of the wire.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// A project as a test knows it.
#[derive(Clone, Debug)]
pub struct Project {
    /// As in the DSN.
    pub id: i64,
    /// As in addresses.
    pub slug: String,
    /// The public key.
    pub key: String,
    /// What a user pastes into `sentry_sdk.init`.
    pub dsn: String,
}

/// Sends what an SDK sends, with the project's key.
pub struct Sdk {
    client: Client,
    base: String,
    project: Project,
}

/// The receipt an SDK gets.
#[derive(Debug)]
pub struct Sent {
    /// 200 means kept.
    pub status: StatusCode,
    /// `Retry-After`, `X-Sentry-Rate-Limits`, CORS.
    pub headers: HeaderMap,
    /// `{"id": …}` or `{"detail": …}`.
    pub body: Value,
}

impl Sdk {
    /// Of this project, sending to the server at `base`.
    pub fn new(base: &str, project: &Project) -> Self {
        Self { client: Client::new(), base: base.to_owned(), project: project.clone() }
    }

    /// Sends one event in an envelope and insists on the receipt. Gives it an id where it has none; answers the id as 32 hex digits.
    pub async fn capture(&self, mut event: Value) -> String {
        let id = event["event_id"].as_str().map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
        event["event_id"] = json!(id);
        let sent = self.envelope(envelope_of(&event)).await;
        assert_eq!(sent.status, StatusCode::OK, "{:?}", sent.body);
        id
    }

    /// Like [`Sdk::capture`], for a server that may die meanwhile: `None` when no answer came.
    pub async fn try_capture(&self, mut event: Value) -> Option<String> {
        let id = Uuid::new_v4().simple().to_string();
        event["event_id"] = json!(id);
        self.try_send(event).await.then_some(id)
    }

    /// Sends an event that has an id to a server that may die meanwhile. Whether there was a receipt.
    pub async fn try_send(&self, event: Value) -> bool {
        let Ok(answer) = self.request("envelope").body(envelope_of(&event)).send().await else { return false };
        let status = answer.status();
        // Only a whole answer is a receipt.
        if answer.bytes().await.is_err() {
            return false;
        }
        assert_eq!(status, StatusCode::OK);
        true
    }

    /// Raises an exception as the Python SDK would report it: one in-app frame in `function`.
    pub async fn raise(&self, kind: &str, value: &str, function: &str) -> String {
        self.capture(exception(kind, value, function)).await
    }

    /// Sends a captured body of a real SDK (`tests/fixtures/envelopes`) under a fresh event id, so that it may be sent repeatedly.
    /// The fixture's own id is kept with [`Sdk::envelope`] and [`fixture`].
    pub async fn send_fixture(&self, name: &str) -> Sent {
        self.envelope(with_new_event_id(&fixture(name))).await
    }

    /// Posts an envelope body as it is.
    pub async fn envelope(&self, body: impl Into<Bytes>) -> Sent {
        let request = self.request("envelope").header("content-type", "application/x-sentry-envelope");
        self.send(request.body(reqwest::Body::from(body.into()))).await
    }

    /// Posts to the old endpoint.
    pub async fn store(&self, event: &Value) -> Sent {
        self.send(self.request("store").json(event)).await
    }

    /// A request with credentials, to shape freely; `endpoint` is `envelope` or `store`.
    pub fn request(&self, endpoint: &str) -> RequestBuilder {
        let credentials = format!("Sentry sentry_version=7, sentry_client=sentry.python/2.44.0, sentry_key={}", self.project.key);
        self.client.post(self.address(endpoint)).header("x-sentry-auth", credentials).header("user-agent", "sentry.python/2.44.0")
    }

    /// Where the endpoint is.
    pub fn address(&self, endpoint: &str) -> String {
        format!("{}/api/{}/{endpoint}/", self.base, self.project.id)
    }

    /// Sends it and reads the answer to its end.
    pub async fn send(&self, request: RequestBuilder) -> Sent {
        let answer = request.send().await.expect("the server answers");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.expect("the body arrives");
        Sent { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }
}

/// A captured body, by file name in `tests/fixtures/envelopes`; the ending may be left out.
pub fn fixture(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/envelopes");
    let found = [name.to_owned(), format!("{name}.envelope"), format!("{name}.event.envelope")].map(|file| folder.join(file));
    let path = found.iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("no fixture {name} in {}", folder.display()));
    std::fs::read(path).expect("the fixture is readable")
}

/// An exception as the Python SDK reports it, with one in-app frame in `function`.
pub fn exception(kind: &str, value: &str, function: &str) -> Value {
    json!({
        "platform": "python", "level": "error",
        "exception": { "values": [{
            "type": kind, "value": value, "mechanism": { "type": "django", "handled": false },
            "stacktrace": { "frames": [{
                "function": function, "module": "shop.views", "filename": "shop/views.py", "abs_path": "/srv/shop/views.py",
                "lineno": 42, "in_app": true, "context_line": format!("    {function}(request)"),
            }] },
        }] },
    })
}

/// An envelope with one file for an event.
pub fn attachment(event_id: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let item = json!({ "type": "attachment", "length": bytes.len(), "filename": name, "content_type": "text/plain" });
    let mut body = format!("{}\n{item}\n", json!({ "event_id": event_id })).into_bytes();
    body.extend_from_slice(bytes);
    body.push(b'\n');
    body
}

fn envelope_of(event: &Value) -> Vec<u8> {
    let payload = event.to_string();
    format!("{}\n{}\n{payload}\n", json!({ "event_id": event["event_id"] }), json!({ "type": "event", "length": payload.len() }))
        .into_bytes()
}

fn with_new_event_id(body: &[u8]) -> Vec<u8> {
    let header_end = body.iter().position(|&byte| byte == b'\n').unwrap_or(body.len());
    let header: Value = serde_json::from_slice(&body[..header_end]).unwrap_or(Value::Null);
    let Some(old) = header["event_id"].as_str() else { return body.to_vec() };
    let new = Uuid::new_v4().simple().to_string();
    let text = String::from_utf8_lossy(body);
    // Same length, so that item lengths stay right.
    text.replace(old, &new).into_bytes()
}
