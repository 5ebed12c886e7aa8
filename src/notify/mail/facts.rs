//! The facts under the message of a mail: since when, for whom, where, in which release.

use time::OffsetDateTime;

use super::words::{count, counted, factor, moment, usual};
use crate::domain::alert::Kind;
use crate::store::alert_outbox::PendingAlert;

/// Above this ratio of all events to capped events it is mostly one person.
const ONE_PERSON: i64 = 3;
/// Traffic below this is usual.
const TRAFFIC_MIN: f64 = 1.5;

/// A label and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// One word.
    pub label: &'static str,
    /// One sentence.
    pub text: String,
}

/// The facts of an alert, the most important first.
pub fn of(alert: &PendingAlert, transaction: Option<&str>, now: OffsetDateTime) -> Vec<Fact> {
    let mut facts = match alert.kind {
        Kind::New => new(alert, now),
        Kind::Regressed => regressed(alert, now),
        Kind::Spiking | Kind::Escalated => spiking(alert, now),
    };
    push(&mut facts, "Where", &place(alert));
    push(&mut facts, "From", transaction.unwrap_or_default());
    if alert.kind != Kind::New {
        push(&mut facts, "Release", &releases(alert));
    }
    facts
}

fn new(alert: &PendingAlert, now: OffsetDateTime) -> Vec<Fact> {
    let issue = &alert.issue;
    let mut since = moment(issue.first_seen_at, now);
    if let Some(release) = issue.first_release.as_deref().or(alert.numbers.release.as_deref()) {
        since.push_str(&format!(", in release {release}"));
    }
    vec![Fact { label: "Since", text: since }, Fact { label: "Hit", text: hit(issue.user_count, issue.event_count) }]
}

fn regressed(alert: &PendingAlert, now: OffsetDateTime) -> Vec<Fact> {
    let numbers = &alert.numbers;
    let mut facts = Vec::new();
    let at = numbers.resolved_at.as_deref().and_then(parse);
    let by = numbers.resolved_by.as_deref().map(|name| format!("by {name}"));
    let resolved: Vec<String> = [at.map(|at| moment(at, now)), by].into_iter().flatten().collect();
    push(&mut facts, "Resolved", &resolved.join(", "));
    let release = numbers.release.as_deref().map(|release| format!(", in release {release}")).unwrap_or_default();
    facts.push(Fact { label: "Back", text: format!("{}{release}", moment(alert.decided_at, now)) });
    facts.push(Fact { label: "Hit", text: format!("{} in all", hit(alert.issue.user_count, alert.issue.event_count)) });
    facts
}

fn spiking(alert: &PendingAlert, at: OffsetDateTime) -> Vec<Fact> {
    let numbers = &alert.numbers;
    let times = factor(numbers.last60, numbers.usual_per_hour).map(|times| format!(" ({times})")).unwrap_or_default();
    let mut now = format!(
        "{} in 15 minutes, {} in the last hour, {}{times}",
        counted(numbers.last15, "event", "events"),
        count(numbers.last60),
        usual(numbers)
    );
    if numbers.last60 > ONE_PERSON * numbers.capped60 {
        now.push_str("; mostly one person");
    }
    let people = if numbers.people60 > 0 {
        format!("{} in the last hour, {} in all", counted(numbers.people60, "person", "people"), count(alert.issue.user_count))
    } else {
        "not known: the events do not say for whom they are".to_owned()
    };
    let started = numbers.started_at.as_deref().and_then(parse).unwrap_or(alert.since);
    let since = format!("{}; first seen {}", moment(started, at), moment(alert.issue.first_seen_at, at));
    let mut facts = vec![Fact { label: "Now", text: now }, Fact { label: "Since", text: since }, Fact { label: "Hit", text: people }];
    if numbers.highest15_before > 0 {
        facts
            .push(Fact { label: "Before", text: format!("at most {} in 15 minutes in the last 14 days", count(numbers.highest15_before)) });
    }
    if numbers.traffic >= TRAFFIC_MIN {
        facts.push(Fact { label: "Traffic", text: format!("{:.1}x the usual in the whole project", numbers.traffic) });
    }
    facts
}

fn parse(raw: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(raw, &time::format_description::well_known::Rfc3339).ok()
}

fn hit(users: i64, events: i64) -> String {
    let events = counted(events, "event", "events");
    if users > 0 { format!("{}, {events}", counted(users, "user", "users")) } else { events }
}

/// `payments/services.py:139 in capture_payment`, or the culprit.
pub fn place(alert: &PendingAlert) -> String {
    let issue = &alert.issue;
    match (issue.location.as_str(), issue.function.as_str()) {
        ("", _) => issue.culprit.clone(),
        (location, "") => location.to_owned(),
        (location, function) => format!("{location} in {function}"),
    }
}

fn releases(alert: &PendingAlert) -> String {
    match (alert.issue.last_release.as_deref(), alert.issue.first_release.as_deref()) {
        (Some(last), Some(first)) if last != first => format!("{last}, first seen in {first}"),
        (Some(last), _) => last.to_owned(),
        _ => String::new(),
    }
}

fn push(facts: &mut Vec<Fact>, label: &'static str, text: &str) {
    if !text.is_empty() {
        facts.push(Fact { label, text: super::words::cut(text, 240) });
    }
}
