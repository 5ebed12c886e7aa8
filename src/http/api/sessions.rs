//! `GET organizations/{org}/sessions/`: how sessions of applications went, over time and by group.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::auth::{Caller, Scope};
use super::error::ApiError;
use super::params::Params;
use super::{lookup, shape};
use crate::domain::app_session::Counts;
use crate::http::Doors;
use crate::store::app_sessions::{self, Hour, HourKey};

/// Most points of a series.
const INTERVALS_MAX: i64 = 1_000;
/// Most hours (of a release and an environment each) that one call adds up: with people, each has up to 6 KiB.
const HOURS_MAX: i64 = 50_000;
const HOURS_WITH_PEOPLE_MAX: i64 = 5_000;
/// Most groups in an answer, the largest first.
const GROUPS_MAX: usize = 200;
const FIELDS: [&str; 7] = [
    "sum(session)",
    "count_unique(user)",
    "crash_rate(session)",
    "crash_free_rate(session)",
    "crash_rate(user)",
    "crash_free_rate(user)",
    "unhandled_rate(session)",
];
const GROUPS: [&str; 4] = ["project", "release", "environment", "session.status"];
/// What a session can have become, in Sentry's words.
const STATUSES: [&str; 5] = ["healthy", "errored", "unhandled", "abnormal", "crashed"];

/// What is asked.
struct Ask {
    fields: Vec<String>,
    groups: Vec<String>,
    start: OffsetDateTime,
    interval: Duration,
    count: usize,
}

/// A group of hours, added up whole and by interval.
struct Group {
    by: BTreeMap<String, String>,
    total: Hour,
    series: Vec<Hour>,
}

/// `GET organizations/{org}/sessions/`
pub async fn show(State(doors): State<Doors>, caller: Caller, Path(org): Path<String>, params: Params) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Organizations)?;
    lookup::organization(&org)?;
    let projects = lookup::chosen_projects(&doors, viewer, &params).await?;
    let ask = Ask::read(&params, doors.clock.now())?;
    let with_people = ask.fields.iter().any(|field| field.ends_with("(user)"));
    let limit = if with_people { HOURS_WITH_PEOPLE_MAX } else { HOURS_MAX };
    let end = ask.start + ask.interval * i32::try_from(ask.count).unwrap_or(0);
    let hours = app_sessions::hours(&doors.db, &projects, (ask.start, end), with_people, limit + 1).await?;
    if i64::try_from(hours.len()).is_ok_and(|count| count > limit) {
        return Err(ApiError::BadRequest("These are too many hours, releases and environments to add up: ask for less time.".to_owned()));
    }
    let wanted = |name: &str| params.all(name).map(str::to_owned).collect::<Vec<_>>();
    let (releases, environments) = (wanted("release"), wanted("environment"));
    let has = |chosen: &[String], value: &str| chosen.is_empty() || chosen.iter().any(|one| one == value);
    let hours = hours.into_iter().filter(|(key, _)| has(&releases, &key.release) && has(&environments, &key.environment));
    let groups = ask.grouped(hours);
    let starts = (0..ask.count).map(|n| json!(shape::timestamp(ask.start + ask.interval * i32::try_from(n).unwrap_or(0))));
    Ok(Json(json!({
        "start": shape::timestamp(ask.start), "end": shape::timestamp(end), "query": "",
        "intervals": starts.collect::<Vec<_>>(), "groups": groups.iter().flat_map(|group| ask.shaped(group)).collect::<Vec<_>>(),
    })))
}

impl Ask {
    fn read(params: &Params, now: OffsetDateTime) -> Result<Self, ApiError> {
        let known = |name: &'static str, allowed: &[&str]| -> Result<Vec<String>, ApiError> {
            let asked: Vec<String> = params.all(name).map(str::to_owned).collect();
            match asked.iter().find(|one| !allowed.contains(&one.as_str())) {
                Some(stranger) => Err(ApiError::BadRequest(format!("Invalid {name}: \"{stranger}\". Known are {}.", allowed.join(", ")))),
                None => Ok(asked),
            }
        };
        let mut fields = known("field", &FIELDS)?;
        if fields.is_empty() {
            fields.push("sum(session)".to_owned());
        }
        let period = params.period()?.unwrap_or(Duration::DAY).max(Duration::HOUR);
        let interval = params.duration("interval")?.unwrap_or(Duration::HOUR);
        if interval < Duration::HOUR || interval.whole_seconds() % 3_600 != 0 {
            return Err(ApiError::BadRequest("Invalid interval: sessions are counted by the hour.".to_owned()));
        }
        let seconds = interval.whole_seconds();
        let count = period.whole_seconds().div_euclid(seconds) + i64::from(period.whole_seconds() % seconds > 0);
        if count > INTERVALS_MAX {
            return Err(ApiError::BadRequest(format!("At most {INTERVALS_MAX} intervals: choose a longer interval or less time.")));
        }
        // The last one holds the present.
        let last = now.unix_timestamp().div_euclid(seconds) * seconds;
        let start = OffsetDateTime::from_unix_timestamp(last - (count - 1) * seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(Self { fields, groups: known("groupBy", &GROUPS)?, start, interval, count: usize::try_from(count).unwrap_or(0) })
    }

