//! The mail about one issue.

use anyhow::Context;
use askama::Template;
use time::OffsetDateTime;

use super::code::{Excerpt, Line};
use super::facts::{self, Fact};
use super::{Rendered, subject, words};
use crate::domain::alert::Kind;
use crate::domain::alert_rule::Recipients;
use crate::domain::mail_link::{MailAction, MailLink};
use crate::store::alert_outbox::{PendingAlert, Receiver};

/// Tallest bar of the chart, in pixels.
const BAR_PX_MAX: i64 = 40;

/// For whom and from where.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// The project's slug.
    pub project: &'a str,
    /// The public address.
    pub base_url: &'a str,
    /// Signs the links.
    pub key: &'a [u8],
    /// Who reads it.
    pub receiver: &'a Receiver,
    /// When it is written.
    pub now: OffsetDateTime,
}

/// An alert with what was looked up for its mail.
#[derive(Clone, Debug)]
pub struct Told {
    /// The decision.
    pub alert: PendingAlert,
    /// Where the latest event ran.
    pub environment: Option<String>,
    /// Its route, task or command.
    pub transaction: Option<String>,
    /// Its code.
    pub excerpt: Excerpt,
    /// Events of the last 24 hours, by hour, and whether each was part of an alert. Empty: no chart.
    pub last_day: Vec<(i64, bool)>,
}

impl Told {
    /// `ValueError`, or the message where there is no type.
    pub fn heading(&self) -> &str {
        let issue = &self.alert.issue;
        if issue.type_.is_empty() { &issue.value } else { &issue.type_ }
    }

    /// The message below the heading; empty where it is the heading.
    pub fn message(&self) -> &str {
        if self.alert.issue.type_.is_empty() { "" } else { &self.alert.issue.value }
    }
}

/// One bar of the chart.
pub struct Bar {
    px: i64,
    hot: bool,
}

/// The parts of the mail; both templates have the same fields.
struct Parts<'a> {
    subject: String,
    kind_line: String,
    tone: &'static str,
    heading: &'a str,
    message: &'a str,
    facts: Vec<Fact>,
    lines: &'a [Line],
    frames: &'a [String],
    bars: Vec<Bar>,
    view_url: String,
    resolve_url: Option<String>,
    mute_url: String,
    why: String,
    next: &'static str,
    rule_url: Option<String>,
    told_url: String,
    base_url: &'a str,
}

/// The mail about one issue to one person.
pub struct IssueMail<'a>(Parts<'a>);

#[derive(Template)]
#[template(path = "mail/issue.txt")]
struct Text<'a> {
    m: &'a Parts<'a>,
}

#[derive(Template)]
#[template(path = "mail/issue.html")]
struct Html<'a> {
    m: &'a Parts<'a>,
}

impl<'a> IssueMail<'a> {
    /// Gathers what it says.
    pub fn new(cx: &Cx<'a>, told: &'a Told) -> Self {
        let (alert, issue) = (&told.alert, &told.alert.issue);
        let link = |action| MailLink::new(cx.receiver.id, issue.id, action, cx.now).url(cx.base_url, cx.key);
        let kind_words = kind_words(alert.kind);
        let place = told.environment.as_deref().or(alert.numbers.environment.as_deref()).map(|name| format!(", {name}"));
        Self(Parts {
            subject: subject(cx.project, &title(told)),
            kind_line: format!("{} {}{}", kind_words.0, cx.project, place.unwrap_or_default()),
            tone: kind_words.1,
            heading: told.heading(),
            message: told.message(),
            facts: facts::of(alert, told.transaction.as_deref(), cx.now),
            lines: &told.excerpt.lines,
            frames: &told.excerpt.frames,
            bars: bars(&told.last_day),
            view_url: format!("{}/issues/{}", cx.base_url, issue.id),
            resolve_url: cx.receiver.may_work.then(|| link(MailAction::Resolve)),
            mute_url: link(MailAction::Mute),
            why: why(cx, alert),
            next: next(alert.kind),
            rule_url: alert.rule.as_ref().map(|(id, ..)| format!("{}/alerts/{id}", cx.base_url)),
            told_url: format!("{}/alerts/sent/{}", cx.base_url, alert.id),
            base_url: cx.base_url,
        })
    }

    /// For `List-Unsubscribe`.
    pub fn mute_url(&self) -> &str {
        &self.0.mute_url
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

fn title(told: &Told) -> String {
    let (alert, issue) = (&told.alert, &told.alert.issue);
    let name = words::cut(told.heading(), 90);
    let place = if issue.function.is_empty() || issue.type_.is_empty() { String::new() } else { format!(" in {}", issue.function) };
    let number = || {
        let times = words::factor(alert.numbers.last60, alert.numbers.usual_per_hour).map(|times| format!(", {times}")).unwrap_or_default();
        format!("{} in 1 h, {}{times}", words::counted(alert.numbers.last60, "event", "events"), words::usual(&alert.numbers))
    };
    match alert.kind {
        Kind::New => format!("New: {name}{place}"),
        Kind::Regressed => format!("Came back: {name}{place}"),
        Kind::Spiking => format!("Spiking: {name}, {}", number()),
        Kind::Escalated => format!("Spiking, ten times worse: {name}, {}", number()),
    }
}

/// First words and colour.
fn kind_words(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::New => ("New issue in", "#1a56b8"),
        Kind::Regressed => ("It came back in", "#b42318"),
        Kind::Spiking => ("Spike in", "#8a5300"),
        Kind::Escalated => ("The spike got ten times worse in", "#b42318"),
    }
}

fn why(cx: &Cx, alert: &PendingAlert) -> String {
    match &alert.rule {
        Some((_, name, Recipients::These(_))) => format!("the rule “{name}” of {} names you.", cx.project),
        Some((_, name, Recipients::Members)) => {
            format!("you are a member of {}, and its rule “{name}” tells the members.", cx.project)
        }
        None => format!("you are a member of {}.", cx.project),
    }
}

fn next(kind: Kind) -> &'static str {
    match kind {
        Kind::New | Kind::Regressed => {
            "More of the same sends no mail. You hear of it again if it spikes, or comes back after it was resolved."
        }
        Kind::Spiking | Kind::Escalated => "For 24 hours after it calms down you hear of it again only if it gets three times as bad.",
    }
}

fn bars(last_day: &[(i64, bool)]) -> Vec<Bar> {
    let highest = last_day.iter().map(|(count, _)| *count).max().unwrap_or_default();
    if highest == 0 {
        return Vec::new();
    }
    last_day.iter().map(|(count, hot)| Bar { px: (count * BAR_PX_MAX / highest).max(1), hot: *hot }).collect()
}
