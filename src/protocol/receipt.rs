//! What accepting a request found out about it, written beside its body into the spool.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;

/// Stored in front of every spooled body. Fields are only ever added, each with a default, so that a spool written by an older
/// version is still read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The project of the path, to which the key belongs.
    pub project_id: ProjectId,
    /// When the request was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// How to read the body.
    pub form: BodyForm,
    /// `Content-Encoding` as sent; empty for none. The body is kept as received.
    #[serde(default)]
    pub encoding: String,
    /// The id that was answered; used where envelope and payload have none.
    pub event_id: EventId,
    /// The client's address, after trusted proxies.
    #[serde(default)]
    pub client_ip: Option<String>,
    /// The client's `User-Agent`.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// The SDK's own name, from the credentials (`sentry_client`).
    #[serde(default)]
    pub sdk: Option<String>,
}

/// The shapes a body can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyForm {
    /// `/envelope/`: header line and items.
    Envelope,
    /// `/store/`: one event as JSON, possibly base64 or base64(zlib).
    Store,
    /// One event in Bugle's own form, already scrubbed: what a dead letter keeps of an event that could be read.
    Stored,
    /// No request: sums of what limits refused, as in [`crate::protocol::refused`].
    Refused,
}
