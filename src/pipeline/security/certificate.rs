//! Certificates that break a promise of their host: Expect-CT, Expect-Staple and pinned keys. Browsers no longer make them, embedded ones do.

use super::{Finding, cut, text};
use crate::protocol::json::{Json, Object};
use crate::protocol::security_report::Kind;

pub(super) fn find(kind: &Kind, body: &Object<'_>) -> Finding {
    let host = cut(text(body, "hostname"), 200).to_ascii_lowercase();
    let title = match kind {
        Kind::ExpectCt => format!("Certificate of '{host}' without valid transparency"),
        Kind::ExpectStaple => format!("Certificate of '{host}' without a valid stapled response"),
        _ => format!("Certificate of '{host}' with none of the pinned keys"),
    };
    let is_enforced = text(body, "failure_mode") != "report-only" && text(body, "disposition") != "report";
    let port = body.get("port").and_then(Json::as_u64).map(|port| port.to_string()).unwrap_or_default();
    Finding {
        title,
        culprit: cut(text(body, "noted_hostname"), 200),
        level: if is_enforced { "error" } else { "warning" },
        parts: vec![kind.key().to_owned(), host.clone()],
        tags: vec![("hostname", host), ("port", port), ("response-status", cut(text(body, "response_status"), 60))],
    }
}
