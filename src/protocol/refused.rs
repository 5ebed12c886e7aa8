//! What limits refused, on its way from the door to the accounting: sums of a second or so, kept in the spool like a request.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// So many items of one category that one limit refused within one hour of the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// `domain::rate_limit::Limit::reason`.
    pub limit: String,
    /// The key they came with.
    pub public_key: String,
    /// `Category::name`.
    pub category: String,
    /// How many.
    pub count: i64,
    /// When the first of them came.
    #[serde(with = "time::serde::rfc3339")]
    pub first_at: OffsetDateTime,
    /// When the last of them came.
    #[serde(with = "time::serde::rfc3339")]
    pub last_at: OffsetDateTime,
}

/// Reads a list of them, as `write` wrote it.
pub fn read(body: &[u8]) -> Result<Vec<Refused>, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// The body of a record.
pub fn write(refused: &[Refused]) -> Vec<u8> {
    serde_json::to_vec(refused).expect("texts, numbers and times are JSON")
}
