//! What a browser reported on its own: a violated policy with its rules, a certificate, a failed request. Takes the place of the stack trace.

use crate::protocol::event::Event;
use crate::protocol::json::{Json, Object};
use crate::protocol::security_report::Kind;

use super::evidence::Pair;
use super::text::{Shown, cut};

/// Most fields and most rules of a policy that are drawn; the raw event has the rest.
const FIELDS_MAX: usize = 40;
const RULES_MAX: usize = 60;
/// Fields with a word of their own, in the order in which they are read; the others follow under their own names.
const WORDS: [(&str, &str); 12] = [
    ("blocked_uri", "Blocked"),
    ("effective_directive", "Directive"),
    ("type", "Failure"),
    ("phase", "Phase"),
    ("message", "Message"),
    ("document_uri", "Page"),
    ("hostname", "Host"),
    ("source_file", "Source"),
    ("script_sample", "Sample"),
    ("status_code", "Status"),
    ("served_certificate_chain", "Certificates served"),
    ("referrer", "Referrer"),
];
/// Said elsewhere on the card.
const ELSEWHERE: [&str; 5] = ["original_policy", "violated_directive", "disposition", "line_number", "column_number"];

/// The card.
#[derive(Debug)]
pub struct ReportCard {
    /// `Content security policy`
    pub title: String,
    /// Whether something was prevented; empty where there was nothing to prevent.
    pub effect: &'static str,
    /// What was reported.
    pub pairs: Vec<Pair>,
    /// The policy, rule by rule.
    pub rules: Vec<Rule>,
}

/// A rule of the policy.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// `img-src 'self'`
    pub text: String,
    /// The one that was broken.
    pub broken: bool,
}

/// The card, if the event was made of a report.
pub fn card(event: &Event) -> Option<ReportCard> {
    let (kind, body) = Kind::in_event(&event.other)?;
    let title = match &kind {
        Kind::Csp => "Content security policy".to_owned(),
        Kind::ExpectCt => "Expect-CT".to_owned(),
        Kind::ExpectStaple => "Expect-Staple".to_owned(),
        Kind::Hpkp => "Public key pinning".to_owned(),
        Kind::Network => "Network error".to_owned(),
        Kind::Other(name) => format!("Browser report: {}", cut(name, 60)),
    };
    Some(ReportCard { title, effect: effect(&kind, body), pairs: pairs(body), rules: rules(body, event.culprit.as_deref()) })
}

fn effect(kind: &Kind, body: &Object<'_>) -> &'static str {
    match body.get("disposition").and_then(Json::as_str) {
        Some("report") => "Reported only: the browser let it pass.",
        _ if *kind == Kind::Csp => "Enforced: the browser prevented it.",
        _ => "",
    }
}

fn pairs(body: &Object<'_>) -> Vec<Pair> {
    let known = WORDS.iter().filter_map(|(field, word)| Some(((*word).to_owned(), *field, body.get(field)?)));
    let is_other = |field: &str| !ELSEWHERE.contains(&field) && WORDS.iter().all(|(known, _)| *known != field);
    let others = body.iter().filter(|(field, _)| is_other(field)).map(|(field, value)| (cut(&field.replace('_', " "), 60), field, value));
    known
        .chain(others)
        .filter(|(.., value)| says(value))
        .take(FIELDS_MAX)
        .map(|(word, field, value)| (word, shown(field, value, body)))
        .collect()
}

fn shown(field: &str, value: &Json<'_>, body: &Object<'_>) -> Shown {
    let number = |field: &str| body.get(field).and_then(Json::as_u64);
    match (field, number("line_number"), number("column_number")) {
        ("source_file", Some(line), Some(column)) => Shown::new(&format!("{}:{line}:{column}", value.as_str().unwrap_or_default())),
        ("source_file", Some(line), None) => Shown::new(&format!("{}:{line}", value.as_str().unwrap_or_default())),
        _ => Shown::json(value),
    }
}

fn says(value: &Json<'_>) -> bool {
    !value.is_null() && value.as_str() != Some("") && value.as_u64() != Some(0)
}

fn rules(body: &Object<'_>, broken: Option<&str>) -> Vec<Rule> {
    let policy = body.get("original_policy").and_then(Json::as_str).unwrap_or_default();
    let rules = policy.split(';').map(str::trim).filter(|rule| !rule.is_empty()).take(RULES_MAX);
    // The culprit may have been cut.
    let is_broken = |rule: &str| broken.is_some_and(|broken| !broken.is_empty() && rule.starts_with(broken.trim_end_matches('…')));
    rules.map(|rule| Rule { text: cut(rule, 1_000), broken: is_broken(rule) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event;

    #[test]
    fn the_broken_rule_is_marked_and_the_source_has_its_place() {
        let json = br#"{"type":"csp","culprit":"img-src 'self'","csp":{"blocked_uri":"https://cdn.example/","source_file":"https://a/","line_number":3,
            "column_number":9,"original_policy":"default-src 'self'; img-src 'self';","disposition":"report","status_code":0,"odd_field":"x"}}"#;
        let card = card(&event::read(json).expect("an event")).expect("a report");
        assert_eq!(
            card.rules.iter().map(|rule| (rule.text.as_str(), rule.broken)).collect::<Vec<_>>(),
            [("default-src 'self'", false), ("img-src 'self'", true)]
        );
        let names: Vec<_> = card.pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Blocked", "Source", "odd field"]);
        assert_eq!(card.pairs[1].1, Shown::new("https://a/:3:9"));
        assert!(card.effect.starts_with("Reported only"));
        assert!(super::card(&event::read(b"{\"type\":\"csp\"}").expect("an event")).is_none());
    }
}
