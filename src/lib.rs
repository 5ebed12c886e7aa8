//! Bugle: a self-hosted error tracker for every Sentry SDK.
//!
//! The rooms and what each may import are described in `ARCHITECTURE.md`;
//! `tests/it/architecture.rs` fails on anything else.

pub mod actions;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod digest;
pub mod domain;
pub mod geoip;
pub mod http;
pub mod jobs;
pub mod notify;
pub mod pipeline;
pub mod postgres;
pub mod protocol;
pub mod spool;
pub mod store;
pub mod telemetry;
