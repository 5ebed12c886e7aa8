//! Structured logs and counters.
