//! Durable accept: append, claim, acknowledge, replay. Knows only bytes.
//!
//! Deliberately absent: what the bytes mean.