    fn grouped(&self, hours: impl Iterator<Item = (HourKey, Hour)>) -> Vec<Group> {
        let mut groups: BTreeMap<BTreeMap<String, String>, Group> = BTreeMap::new();
        for (key, hour) in hours {
            let values = [("project", key.project_id.to_string()), ("release", key.release), ("environment", key.environment)];
            let is_asked = |name: &str| self.groups.iter().any(|group| group == name);
            let by: BTreeMap<_, _> =
                values.into_iter().filter(|(name, _)| is_asked(name)).map(|(name, value)| (name.to_owned(), value)).collect();
            let group =
                groups.entry(by.clone()).or_insert_with(|| Group { by, total: Hour::default(), series: vec![Hour::default(); self.count] });
            let place = (key.hour - self.start).whole_seconds().div_euclid(self.interval.whole_seconds());
            group.total.join(&hour);
            if let Some(interval) = usize::try_from(place).ok().and_then(|place| group.series.get_mut(place)) {
                interval.join(&hour);
            }
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.total.counts.total));
        groups.truncate(GROUPS_MAX);
        groups
    }

    /// One group, or one for each status.
    fn shaped(&self, group: &Group) -> Vec<Value> {
        let statuses: Vec<Option<&str>> =
            if self.groups.iter().any(|name| name == "session.status") { STATUSES.iter().copied().map(Some).collect() } else { vec![None] };
        let one = |status: Option<&'static str>| {
            let mut by: Map<String, Value> = group.by.iter().map(|(name, value)| (name.clone(), grouped_by(name, value))).collect();
            if let Some(status) = status {
                by.insert("session.status".to_owned(), json!(status));
            }
            let totals: Map<String, Value> = self.fields.iter().map(|field| (field.clone(), number(field, &group.total, status))).collect();
            let series: Map<String, Value> = self
                .fields
                .iter()
                .map(|field| (field.clone(), group.series.iter().map(|hour| number(field, hour, status)).collect::<Vec<_>>().into()))
                .collect();
            json!({ "by": by, "totals": totals, "series": series })
        };
        let named = |status: Option<&str>| status.and_then(|status| STATUSES.iter().copied().find(|known| *known == status));
        statuses.into_iter().map(|status| one(named(status))).collect()
    }
}

/// Projects are numbers, as Sentry has them.
fn grouped_by(name: &str, value: &str) -> Value {
    if name == "project" { value.parse::<i64>().map_or(Value::Null, Value::from) } else { json!(value) }
}

fn number(field: &str, hour: &Hour, status: Option<&str>) -> Value {
    let rate = |part: i64, whole: i64| if whole > 0 && status.is_none() { json!(share(part, whole)) } else { Value::Null };
    let (counts, people) = (&hour.counts, (hour.users.count(), hour.crashed_users.count()));
    match field {
        "sum(session)" => json!(of_status(counts, status)),
        "count_unique(user)" => json!(people_of_status(hour, status)),
        "crash_rate(session)" => rate(counts.crashed, counts.total),
        "crash_free_rate(session)" => rate(counts.total - counts.crashed, counts.total),
        "unhandled_rate(session)" => rate(counts.crashed + counts.unhandled, counts.total),
        "crash_rate(user)" => rate(people.1.min(people.0), people.0),
        _ => rate((people.0 - people.1).max(0), people.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

fn of_status(counts: &Counts, status: Option<&str>) -> i64 {
    match status {
        None => counts.total,
        Some("errored") => counts.errored,
        Some("unhandled") => counts.unhandled,
        Some("abnormal") => counts.abnormal,
        Some("crashed") => counts.crashed,
        Some(_) => counts.healthy(),
    }
}

/// Of people it is known who had a crash and who had anything else that went wrong, not what: that is all under `errored`.
fn people_of_status(hour: &Hour, status: Option<&str>) -> i64 {
    let (all, errored, crashed) = (hour.users.count(), hour.errored_users.count(), hour.crashed_users.count());
    match status {
        None => all,
        Some("crashed") => crashed,
        Some("errored") => (errored - crashed).max(0),
        Some("healthy") => (all - errored).max(0),
        Some(_) => 0,
    }
}
