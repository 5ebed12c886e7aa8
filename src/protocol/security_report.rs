//! What browsers report on their own: violations of a content security policy, of certificates, failed requests, and whatever else comes
//! over the Reporting API. Every form of it becomes the same: what kind, how old, and fields in `snake_case`.

use super::json::{self, Json, Object};

/// Most reports of one request. Browsers keep at most 100 for sending.
pub const REPORTS_MAX: usize = 200;
/// Most fields of one report that are kept; the longest real ones have about 15.
const FIELDS_MAX: usize = 60;
/// Longest type of a report that is kept, in bytes.
const TYPE_LEN_MAX: usize = 60;
/// No report is taken for older than this, in milliseconds: browsers throw them away after a few minutes.
const AGE_MAX: u64 = 30 * 24 * 3_600 * 1_000;

/// What is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A violated content security policy.
    Csp,
    /// A certificate without the transparency its host asks for.
    ExpectCt,
    /// A certificate without a stapled answer.
    ExpectStaple,
    /// A certificate with none of the pinned keys.
    Hpkp,
    /// A failed request (network error logging), or a sample of those that went well.
    Network,
    /// `deprecation`, `intervention`, `crash`, … of the Reporting API.
    Other(String),
}

/// One report.
#[derive(Clone, Debug, PartialEq)]
pub struct Report<'a> {
    /// What it is about.
    pub kind: Kind,
    /// How long it waited in the browser, in milliseconds.
    pub age: u64,
    /// The browser, where the report names it.
    pub user_agent: Option<String>,
    /// Its fields; those of a CSP report have the names that the `csp-report` form gives them.
    pub body: Object<'a>,
}

/// Why a body holds no reports.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Neither an object nor a list of objects.
    #[error("a report is a JSON object, or a list of them")]
    NotReports,
    /// More than [`REPORTS_MAX`].
    #[error("a request holds at most {REPORTS_MAX} reports")]
    TooMany,
}

/// The reports of one body, one by one, as they were sent.
pub fn split(body: &[u8]) -> Result<Vec<Json<'_>>, SplitError> {
    match json::parse(body).map_err(|_| SplitError::NotReports)? {
        Json::Array(list) if list.len() > REPORTS_MAX => Err(SplitError::TooMany),
        Json::Array(list) if list.iter().all(Json::is_object) => Ok(list),
        object @ Json::Object(_) => Ok(vec![object]),
        _ => Err(SplitError::NotReports),
    }
}

