//! The id a client gives to an event.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// 128 bits, shown as 32 lower-case hex digits without dashes, whatever form the client used (Rust and sentry-cli send dashes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(pub Uuid);

/// The text is not 32 hex digits, with or without dashes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event id is 32 hexadecimal digits, with or without dashes")]
pub struct InvalidEventId;

impl EventId {
    /// Reads hex digits of either case, dashed or not, blanks around them ignored.
    pub fn parse(raw: &str) -> Result<Self, InvalidEventId> {
        let raw = raw.trim();
        if !matches!(raw.len(), 32 | 36) {
            return Err(InvalidEventId);
        }
        Uuid::try_parse(raw).map(Self).map_err(|_| InvalidEventId)
    }

    /// A fresh random id, for events that came without a usable one.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl TryFrom<String> for EventId {
    type Error = InvalidEventId;
    fn try_from(raw: String) -> Result<Self, InvalidEventId> {
        Self::parse(&raw)
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashed_upper_case_and_plain_ids_are_the_same() {
        let plain = EventId::parse("9ec79c33ec9942ab8353589fcb2e04dc");
        assert_eq!(EventId::parse("9EC79C33-EC99-42AB-8353-589FCB2E04DC"), plain);
        assert_eq!(plain.map(|id| id.to_string()).as_deref(), Ok("9ec79c33ec9942ab8353589fcb2e04dc"));
    }

    #[test]
    fn anything_else_is_refused() {
        for raw in ["", "9ec79c33", "../../etc/passwd", "zec79c33ec9942ab8353589fcb2e04dc", "{9ec79c33ec9942ab8353589fcb2e04dc}"] {
            assert_eq!(EventId::parse(raw), Err(InvalidEventId), "{raw:?}");
        }
    }
}
