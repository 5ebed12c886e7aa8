//! Network error logging: a browser could not reach the site, or got an answer that is an error.

use super::{Finding, Noise, cut, host, text};
use crate::protocol::json::{Json, Object};

pub(super) fn find(body: &Object<'_>) -> Finding {
    let kind = cut(text(body, "type"), 60);
    let host = host(text(body, "document_uri")).unwrap_or_default();
    let phase = cut(text(body, "phase"), 40);
    let status = body.get("status_code").and_then(Json::as_u64).filter(|status| *status > 0);
    let status = status.map(|status| status.to_string()).unwrap_or_default();
    let what = if kind == "http.error" && !status.is_empty() { format!("http {status}") } else { kind.clone() };
    Finding {
        title: format!("Network error '{what}' at '{host}'"),
        culprit: [phase.as_str(), cut(text(body, "method"), 20).as_str()].join(" ").trim().to_owned(),
        level: "error",
        parts: vec!["nel".to_owned(), what, host],
        tags: vec![
            ("nel.type", kind),
            ("nel.phase", phase),
            ("nel.protocol", cut(text(body, "protocol"), 40)),
            ("nel.server-ip", cut(text(body, "server_ip"), 60)),
            ("nel.status-code", status),
        ],
    }
}

/// Where a site asks for it, browsers also report a share of the requests that went well; a request that the user gave up is none that
/// failed.
pub(super) fn noise(body: &Object<'_>) -> Option<Noise> {
    matches!(text(body, "type"), "ok" | "abandoned").then_some(Noise("no_failure"))
}
