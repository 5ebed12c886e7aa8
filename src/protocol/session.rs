//! Items `session` (one session, perhaps of several updates) and `sessions` (sums by the minute), read leniently.

use time::OffsetDateTime;
use uuid::Uuid;

use super::json::{self, Json, Object};
use super::timestamp;
use crate::domain::app_session::{Counts, State};

/// Most buckets of one `sessions` item (protocol notes, 5.2).
pub const BUCKETS_MAX: usize = 100;
/// Most sessions one bucket may claim: a broken or hostile client must not drown the counts.
const QUANTITY_MAX: i64 = 10_000_000;

/// Whose sessions they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The version, never empty.
    pub release: String,
    /// '' where none was given.
    pub environment: String,
}

/// One session as it was known at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Which; `None` cannot be updated.
    pub session_id: Option<Uuid>,
    /// This is the first of its updates.
    pub is_first: bool,
    /// Nothing more will come.
    pub is_last: bool,
    /// When it began, by the client's clock.
    pub started_at: Option<OffsetDateTime>,
    /// What became of it so far.
    pub state: State,
    /// A word for the person.
    pub person: Option<String>,
    /// Whose.
    pub attributes: Attributes,
}

/// Sessions that began in the same minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The minute.
    pub started_at: Option<OffsetDateTime>,
    /// How many.
    pub counts: Counts,
    /// A word for the person, where they are of one.
    pub person: Option<String>,
}

/// Reads a `session`. An error is the reason of the accounting.
pub fn read(payload: &[u8]) -> Result<Update, &'static str> {
    let fields = json::parse_object(payload).map_err(|_| "unreadable")?;
    let text = |name: &str| fields.get(name).and_then(Json::as_str).unwrap_or_default();
    let errors = fields.get("errors").and_then(Json::as_f64).unwrap_or_default();
    Ok(Update {
        session_id: Uuid::try_parse(text("sid")).ok().filter(|id| !id.is_nil()),
        is_first: matches!(fields.get("init"), Some(Json::Bool(true))),
        is_last: text("status") == "exited",
        started_at: started_at(&fields),
        state: State::of(text("status"), errors > 0.0),
        person: person(&fields),
        attributes: attributes(&fields)?,
    })
}

/// Reads a `sessions`; buckets beyond [`BUCKETS_MAX`] are left out, which the flag tells.
pub fn read_sums(payload: &[u8]) -> Result<(Attributes, Vec<Bucket>, bool), &'static str> {
    let fields = json::parse_object(payload).map_err(|_| "unreadable")?;
    let buckets = fields.get("aggregates").and_then(Json::as_array).ok_or("unreadable")?;
    let read = buckets.iter().filter_map(Json::as_object).take(BUCKETS_MAX).map(bucket).filter(|bucket| bucket.counts.total > 0);
    Ok((attributes(&fields)?, read.collect(), buckets.len() > BUCKETS_MAX))
}

fn bucket(fields: &Object<'_>) -> Bucket {
    let count = |name: &str| fields.get(name).and_then(Json::as_i64).unwrap_or_default().clamp(0, QUANTITY_MAX);
    let mut counts = Counts {
        errored: count("errored"),
        unhandled: count("unhandled"),
        abnormal: count("abnormal"),
        crashed: count("crashed"),
        total: count("exited"),
    };
    counts.total += counts.errored + counts.unhandled + counts.abnormal + counts.crashed;
    Bucket { started_at: started_at(fields), counts, person: person(fields) }
}

fn started_at(fields: &Object<'_>) -> Option<OffsetDateTime> {
    fields.get("started").or_else(|| fields.get("timestamp")).and_then(timestamp::read)
}

fn person(fields: &Object<'_>) -> Option<String> {
    match fields.get("did")? {
        Json::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        number @ Json::Number(_) => Some(number.to_string()),
        _ => None,
    }
}

fn attributes(fields: &Object<'_>) -> Result<Attributes, &'static str> {
    let of = |name: &str| fields.get("attrs").and_then(|attrs| attrs.get(name)).and_then(Json::as_str).unwrap_or_default().trim();
    if of("release").is_empty() {
        return Err("no_release");
    }
    Ok(Attributes { release: of("release").to_owned(), environment: of("environment").to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &str) -> State {
        read(format!("{{\"sid\":\"959084ae-a19a-47ca-9c6f-f3916a75f102\",{text},\"attrs\":{{\"release\":\"a\"}}}}").as_bytes())
            .expect("a session")
            .state
    }

    #[test]
    fn statuses_of_all_sdks_are_understood() {
        assert_eq!(state(r#""status":"ok""#), State::Healthy);
        assert_eq!(state(r#""status":"exited","errors":1"#), State::Errored);
        assert_eq!(state(r#""status":"unhandled","errors":1"#), State::Unhandled);
        assert_eq!(state(r#""status":"shiny","errors":0"#), State::Healthy);
        assert_eq!(state(r#""status":7,"errors":"many""#), State::Healthy);
        assert_eq!(state(r#""status":"crashed""#), State::Crashed);
    }

    #[test]
    fn sums_are_bounded_and_missing_counters_are_none() {
        let read = |text: &str| read_sums(text.as_bytes());
        let (attributes, buckets, cut) =
            read(r#"{"attrs":{"release":" a ","environment":null},"aggregates":[{"started":"2026-11-20T08:28:00Z","exited":4,"crashed":1},{},null,{"exited":-5}]}"#)
                .expect("sums");
        assert_eq!((attributes.release.as_str(), attributes.environment.as_str(), buckets.len(), cut), ("a", "", 1, false));
        assert_eq!((buckets[0].counts.total, buckets[0].counts.crashed, buckets[0].counts.healthy()), (5, 1, 4));
        let many =
            format!(r#"{{"attrs":{{"release":"a"}},"aggregates":[{}]}}"#, [r#"{"exited":1e99}"#, r#"{"exited":1}"#].repeat(80).join(","));
        let (_, buckets, cut) = read(&many).expect("sums");
        assert_eq!((buckets.len(), cut), (50, true));
        assert_eq!(read("{}").err(), Some("unreadable"));
        assert_eq!(read(r#"{"aggregates":[]}"#).err(), Some("no_release"));
    }
}
