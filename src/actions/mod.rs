//! What people do: permission, change, activity, outbox. One verb is one transaction.
//!
//! Deliberately absent: HTTP, HTML, and who is asking (the caller says).

pub mod alert_rules;
pub mod dead_letters;
pub mod deletions;
pub mod feedback;
pub mod filters;
pub mod grouping;
pub mod grouping_rules;
pub mod invitations;
pub mod issues;
pub mod limits;
pub mod mails;
pub mod merges;
pub mod passwords;
pub mod project_keys;
pub mod projects;
pub mod resets;
pub mod scrubbing;
pub mod secret;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub mod splits;
pub mod tokens;
pub mod users;
