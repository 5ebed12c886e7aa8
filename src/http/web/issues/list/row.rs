//! One issue of the list.

use time::OffsetDateTime;

use crate::domain::issue::Status;
use crate::http::web::charts::{Spark, spark};
use crate::http::web::format;
use crate::http::web::issues::badge::{Badge, badges};
use crate::http::web::issues::buckets::Grid;
use crate::http::web::issues::number::Number;
use crate::http::web::issues::show::text::cut;
use crate::store::chart_reads::Hour;
use crate::store::issue_reads::Issue;

use super::params::Period;

/// Longest culprit; the middle of a longer one is cut.
const CULPRIT_MAX: usize = 80;

/// What the template draws.
pub struct Row {
    /// The number in addresses and forms.
    pub id: i64,
    /// `SHOP-431`
    pub short_id: String,
    /// `error`
    pub level: &'static str,
    /// The bold part of the title.
    pub kind: String,
    /// The rest of it.
    pub value: String,
    /// At most three.
    pub badges: Vec<Badge>,
    /// Where.
    pub culprit: String,
    /// First release, at most 20 characters; empty if not sent.
    pub since: String,
    /// Name of the project, in lists over several.
    pub project: String,
    /// The chart.
    pub spark: Spark,
    /// Events.
    pub events: Number,
    /// People; `None`: nobody ever said who.
    pub users: Option<Number>,
    /// Last event.
    pub last_seen_at: OffsetDateTime,
    /// `2 d old`
    pub age: String,
}

/// What is the same for all rows.
pub struct Frame {
    /// When the page is drawn.
    pub now: OffsetDateTime,
    /// Of the sparklines.
    pub period: Period,
    /// The projects say who is affected.
    pub sends_users: bool,
    /// The list is over several projects.
    pub several: bool,
}

impl Row {
    /// Draws an issue with the hours of its sparkline.
    pub fn new(issue: Issue, hours: &[Hour], frame: &Frame) -> Self {
        let (length, count) = frame.period.grid();
        let buckets = Grid::ending(frame.now, length, count).fill(hours);
        let (kind, value) = heading(&issue);
        Self {
            id: issue.id.0,
            short_id: issue.short_id(),
            level: issue.level.name(),
            badges: badges(&issue, frame.now),
            kind,
            value,
            culprit: cut_middle(&issue.culprit, CULPRIT_MAX),
            since: issue.first_release.as_deref().map(|release| cut(&format::short_release(release), 20)).unwrap_or_default(),
            project: if frame.several { issue.project_name.clone() } else { String::new() },
            spark: spark(&buckets, frame.period.span(), frame.period.last()),
            events: issue.event_count.into(),
            users: (frame.sends_users || issue.user_count > 0).then(|| issue.user_count.into()),
            last_seen_at: issue.last_seen_at,
            age: format!("{} old", format::span(frame.now - issue.first_seen_at)),
        }
    }
}

/// The bold part of a title and the rest: a message has no type, so its text is the bold part.
pub fn heading(issue: &Issue) -> (String, String) {
    match (issue.type_.as_str(), issue.value.as_str()) {
        ("", "") => ("Event without a message".to_owned(), String::new()),
        ("", value) => (value.to_owned(), String::new()),
        (kind, value) => (kind.to_owned(), value.to_owned()),
    }
}

/// Both ends of a text, since paths differ at their ends.
fn cut_middle(text: &str, max: usize) -> String {
    let len = text.chars().count();
    if len <= max {
        return text.to_owned();
    }
    let half = (max - 1) / 2;
    let (start, end): (String, String) = (text.chars().take(half).collect(), text.chars().skip(len - half).collect());
    format!("{start}…{end}")
}

/// Whether the list needs a button to reopen.
pub fn is_closed(issue: &Issue) -> bool {
    issue.status != Status::Unresolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_long_culprit_are_kept() {
        let cut = cut_middle(&format!("start{}end", "é".repeat(200)), 80);
        assert!(cut.starts_with("start") && cut.ends_with("end") && cut.chars().count() == 79, "{cut}");
        assert_eq!(cut_middle("short", 80), "short");
    }
}
