//! The five facts on top of an issue: since when, until when, how often, for whom, where.

use time::{Duration, OffsetDateTime};

use crate::http::web::issues::number::Number;
use crate::protocol::event::Event;
use crate::store::chart_reads::Hour;
use crate::store::counters::people::PEOPLE_MAX;
use crate::store::issue_reads::Issue;

use super::text::cut;

/// Days that make the usual, and the age an issue needs before anything is called usual.
const USUAL_DAYS: i64 = 7;
/// From this multiple of the usual on, and this many events, the comparison is a reason to look.
const UP_FACTOR: i64 = 3;
const UP_LEAST: i64 = 10;

/// What the card says.
pub struct Facts {
    /// Of the first event.
    pub first_seen_at: OffsetDateTime,
    /// Its release; empty if not sent.
    pub first_release: String,
    /// Of the last event.
    pub last_seen_at: OffsetDateTime,
    /// Its release; empty if not sent.
    pub last_release: String,
    /// Exact.
    pub events: Number,
    /// `512`: how many of them were stored; '' where all were.
    pub stored: String,
    /// `118 in the last hour`
    pub last_hour: String,
    /// `usual 6`; empty where nothing is known to be usual.
    pub usual: String,
    /// The last hour is a reason to look.
    pub up: bool,
    /// Exact; `None`: none sent.
    pub users: Option<Number>,
    /// There are more than are told apart.
    pub more_users: bool,
    /// `payments/services.py:139`
    pub location: String,
    /// `capture_payment`
    pub function: String,
    /// `POST /checkout/confirm/`: how the program was entered.
    pub entry: String,
}

/// Collects the facts; `hours` reach back a week, `last_hour` is from the counters per minute.
pub fn of(issue: &Issue, event: Option<&Event>, hours: &[Hour], last_hour: i64, now: OffsetDateTime) -> Facts {
    let usual = usual_per_hour(issue, hours, now);
    let text = |value: &Option<String>| value.as_deref().map(|value| cut(value, 60)).unwrap_or_default();
    Facts {
        first_seen_at: issue.first_seen_at,
        first_release: text(&issue.first_release),
        last_seen_at: issue.last_seen_at,
        last_release: text(&issue.last_release),
        events: issue.event_count.into(),
        stored: issue.stored_count().map(crate::http::web::format::grouped).unwrap_or_default(),
        last_hour: match last_hour {
            0 => "none in the last hour".to_owned(),
            count => format!("{} in the last hour", crate::http::web::format::count(count)),
        },
        usual: usual.map(|usual| if usual == 0 { "usually under 1".to_owned() } else { format!("usual {usual}") }).unwrap_or_default(),
        up: issue.spiking_since.is_some() || usual.is_some_and(|usual| last_hour >= UP_LEAST && last_hour >= usual.max(1) * UP_FACTOR),
        users: (issue.user_count > 0).then(|| issue.user_count.into()),
        more_users: issue.user_count >= PEOPLE_MAX,
        location: location(issue),
        function: cut(&issue.function, 120),
        entry: event.map(entry).unwrap_or_default(),
    }
}

/// Mean of the quiet hours of the week before the last day; `None` until the issue is that old.
fn usual_per_hour(issue: &Issue, hours: &[Hour], now: OffsetDateTime) -> Option<i64> {
    let (from, until) = (now - Duration::days(USUAL_DAYS + 1), now - Duration::DAY);
    if issue.first_seen_at > from {
        return None;
    }
    let quiet = hours.iter().filter(|hour| hour.at >= from && hour.at < until);
    let hot = quiet.clone().filter(|hour| hour.hot).count();
    let sum: i64 = quiet.filter(|hour| !hour.hot).map(|hour| hour.event_count).sum();
    let counted = (USUAL_DAYS * 24 - i64::try_from(hot).unwrap_or(0)).max(1);
    Some((sum + counted / 2) / counted)
}

/// Falls back to the culprit, then to the logger.
fn location(issue: &Issue) -> String {
    let known = [&issue.location, &issue.culprit, &issue.logger].into_iter().find(|text| !text.is_empty());
    known.map(|text| cut(text, 200)).unwrap_or_default()
}

fn entry(event: &Event) -> String {
    let request = event.request.as_ref();
    let path = request.and_then(|request| request.url.as_deref()).map(super::request::path).filter(|path| !path.is_empty());
    let method = request.and_then(|request| request.method.as_deref());
    let what = event.transaction.as_deref().filter(|name| !name.is_empty()).or(path).unwrap_or_default();
    match method {
        Some(method) if !what.is_empty() && what.starts_with('/') => cut(&format!("{method} {what}"), 200),
        _ => cut(what, 200),
    }
}
