//! A client of the Web API.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

/// Sends a bearer token with everything.
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

/// An answer of the Web API.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, `Link` for one.
    pub headers: HeaderMap,
    /// Its body; `null` where it is empty.
    pub json: Value,
}

impl Api {
    pub(super) fn new(base: &str, token: &str) -> Self {
        Self { client: Client::new(), base: base.to_owned(), token: token.to_owned() }
    }

    /// Reads a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// A request to shape freely.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// Sends it and reads the answer to its end.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.expect("the server answers");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.expect("the body arrives");
        let json =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_else(|_| panic!("no JSON: {body:?}")) };
        Answer { status, headers, json }
    }
}
