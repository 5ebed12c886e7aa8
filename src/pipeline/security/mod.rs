//! What browsers report on their own, as events: an ordinary event with the report in a field of its own, so that everything that is true of
//! events (issues, alerts, search, retention, scrubbing) is true of reports.

mod certificate;
mod csp;
mod network;
mod other;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::protocol::event::Event;
use crate::protocol::json::{Json, Object};
use crate::protocol::security_report::{Kind, Report};

/// What is known of a report besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// `sentry_release` of the address it was sent to.
    pub release: Option<&'a str>,
    /// `sentry_environment` of the address it was sent to.
    pub environment: Option<&'a str>,
    /// The browser that sent it.
    pub user_agent: Option<&'a str>,
}

/// Nobody would do anything about it; the reason is that of the accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise(pub &'static str);

/// What a report says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Finding {
    /// One sentence.
    title: String,
    /// The rule that was broken; may be empty.
    culprit: String,
    /// `error` or `warning`.
    level: &'static str,
    /// Reports with the same parts are one issue.
    parts: Vec<String>,
    /// To search by.
    tags: Vec<(&'static str, String)>,
}

/// The event of a report, as an SDK would have sent it.
pub fn event(report: &Report<'_>, told: Told<'_>) -> Result<Vec<u8>, Noise> {
    if let Some(noise) = noise(&report.kind, &report.body) {
        return Err(noise);
    }
    let Finding { title, culprit, level, tags, .. } = find(&report.kind, &report.body);
    let age = Duration::milliseconds(i64::try_from(report.age).unwrap_or(0));
    let agent = report.user_agent.as_deref().or(told.user_agent);
    let referrer = text(&report.body, "referrer");
    let headers: Vec<_> = [("User-Agent", agent), ("Referer", Some(referrer).filter(|referrer| !referrer.is_empty()))]
        .into_iter()
        .filter_map(|(name, value)| Some([name, value?]))
        .collect();
    let mut event = json!({
        "type": report.kind.event_type(), "platform": "javascript", "level": level, "culprit": culprit,
        "timestamp": (told.received_at - age).unix_timestamp_nanos() as f64 / 1e9,
        "logger": report.kind.key(), "logentry": { "formatted": title },
        "request": { "url": document(&report.body), "headers": headers },
        "tags": tags.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>(),
        "release": told.release, "environment": told.environment,
    });
    event[report.kind.key()] = serde_json::to_value(&report.body).unwrap_or(Value::Null);
    Ok(event.to_string().into_bytes())
}

/// What reports of one issue have in common, of an event that was made of a report.
pub fn grouping(event: &Event<'_>) -> Option<Vec<String>> {
    let (kind, body) = Kind::in_event(&event.other)?;
    Some(find(&kind, body).parts)
}

fn find(kind: &Kind, body: &Object<'_>) -> Finding {
    match kind {
        Kind::Csp => csp::find(body),
        Kind::ExpectCt | Kind::ExpectStaple | Kind::Hpkp => certificate::find(kind, body),
        Kind::Network => network::find(body),
        Kind::Other(name) => other::find(name, body),
    }
}

fn noise(kind: &Kind, body: &Object<'_>) -> Option<Noise> {
    match kind {
        Kind::Csp => csp::noise(body),
        Kind::Network => network::noise(body),
        Kind::Other(name) => other::noise(name, body),
        Kind::ExpectCt | Kind::ExpectStaple | Kind::Hpkp => None,
    }
}

/// The page on which it happened; of certificates, the host.
fn document(body: &Object<'_>) -> String {
    match (text(body, "document_uri"), text(body, "hostname")) {
        ("", "") => String::new(),
        ("", host) => format!("https://{host}/"),
        (document, _) => document.to_owned(),
    }
}

fn text<'b>(body: &'b Object<'_>, field: &str) -> &'b str {
    body.get(field).and_then(Json::as_str).unwrap_or_default().trim()
}

/// The host of an address, in lower case, without its port: ports of developers' machines differ from start to start.
fn host(address: &str) -> Option<String> {
    url::Url::parse(address).ok()?.host_str().map(|host| cut(host, 200))
}

/// The scheme of an address, or of a word that is nothing but a scheme.
fn scheme(address: &str) -> String {
    cut(address.split(':').next().unwrap_or_default(), 40).to_ascii_lowercase()
}

fn cut(text: &str, len_max: usize) -> String {
    text.chars().take(len_max).collect()
}

#[cfg(test)]
mod tests;
