//! Why a transaction was not committed, told apart by what is to be done about it.

use sqlx::error::DatabaseError;

/// Broken only where another node was faster at the same fingerprint.
const RACY_CONSTRAINTS: &[&str] = &["issue_hashes_pkey"];

/// What went wrong.
#[derive(Debug)]
pub enum Failure {
    /// The database is away or busy; the same batch is tried again later.
    Transient(anyhow::Error),
    /// Another node changed what this batch was decided on; the same batch is tried again at once.
    Race,
    /// Something in the batch cannot be stored, now or ever.
    Poison(String),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) => match class(refusal.as_ref()) {
                Class::Race => Self::Race,
                Class::Data => Self::Poison(error.to_string()),
                Class::Other => Self::Transient(error.into()),
            },
            sqlx::Error::Encode(_) => Self::Poison(error.to_string()),
            _ => Self::Transient(error.into()),
        }
    }
}

enum Class {
    Race,
    Data,
    Other,
}

/// By SQLSTATE: 40 is serialization failure and deadlock; 22 (data exception), 23 (integrity) and 54 (a limit, as of an index row) come
/// from values. Everything else says something about the server.
fn class(refusal: &dyn DatabaseError) -> Class {
    let code = refusal.code();
    let racy = refusal.constraint().is_some_and(|constraint| RACY_CONSTRAINTS.contains(&constraint));
    match code.as_deref().and_then(|code| code.get(..2)) {
        Some("40") => Class::Race,
        Some("23") if racy => Class::Race,
        Some("22" | "23" | "54") => Class::Data,
        _ => Class::Other,
    }
}
