//! Breadcrumbs: what happened just before, oldest first, the event itself last.

use time::OffsetDateTime;
use time::macros::format_description;

use crate::domain::level::Level;
use crate::protocol::event::{Breadcrumb, Event};
use crate::protocol::json::Json;

use super::changed::Marks;
use super::text::{Shown, cut};

/// Shown at once.
const LAST_SHOWN: usize = 8;
/// Shown when all are asked for.
const MAX: usize = 100;

/// The card.
#[derive(Debug)]
pub struct Crumbs {
    /// Oldest first.
    pub rows: Vec<Crumb>,
    /// How many the event has.
    pub total: usize,
    /// All were asked for.
    pub all: bool,
    /// `last 3 s`; empty where times are missing.
    pub span: String,
}

/// One line.
#[derive(Debug)]
pub struct Crumb {
    /// `09:40:18.021`; empty where it was not sent.
    pub time: String,
    /// For machines.
    pub datetime: String,
    /// `db.query`
    pub category: String,
    /// What happened.
    pub text: Shown,
    /// A number that failed: `402`.
    pub failure: String,
    /// The rest: `38 ms`, `key=value`.
    pub detail: String,
    /// `bad`, `warn` or empty.
    pub tone: &'static str,
}

/// The card of an event, if it has breadcrumbs.
pub fn card(event: &Event, all: bool, marks: &Marks) -> Option<Crumbs> {
    let total = event.breadcrumbs.len();
    let shown = if all { MAX } else { LAST_SHOWN };
    let skipped = total.saturating_sub(shown);
    let crumbs = &event.breadcrumbs[skipped..];
    let span = crumbs.first().and_then(|first| first.timestamp).zip(event.timestamp).map(|(first, event)| event - first);
    let span = span.filter(|span| span.whole_seconds() > 0).map(|span| format!("last {}", crate::http::web::format::span(span)));
    (total > 0).then(|| Crumbs {
        rows: crumbs.iter().zip(skipped..).map(|(crumb, index)| row(crumb, index, marks)).collect(),
        total,
        all,
        span: span.unwrap_or_default(),
    })
}

fn row(crumb: &Breadcrumb, index: usize, marks: &Marks) -> Crumb {
    let data = |name: &str| crumb.data.get(name);
    let text = |name: &str| data(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let status = data("status_code").or_else(|| data("http.response.status_code")).and_then(Json::as_i64);
    let failed = status.filter(|status| *status >= 400);
    let what = match (crumb.kind.as_deref(), crumb.message.as_deref().filter(|message| !message.is_empty())) {
        (_, Some(message)) => message.to_owned(),
        (Some("http"), None) => format!("{} {}", text("method"), text("url")).trim().to_owned(),
        (Some("navigation"), None) => format!("{} → {}", text("from"), text("to")),
        _ if data("url").is_some() => format!("{} {}", text("method"), text("url")).trim().to_owned(),
        _ => String::new(),
    };
    Crumb {
        time: crumb.timestamp.map(clock).unwrap_or_default(),
        datetime: crumb.timestamp.map(crate::http::web::format::machine).unwrap_or_default(),
        category: cut(crumb.category.as_deref().or(crumb.kind.as_deref()).unwrap_or("default"), 60),
        text: marks.on(Shown::new(&what), || format!("breadcrumbs.values.{index}.message")),
        failure: failed.map(|status| status.to_string()).unwrap_or_default(),
        detail: detail(crumb, &what),
        tone: match crumb.level {
            Some(Level::Error | Level::Fatal) => "bad",
            _ if failed.is_some() => "bad",
            Some(Level::Warning) => "warn",
            _ => "",
        },
    }
}

/// What the line does not say yet, as `key=value`.
fn detail(crumb: &Breadcrumb, what: &str) -> String {
    let said = |name: &str, value: &str| {
        matches!(name, "status_code" | "http.response.status_code") || (!value.is_empty() && what.contains(value))
    };
    let pairs = crumb.data.iter().filter_map(|(name, value)| {
        let value = match value {
            Json::Text(text) => text.to_string(),
            Json::Null => return None,
            other => other.to_string(),
        };
        (!said(name, &value)).then(|| format!("{name}={}", cut(&value, 200)))
    });
    cut(&pairs.take(20).collect::<Vec<_>>().join(" "), 600)
}

fn clock(at: OffsetDateTime) -> String {
    at.format(format_description!("[hour]:[minute]:[second].[subsecond digits:3]")).expect("every component of a time can be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    use crate::http::web::issues::show::text::Piece;

    #[test]
    fn requests_say_what_failed_and_nothing_twice() {
        let data =
            Json::from(json!({ "method": "POST", "url": "https://pay.example/x", "status_code": 402, "reason": "Payment Required" }));
        let crumb = Breadcrumb {
            timestamp: Some(datetime!(2026-11-20 09:40:20.19 UTC)),
            kind: Some("http".into()),
            category: Some("httplib".into()),
            data: data.as_object().cloned().expect("an object"),
            ..Breadcrumb::default()
        };
        let row = row(&crumb, 0, &Marks::default());
        assert_eq!(row.text.pieces, [Piece::Plain("POST https://pay.example/x".into())]);
        assert_eq!(
            (row.time.as_str(), row.failure.as_str(), row.detail.as_str(), row.tone),
            ("09:40:20.190", "402", "reason=Payment Required", "bad")
        );
    }

    #[test]
    fn the_last_eight_are_shown_until_all_are_wanted() {
        let event = Event { breadcrumbs: vec![Breadcrumb::default(); 150], ..Event::default() };
        let count = |all| card(&event, all, &Marks::default()).map(|card| (card.rows.len(), card.total));
        assert_eq!((count(false), count(true)), (Some((8, 150)), Some((100, 150))));
        assert!(card(&Event::default(), true, &Marks::default()).is_none());
    }
}
