//! Who is at the other end, as far as a session remembers it.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::http::Doors;
use crate::http::shared::client_address::ClientAddress;

/// Address and name of the browser.
#[derive(Clone, Debug)]
pub struct ClientInfo {
    /// '' where the connection has none.
    pub address: String,
    /// `User-Agent`, '' where none was sent.
    pub user_agent: String,
}

impl FromRequestParts<Doors> for ClientInfo {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Self::Rejection> {
        let ClientAddress(address) = ClientAddress::of(parts, &doors.config.trusted_proxies);
        let user_agent = parts.headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self { address: address.map(|address| address.to_string()).unwrap_or_default(), user_agent: user_agent.to_owned() })
    }
}