/// Reads one of them. `None`: it is JSON, but no report that is known.
pub fn read(report: Json<'_>) -> Option<Report<'_>> {
    let Json::Object(mut fields) = report else { return None };
    for (wrapper, kind) in [("csp-report", Kind::Csp), ("expect-ct-report", Kind::ExpectCt), ("expect-staple-report", Kind::ExpectStaple)] {
        if let Some(Json::Object(body)) = fields.remove(wrapper) {
            return Some(Report::of(kind, body));
        }
    }
    if fields.contains_key("known-pins") || fields.contains_key("noted-hostname") {
        return Some(Report::of(Kind::Hpkp, fields));
    }
    of_reporting_api(fields)
}

fn of_reporting_api(mut fields: Object<'_>) -> Option<Report<'_>> {
    let kind = Kind::of_type(fields.get("type")?.as_str()?)?;
    let Some(Json::Object(body)) = fields.remove("body") else { return None };
    let mut report = Report::of(kind, body);
    report.age = fields.get("age").and_then(Json::as_f64).map_or(0, whole_millis);
    report.user_agent = fields.get("user_agent").and_then(Json::as_str).map(str::to_owned);
    let url = fields.remove("url").filter(|url| url.as_str().is_some_and(|url| !url.is_empty()));
    if let (Some(url), false) = (url, report.body.contains_key("document_uri")) {
        report.body.insert("document_uri", url);
    }
    Some(report)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, and the result is capped")]
fn whole_millis(age: f64) -> u64 {
    (age as u64).min(AGE_MAX)
}

impl Kind {
    const KEYS: [(Self, &'static str); 5] = [
        (Self::Csp, "csp"),
        (Self::ExpectCt, "expectct"),
        (Self::ExpectStaple, "expectstaple"),
        (Self::Hpkp, "hpkp"),
        (Self::Network, "nel"),
    ];

    /// The type of the Reporting API; `None` for one that cannot be a type.
    fn of_type(name: &str) -> Option<Self> {
        match name {
            "csp-violation" => Some(Self::Csp),
            "network-error" => Some(Self::Network),
            "" => None,
            other if other.len() > TYPE_LEN_MAX || !other.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') => None,
            other => Some(Self::Other(other.to_ascii_lowercase())),
        }
    }

    /// Under which key an event holds the report: that of Sentry's interfaces, where there is one.
    pub fn key(&self) -> &'static str {
        Self::KEYS.iter().find(|(kind, _)| kind == self).map_or("browser_report", |(_, key)| *key)
    }

    /// The report that an event was made of. Events of other kinds have none.
    pub fn in_event<'a, 'b>(other: &'b Object<'a>) -> Option<(Self, &'b Object<'a>)> {
        let named = other.get("type")?.as_str()?;
        match Self::KEYS.iter().find(|(_, key)| *key == named) {
            Some((kind, key)) => Some((kind.clone(), other.get(key)?.as_object()?)),
            None => Some((Self::of_type(named.strip_prefix("report:")?)?, other.get("browser_report")?.as_object()?)),
        }
    }

    /// The `type` of the event that is made of it.
    pub fn event_type(&self) -> String {
        match self {
            Self::Other(name) => format!("report:{name}"),
            known => known.key().to_owned(),
        }
    }
}

impl<'a> Report<'a> {
    fn of(kind: Kind, body: Object<'a>) -> Self {
        let body = body.into_iter().take(FIELDS_MAX).map(|(name, value)| (snake(&name).into(), value)).collect();
        Self { kind, age: 0, user_agent: None, body }
    }
}

/// `blocked-uri` and `blockedURL` are `blocked_uri`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        snake.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    match snake.as_str() {
        "document_url" => "document_uri".to_owned(),
        "blocked_url" => "blocked_uri".to_owned(),
        "sample" => "script_sample".to_owned(),
        _ => snake,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<Report<'_>> {
        read(split(text.as_bytes()).ok()?.pop()?)
    }

    #[test]
    fn both_forms_of_a_csp_report_have_the_same_fields() {
        let old = one(r#"{"csp-report":{"document-uri":"https://a/","blocked-uri":"inline","script-sample":"x","line-number":3}}"#);
        let new = one(r#"[{"type":"csp-violation","age":12.5,"url":"https://b/","user_agent":"UA",
                 "body":{"documentURL":"https://a/","blockedURL":"inline","sample":"x","lineNumber":3}}]"#);
        let (old, new) = (old.expect("a report"), new.expect("a report"));
        assert_eq!((&old.kind, &old.body), (&new.kind, &new.body));
        assert_eq!((new.age, new.user_agent.as_deref()), (12, Some("UA")));
    }

    #[test]
    fn the_other_kinds_are_told_apart() {
        for (text, key) in [
            (r#"{"expect-ct-report":{"hostname":"a"}}"#, "expectct"),
            (r#"{"expect-staple-report":{"hostname":"a"}}"#, "expectstaple"),
            (r#"{"hostname":"a","known-pins":[]}"#, "hpkp"),
            (r#"{"type":"network-error","body":{"type":"tcp.timed_out"}}"#, "nel"),
            (r#"{"type":"deprecation","body":{"id":"x"}}"#, "browser_report"),
        ] {
            assert_eq!(one(text).map(|report| report.kind.key()), Some(key), "{text}");
        }
        for text in
            [r#"{}"#, r#"{"type":"csp-violation"}"#, r#"{"type":"a b","body":{}}"#, r#"{"csp-report":3}"#, r#"{"type":3,"body":{}}"#]
        {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn bodies_are_bounded() {
        let many = format!("[{}]", vec!["{}"; REPORTS_MAX + 1].join(","));
        assert_eq!(split(many.as_bytes()).err(), Some(SplitError::TooMany));
        for text in ["", "3", "[1]", "{", "[{},null]"] {
            assert_eq!(split(text.as_bytes()).err(), Some(SplitError::NotReports), "{text:?}");
        }
        let wide = format!("{{\"csp-report\":{{{}}}}}", (0..500).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(","));
        assert_eq!(one(&wide).map(|report| report.body.len()), Some(FIELDS_MAX));
        assert_eq!(one(r#"{"type":"x","age":-1e300,"body":{}}"#).map(|report| report.age), Some(0));
        assert_eq!(one(r#"{"type":"x","age":1e300,"body":{}}"#).map(|report| report.age), Some(AGE_MAX));
    }

    #[test]
    fn names_become_snake_case() {
        for (name, expected) in [("effectiveDirective", "effective_directive"), ("status-code", "status_code"), ("serverIP", "server_ip")] {
            assert_eq!(snake(name), expected);
        }
    }
}
