//! Items `check_in`: a job tells that it runs, or how it went; perhaps with its schedule.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::json::{self, Json};

/// Longest slug, in characters (protocol notes, 6.7).
const SLUG_LEN_MAX: usize = 50;
/// Longest of the other texts, in characters.
const TEXT_LEN_MAX: usize = 200;
/// Longest duration that is believed, in seconds: a year.
const DURATION_MAX: f64 = 31_536_000.0;
/// Numbers of a schedule, in minutes or times.
const NUMBERS: [&str; 4] = ["checkin_margin", "max_runtime", "failure_issue_threshold", "recovery_threshold"];
const UNITS: [&str; 6] = ["year", "month", "week", "day", "hour", "minute"];

/// What a job tells.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckIn {
    /// Which run; `None`: the latest that is in progress, else a new one.
    pub id: Option<Uuid>,
    /// Which job: lower case, dashes.
    pub slug: String,
    /// `in_progress`, `ok` or `error`.
    pub status: &'static str,
    /// In milliseconds.
    pub duration_ms: Option<i64>,
    /// '' where none was given.
    pub environment: String,
    /// Of which version.
    pub release: Option<String>,
    /// 32 hexadecimal digits.
    pub trace_id: Option<String>,
    /// When it should run, in the protocol's own names.
    pub config: Option<Value>,
}

/// Reads a check-in. An error is the reason of the accounting.
pub fn read(payload: &[u8]) -> Result<CheckIn, &'static str> {
    let fields = json::parse_object(payload).map_err(|_| "unreadable")?;
    let text = |name: &str| fields.get(name).and_then(Json::as_str).unwrap_or_default().trim();
    let cut = |text: &str| text.chars().take(TEXT_LEN_MAX).collect::<String>();
    let slug = slugify(text("monitor_slug"));
    if slug.is_empty() {
        return Err("no_slug");
    }
    let trace = fields.get("contexts").and_then(|contexts| contexts.get("trace")).and_then(|trace| trace.get("trace_id")?.as_str());
    Ok(CheckIn {
        id: Uuid::try_parse(text("check_in_id")).ok().filter(|id| !id.is_nil()),
        slug,
        status: status(text("status")).ok_or("unknown_status")?,
        duration_ms: fields.get("duration").and_then(Json::as_f64).and_then(millis),
        environment: cut(text("environment")),
        release: Some(cut(text("release"))).filter(|release| !release.is_empty()),
        trace_id: trace.and_then(|trace| Uuid::try_parse(trace).ok()).map(|trace| trace.simple().to_string()),
        config: fields.get("monitor_config").and_then(config),
    })
}

/// A status that a client can send.
pub fn status(name: &str) -> Option<&'static str> {
    ["in_progress", "ok", "error"].into_iter().find(|known| *known == name)
}

/// `Queue sweep` is `queue-sweep`.
pub fn slugify(raw: &str) -> String {
    let mut slug = String::new();
    for c in raw.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' | '_' => slug.push(c),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
        if slug.len() >= SLUG_LEN_MAX {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[expect(clippy::cast_possible_truncation, reason = "it is within a year")]
fn millis(seconds: f64) -> Option<i64> {
    (0.0..=DURATION_MAX).contains(&seconds).then(|| (seconds * 1_000.0).round() as i64)
}

/// What is known of a schedule; `None` where there is none that could be kept to.
fn config(sent: &Json<'_>) -> Option<Value> {
    let schedule = sent.get("schedule")?;
    let schedule = match schedule.get("type")?.as_str()? {
        "crontab" => {
            let line = schedule.get("value")?.as_str()?.trim();
            let is_line = line.split_whitespace().count() == 5 || line.starts_with('@');
            Some(json!({ "type": "crontab", "value": line })).filter(|_| is_line && line.len() <= 100)?
        }
        "interval" => {
            let value = schedule.get("value")?.as_i64().filter(|value| (1..=100_000).contains(value))?;
            let unit = schedule.get("unit")?.as_str().filter(|unit| UNITS.contains(unit))?;
            json!({ "type": "interval", "value": value, "unit": unit })
        }
        _ => return None,
    };
    let mut config = Map::from_iter([("schedule".to_owned(), schedule)]);
    for name in NUMBERS {
        if let Some(number) = sent.get(name).and_then(Json::as_i64).filter(|number| (0..=1_000_000).contains(number)) {
            config.insert(name.to_owned(), json!(number));
        }
    }
    if let Some(zone) = sent.get("timezone").and_then(Json::as_str).filter(|zone| zone.len() <= 60) {
        config.insert("timezone".to_owned(), json!(zone));
    }
    Some(config.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_of_anything() {
        for (raw, slug) in
            [("queue sweep", "queue-sweep"), ("  Nightly/Export!! ", "nightly-export"), ("ä", ""), ("a_b-c", "a_b-c"), ("--", "")]
        {
            assert_eq!(slugify(raw), slug);
        }
        assert_eq!(slugify(&"x y ".repeat(50)).len(), 49);
    }

    #[test]
    fn odd_fields_cost_themselves_only() {
        let read = |text: &str| read(text.as_bytes());
        let found = read(
            r#"{"monitor_slug":"a","status":"ok","duration":-1,"check_in_id":"00000000000000000000000000000000","environment":7,
            "contexts":{"trace":{"trace_id":"x"}},"monitor_config":{"schedule":{"type":"crontab","value":"* *"}}}"#,
        )
        .expect("a check-in");
        assert_eq!((found.id, found.duration_ms, found.trace_id, found.config, found.environment.as_str()), (None, None, None, None, ""));
        assert_eq!(read(r#"{"monitor_slug":"a","status":"missed"}"#), Err("unknown_status"));
        assert_eq!(read(r#"{"status":"ok"}"#), Err("no_slug"));
        assert_eq!(read("[]"), Err("unreadable"));
    }
}
