//! Reports of kinds without rules of their own: deprecated features, interventions of the browser, crashed pages, violated permissions.

use super::{Finding, Noise, cut, host, text};
use crate::protocol::json::Object;

/// What a report is about, in the words of the various kinds.
const SUBJECTS: [&str; 6] = ["id", "feature_id", "policy_id", "property", "reason", "destination"];

pub(super) fn find(name: &str, body: &Object<'_>) -> Finding {
    let subject = SUBJECTS.iter().map(|field| text(body, field)).find(|text| !text.is_empty()).unwrap_or_default();
    let subject = cut(subject, 100);
    let message = cut(text(body, "message").lines().next().unwrap_or_default(), 200);
    let blocked = host(text(body, "blocked_uri")).unwrap_or_default();
    let title = match (name, message.as_str(), subject.as_str()) {
        ("crash", _, "") => "The page crashed".to_owned(),
        ("crash", _, reason) => format!("The page crashed ({reason})"),
        (_, "", "") => format!("Browser report '{name}'"),
        (_, "", subject) => format!("Browser report '{name}': {subject}"),
        (_, message, _) => message.to_owned(),
    };
    Finding {
        title,
        culprit: subject.clone(),
        level: if name == "crash" { "error" } else { "warning" },
        tags: vec![("report-type", name.to_owned()), ("report-subject", subject.clone()), ("blocked-uri", blocked.clone())],
        parts: vec![name.to_owned(), subject, blocked],
    }
}

/// Lists of what a page loaded say nothing about a problem.
pub(super) fn noise(name: &str, body: &Object<'_>) -> Option<Noise> {
    if name == "csp-hash" {
        return Some(Noise("no_failure"));
    }
    super::csp::noise(body).filter(|noise| noise.0 == "browser_extension")
}
