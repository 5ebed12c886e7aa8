//! The nouns of the product, their states and what may happen to them. No I/O, no SQL, no HTTP.
//!
//! Deliberately absent: anything that knows how a thing is stored, sent or shown.

pub mod accounting;
pub mod alert;
pub mod alert_rule;
pub mod anatomy;
pub mod app_session;
pub mod attachment;
pub mod dictionary;
pub mod event_id;
pub mod filters;
pub mod fingerprint;
pub mod geo;
pub mod grouping_rules;
pub mod ids;
pub mod issue;
pub mod letter;
pub mod level;
pub mod mail_link;
pub mod new_issues;
pub mod outcome;
pub mod pacing;
pub mod person;
pub mod project;
pub mod rate_limit;
pub mod rehearsal;
pub mod sampling;
pub mod scrubbing;
pub mod search;
pub mod similarity;
pub mod sketch;
pub mod slot;
pub mod spike;
pub mod thinning;
pub mod throttle;
pub mod token;
pub mod user;
