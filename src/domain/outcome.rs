//! What became of an item. Every item that arrives ends in exactly one outcome.

/// The end of an item, with the reason where it was not stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use]
pub enum Outcome {
    /// In the database, counted.
    Stored,
    /// Counted everywhere, its id taken, but without a row of its own: one of many of a spike. Only for category `error`.
    Sampled,
    /// The same event id was already taken in this project.
    Duplicate,
    /// Unreadable; the reason is shown in the accounting. The body is a dead letter.
    Invalid(&'static str),
    /// Left out on purpose, because nobody would do anything about it; the reason is shown in the accounting.
    Filtered(&'static str),
    /// An item type that no stage handles yet.
    Unsupported,
    /// Refused at the door by a limit; the reason is that of [`crate::domain::rate_limit::Limit`].
    RateLimited(&'static str),
    /// The SDK says it threw this away itself (`client_report`), with its reason.
    ClientDiscard(String),
}

impl Outcome {
    /// Name and reason as kept in `project_outcomes`.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Stored => ("stored", ""),
            Self::Sampled => ("sampled", ""),
            Self::Duplicate => ("duplicate", ""),
            Self::Invalid(reason) => ("invalid", reason),
            Self::Filtered(reason) => ("filtered", reason),
            Self::Unsupported => ("unsupported", ""),
            Self::RateLimited(reason) => ("rate_limited", reason),
            Self::ClientDiscard(reason) => ("client_discard", reason),
        }
    }
}
