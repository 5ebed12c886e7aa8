//! What became of an item. Every item that arrives ends in exactly one outcome.

/// The end of an item, with the reason where it was not stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use]
pub enum Outcome {
    /// In the database, counted.
    Stored,
    /// The same event id was already taken in this project.
    Duplicate,
    /// Unreadable; the reason is shown in the accounting. The body is a dead letter.
    Invalid(&'static str),
    /// An item type that no stage handles yet.
    Unsupported,
    /// The SDK says it threw this away itself (`client_report`), with its reason.
    ClientDiscard(String),
}

impl Outcome {
    /// Name and reason as kept in `project_outcomes`.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Stored => ("stored", ""),
            Self::Duplicate => ("duplicate", ""),
            Self::Invalid(reason) => ("invalid", reason),
            Self::Unsupported => ("unsupported", ""),
            Self::ClientDiscard(reason) => ("client_discard", reason),
        }
    }
}
