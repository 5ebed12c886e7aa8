//! Bytes to types and back: what Sentry SDKs send, read leniently. No I/O, no decisions.
//!
//! Deliberately absent: HTTP, SQL, and any judgement about what an event means (`pipeline`).

pub mod auth;
pub mod category;
pub mod check_in;
pub mod client_report;
pub mod dsn;
pub mod encoding;
pub mod envelope;
pub mod event;
pub mod json;
pub mod minidump;
pub mod multipart;
pub mod receipt;
pub mod refused;
pub mod security_report;
pub mod session;
pub mod store_body;
pub mod timestamp;
pub mod upload;
