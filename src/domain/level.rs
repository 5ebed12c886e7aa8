//! How bad an event says it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The five levels of the Sentry protocol. Stored as the numbers Python's `logging` and `raven` use (10 to 50).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// 10
    Debug,
    /// 20
    Info,
    /// 30
    Warning,
    /// 40, and what an event without a level is
    #[default]
    Error,
    /// 50
    Fatal,
}

impl Level {
    /// From most to least severe, the order of menus.
    pub const ALL: [Self; 5] = [Self::Fatal, Self::Error, Self::Warning, Self::Info, Self::Debug];

    /// Reads a name, with the aliases clients use (`log` is info, `critical` is fatal, `warn` is warning).
    pub fn parse(raw: &str) -> Option<Self> {
        Some(match raw.trim().to_ascii_lowercase().as_str() {
            "debug" | "trace" => Self::Debug,
            "info" | "log" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "error" => Self::Error,
            "fatal" | "critical" => Self::Fatal,
            _ => return None,
        })
    }

    /// Reads a number of Python's `logging`: 10 to 50, values between are rounded down, as raven sends them.
    pub fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            10..20 => Self::Debug,
            20..30 => Self::Info,
            30..40 => Self::Warning,
            40..50 => Self::Error,
            50..=60 => Self::Fatal,
            _ => return None,
        })
    }

    /// The number under which it is stored; greater is worse.
    pub fn number(self) -> i16 {
        match self {
            Self::Debug => 10,
            Self::Info => 20,
            Self::Warning => 30,
            Self::Error => 40,
            Self::Fatal => 50,
        }
    }

    /// The lower-case name of the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
