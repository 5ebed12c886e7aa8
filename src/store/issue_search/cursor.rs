//! Orders of the list, and a place in one of them.

use std::fmt;

use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;

use crate::store::issue_reads::Issue;

/// What the list is ordered by, always the greatest first, then by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Latest event.
    #[default]
    LastSeen,
    /// Newest issue.
    FirstSeen,
    /// Most events.
    Events,
    /// Most people.
    Users,
}

impl Sort {
    /// In the order of the menu.
    pub const ALL: [Self; 4] = [Self::LastSeen, Self::FirstSeen, Self::Events, Self::Users];

    /// The word used in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::LastSeen => "last",
            Self::FirstSeen => "first",
            Self::Events => "events",
            Self::Users => "users",
        }
    }

    /// Reads the word, with those of Sentry's Web API.
    pub fn parse(raw: &str) -> Option<Self> {
        Some(match raw {
            "last" | "date" => Self::LastSeen,
            "first" | "new" => Self::FirstSeen,
            "events" | "freq" => Self::Events,
            "users" | "user" => Self::Users,
            _ => return None,
        })
    }

    pub(super) fn column(self) -> &'static str {
        match self {
            Self::LastSeen => "i.last_seen_at",
            Self::FirstSeen => "i.first_seen_at",
            Self::Events => "i.event_count",
            Self::Users => "i.user_count",
        }
    }

    /// The issue's place: microseconds since the epoch, or the count.
    fn key(self, issue: &Issue) -> i64 {
        match self {
            Self::LastSeen => micros(issue.last_seen_at),
            Self::FirstSeen => micros(issue.first_seen_at),
            Self::Events => issue.event_count,
            Self::Users => issue.user_count,
        }
    }
}

/// A place between two rows. Written into addresses as `key.id` with a `-` in front where it leads back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    key: i64,
    id: i64,
    /// The page before the place instead of the one after it.
    pub backwards: bool,
}

impl Cursor {
    pub(super) fn at(sort: Sort, issue: &Issue, backwards: bool) -> Self {
        Self { key: sort.key(issue), id: issue.id.0, backwards }
    }

    /// Reads what `Display` wrote.
    pub fn parse(raw: &str) -> Option<Self> {
        let (backwards, rest) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
        let (key, id) = rest.split_once('.')?;
        Some(Self { key: key.parse().ok()?, id: id.parse().ok()?, backwards })
    }

    pub(super) fn push_condition(&self, sql: &mut QueryBuilder<Postgres>, sort: Sort) {
        let compare = if self.backwards { ">" } else { "<" };
        sql.push(format!(" AND ({}, i.id) {compare} (", sort.column()));
        match sort {
            Sort::LastSeen | Sort::FirstSeen => sql.push_bind(moment(self.key)),
            Sort::Events | Sort::Users => sql.push_bind(self.key),
        };
        sql.push(", ").push_bind(self.id).push(")");
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.{}", if self.backwards { "-" } else { "" }, self.key, self.id)
    }
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// A key that is no time (somebody edited the address) is the beginning of time: an empty page, not an error.
fn moment(micros: i64) -> OffsetDateTime {
    crate::store::moment::of_micros(micros).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_address() {
        for raw in ["1763632000000000.431", "-17.1"] {
            assert_eq!(Cursor::parse(raw).map(|cursor| cursor.to_string()).as_deref(), Some(raw));
        }
        for raw in ["", "x.y", "1", "1.2.3", "--1.2x"] {
            assert_eq!(Cursor::parse(raw), None, "{raw}");
        }
    }
}
