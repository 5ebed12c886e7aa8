//! The mail about several issues of one project.

use anyhow::Context;
use askama::Template;

use super::issue::{Cx, Told};
use super::{Rendered, facts, subject, words};
use crate::domain::alert::Kind;

/// Issues told in full; the others are a count and a link.
const FULL_MAX: usize = 5;

/// One issue of the digest.
struct Entry<'a> {
    short_id: &'a str,
    heading: String,
    message: String,
    tone: &'static str,
    line: String,
    url: String,
}

struct Parts<'a> {
    subject: String,
    when: String,
    heading: String,
    over_budget: bool,
    entries: Vec<Entry<'a>>,
    more: usize,
    list_url: String,
    alerts_url: String,
    project: &'a str,
    base_url: &'a str,
}

/// The mail about several issues to one person.
pub struct DigestMail<'a>(Parts<'a>);

#[derive(Template)]
#[template(path = "mail/digest.txt")]
struct Text<'a> {
    m: &'a Parts<'a>,
}

#[derive(Template)]
#[template(path = "mail/digest.html")]
struct Html<'a> {
    m: &'a Parts<'a>,
}

impl<'a> DigestMail<'a> {
    /// Gathers what it says; `told` has one entry per issue.
    pub fn new(cx: &Cx<'a>, told: &'a [Told], over_budget: bool) -> Self {
        let mut sorted: Vec<&Told> = told.iter().collect();
        sorted.sort_by_key(|one| std::cmp::Reverse(weight(one)));
        let since = told.iter().map(|one| one.alert.since).min().unwrap_or(cx.now);
        let heading = headline(told, &words::time_of_day(since, cx.now));
        Self(Parts {
            subject: subject(cx.project, &heading),
            when: words::moment(cx.now, cx.now),
            entries: sorted.iter().take(FULL_MAX).map(|one| entry(cx, one)).collect(),
            more: told.len().saturating_sub(FULL_MAX),
            heading,
            over_budget,
            list_url: format!("{}/{}/issues", cx.base_url, cx.project),
            alerts_url: format!("{}/{}/alerts", cx.base_url, cx.project),
            project: cx.project,
            base_url: cx.base_url,
        })
    }

    /// Both parts.
    pub fn render(&self) -> anyhow::Result<Rendered> {
        Ok(Rendered {
            subject: self.0.subject.clone(),
            text: Text { m: &self.0 }.render().context("rendering the text part")?,
            html: Html { m: &self.0 }.render().context("rendering the HTML part")?,
        })
    }
}

/// People affected, then the factor, then events.
fn weight(told: &Told) -> (i64, i64, i64) {
    let numbers = &told.alert.numbers;
    let people = numbers.people60.max(if told.alert.kind == Kind::New { told.alert.issue.user_count } else { 0 });
    let factor = (numbers.last60 as f64 / numbers.usual_per_hour.max(0.1)) as i64;
    (people, factor, told.alert.issue.event_count)
}

/// `23 issues spiking since 14:02, 9 of them new`.
fn headline(told: &[Told], since: &str) -> String {
    let of = |wanted: &[Kind]| told.iter().filter(|one| wanted.contains(&one.alert.kind)).count();
    let (new, back, spiking) = (of(&[Kind::New]), of(&[Kind::Regressed]), of(&[Kind::Spiking, Kind::Escalated]));
    let parts = [(new, "new"), (back, "came back"), (spiking, "spiking")];
    let named: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    match named.as_slice() {
        [_] if spiking > 0 => format!("{} issues spiking since {since}", told.len()),
        _ if spiking > 0 && back == 0 => format!("{} issues spiking since {since}, {new} of them new", told.len()),
        [_] if new > 0 => format!("{} new issues since {since}", told.len()),
        [_] => format!("{} issues came back since {since}", told.len()),
        _ => format!("{} issues need you since {since}: {}", told.len(), named.join(", ")),
    }
}

fn entry<'a>(cx: &Cx, told: &'a Told) -> Entry<'a> {
    let (kind, tone) = match told.alert.kind {
        Kind::New => ("New", "#1a56b8"),
        Kind::Regressed => ("Came back", "#b42318"),
        Kind::Spiking | Kind::Escalated => ("Spiking", "#8a5300"),
    };
    let facts = facts::of(&told.alert, told.transaction.as_deref(), cx.now);
    let said: Vec<String> = facts.into_iter().filter(|fact| ["Now", "Hit", "Where"].contains(&fact.label)).map(|fact| fact.text).collect();
    Entry {
        short_id: &told.alert.issue.short_id,
        heading: words::cut(told.heading(), 120),
        message: words::cut(told.message(), 160),
        tone,
        line: format!("{kind}. {}", said.join(". ")),
        url: format!("{}/issues/{}", cx.base_url, told.alert.issue.id),
    }
}
