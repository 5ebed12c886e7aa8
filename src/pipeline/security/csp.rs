//! Violations of a content security policy: the directive and where the blocked thing came from make the issue, never the whole address.

use super::{Finding, Noise, cut, host, scheme, text};
use crate::protocol::json::Object;

/// Extensions of browsers, and what browsers put into pages themselves: no policy of the site is at fault, and nobody can fix it there.
const FOREIGN_SCHEMES: &[&str] = &[
    "chrome-extension",
    "moz-extension",
    "safari-extension",
    "safari-web-extension",
    "ms-browser-extension",
    "webkit-masked-url",
    "user-script",
    "chrome",
    "resource",
];
/// Longest directive, in characters.
const DIRECTIVE_LEN_MAX: usize = 60;

/// Where the blocked thing came from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// Code or style in the page itself.
    Inline,
    /// Text that was to be run as code.
    Eval,
    /// The site itself.
    Own,
    /// `data:`, `blob:`, …: an address without a host.
    Scheme(String),
    /// Another site.
    Host(String),
}

pub(super) fn find(body: &Object<'_>) -> Finding {
    let (directive, source) = (directive(body), source(body));
    let is_enforced = text(body, "disposition") != "report";
    let what = if is_enforced { "Blocked" } else { "Would block" };
    Finding {
        title: format!("{what} '{directive}' from {}", source.in_words()),
        culprit: rule(body),
        level: if is_enforced { "error" } else { "warning" },
        parts: vec!["csp".to_owned(), directive, source.name().to_owned()],
        tags: vec![
            ("effective-directive", raw_directive(body)),
            ("blocked-uri", source.name().to_owned()),
            ("disposition", if is_enforced { "enforce" } else { "report" }.to_owned()),
        ],
    }
}

/// `blob:` and `data:` are left in: only the page itself makes them. `about:` pages need no permission where the page opens them, so what
/// is blocked of them was put in from outside.
pub(super) fn noise(body: &Object<'_>) -> Option<Noise> {
    let places = [text(body, "blocked_uri"), text(body, "source_file"), text(body, "document_uri")];
    if places.iter().any(|place| FOREIGN_SCHEMES.contains(&scheme(place).as_str())) {
        return Some(Noise("browser_extension"));
    }
    (scheme(places[0]) == "about").then_some(Noise("about_page"))
}

/// What was to be done: `script-src`. Some browsers say `script-src-elem` where others say `script-src`; attributes (`script-src-attr`) are
/// other code and another issue.
fn directive(body: &Object<'_>) -> String {
    let raw = raw_directive(body);
    raw.strip_suffix("-elem").map_or(raw.clone(), str::to_owned)
}

/// The older field holds the whole rule.
fn raw_directive(body: &Object<'_>) -> String {
    let effective = text(body, "effective_directive");
    let named = if effective.is_empty() { text(body, "violated_directive") } else { effective };
    let word = named.split_whitespace().next().unwrap_or("unknown");
    let letters = word.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(DIRECTIVE_LEN_MAX);
    letters.collect::<String>().to_ascii_lowercase()
}

fn source(body: &Object<'_>) -> Source {
    let raw = text(body, "blocked_uri");
    let directive = raw_directive(body);
    let runs_code = directive.starts_with("script") || directive.starts_with("style") || directive.starts_with("default");
    match raw {
        "inline" => Source::Inline,
        // What older browsers say about code in the page.
        "" | "self" if runs_code => Source::Inline,
        "" | "self" => Source::Own,
        "eval" | "wasm-eval" => Source::Eval,
        address if address.contains("://") => match host(address) {
            Some(blocked) if Some(&blocked) == host(text(body, "document_uri")).as_ref() => Source::Own,
            Some(blocked) if !scheme(address).contains("extension") => Source::Host(blocked),
            _ => Source::Scheme(scheme(address)),
        },
        word if word.contains('.') && !word.contains(':') => Source::Host(cut(word, 200).to_ascii_lowercase()),
        word => Source::Scheme(scheme(word)),
    }
}

impl Source {
    fn name(&self) -> &str {
        match self {
            Self::Inline => "inline",
            Self::Eval => "eval",
            Self::Own => "self",
            Self::Scheme(name) | Self::Host(name) => name,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Inline => "inline code".to_owned(),
            Self::Eval => "eval".to_owned(),
            Self::Own => "the site itself".to_owned(),
            Self::Scheme(name) => format!("'{name}:'"),
            Self::Host(name) => format!("'{name}'"),
        }
    }
}

/// The rule of the document that was broken: `script-src 'self' cdn.example`, or the `default-src` that stands for it.
fn rule(body: &Object<'_>) -> String {
    let violated = text(body, "violated_directive");
    if violated.contains(' ') {
        return cut(violated, 200);
    }
    let raw = raw_directive(body);
    let base = raw.trim_end_matches("-elem").trim_end_matches("-attr");
    let rules: Vec<&str> = text(body, "original_policy").split(';').map(str::trim).collect();
    let of = |name: &str| rules.iter().find(|rule| rule.split_whitespace().next() == Some(name));
    [raw.as_str(), base, "default-src"].into_iter().find_map(of).map_or(raw.clone(), |rule| cut(rule, 200))
}
