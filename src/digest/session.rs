//! Sessions of applications: what an item adds, and what a batch adds to the database.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::failure::Failure;
use super::item::Cx;
use super::reading::Reading;
use crate::domain::app_session::{Counts, State};
use crate::domain::ids::ProjectId;
use crate::domain::outcome::Outcome;
use crate::pipeline::scrub;
use crate::protocol::category::Category;
use crate::protocol::session::{self, Attributes};
use crate::store::app_sessions::{self, Hour, HourKey, Known, SessionKey};
use crate::store::counters::{self, OTHER, environments, releases};
use crate::store::text::clean_cut;
use crate::store::{Tx, counters::projects::HeldProject};

/// Most sessions of one envelope (protocol notes, 5.2).
const SESSIONS_MAX: usize = 100;
/// A session that began longer ago is not counted: it would not be known whether it was counted before.
const AGE_MAX: Duration = Duration::days(5);
/// How long a session is remembered after its last word.
const ENDED_KEPT: Duration = Duration::DAY;
/// A client's clock is believed up to this difference to ours (protocol notes, 7.8).
const DRIFT_MIN: Duration = Duration::minutes(55);
/// Longest release and environment, in bytes: they are part of an index.
const NAME_LEN_MAX: usize = 200;

/// What one item says about sessions.
#[derive(Clone, Debug)]
pub struct Told {
    /// Where it is counted, unless it was counted before.
    pub key: HourKey,
    /// One session that may have been counted before.
    pub session_id: Option<Uuid>,
    /// No other update of it was or will be sent.
    pub is_whole: bool,
    /// How long to remember it.
    pub expires_at: OffsetDateTime,
    /// What became of one session.
    pub state: State,
    /// How many: 1 of the state, or sums.
    pub counts: Counts,
    /// Who, as a hash.
    pub person: Option<u64>,
}

/// Reads a `session`.
pub fn read(payload: &[u8], cx: &Cx<'_>, reading: &mut Reading) {
    if reading.sessions.len() >= SESSIONS_MAX {
        return reading.tally(Category::Session, Outcome::Invalid("too_many"), 1);
    }
    let told = session::read(payload).and_then(|update| {
        let mut counts = Counts { total: 1, ..Counts::default() };
        counts.shift(update.state, 1);
        let kept = if update.is_last { ENDED_KEPT } else { AGE_MAX + Duration::DAY };
        Ok(Told {
            key: key(&update.attributes, update.started_at, cx)?,
            session_id: update.session_id,
            is_whole: update.session_id.is_none() || update.is_first && update.is_last,
            expires_at: cx.receipt.received_at + kept,
            state: update.state,
            counts,
            person: update.person.as_deref().map(hash),
        })
    });
    match told {
        Ok(told) => {
            reading.tally(Category::Session, Outcome::Stored, 1);
            reading.sessions.push(told);
        }
        Err(reason) => reading.tally(Category::Session, Outcome::Invalid(reason), 1),
    }
}

/// Reads a `sessions`. The item is one, whatever it sums up; it is stored only if all of it could be.
pub fn read_sums(payload: &[u8], cx: &Cx<'_>, reading: &mut Reading) {
    let (attributes, buckets, is_cut) = match session::read_sums(payload) {
        Ok(read) => read,
        Err(reason) => return reading.tally(Category::Session, Outcome::Invalid(reason), 1),
    };
    let mut fault = is_cut.then_some("too_many");
    for bucket in buckets {
        match key(&attributes, bucket.started_at, cx) {
            Err(reason) => fault = Some(reason),
            Ok(key) => reading.sessions.push(Told {
                key,
                session_id: None,
                is_whole: true,
                expires_at: cx.receipt.received_at,
                state: worst(&bucket.counts),
                counts: bucket.counts,
                person: bucket.person.as_deref().map(hash),
            }),
        }
    }
    reading.tally(Category::Session, fault.map_or(Outcome::Stored, Outcome::Invalid), 1);
}

/// The hour in which it began, by our clock.
fn key(attributes: &Attributes, started_at: Option<OffsetDateTime>, cx: &Cx<'_>) -> Result<HourKey, &'static str> {
    let received_at = cx.receipt.received_at;
    let drift = cx.sent_at.map_or(Duration::ZERO, |sent_at| received_at - sent_at);
    let drift = if drift.abs() >= DRIFT_MIN { drift } else { Duration::ZERO };
    let began = started_at.unwrap_or(received_at);
    let began = began.checked_add(drift).unwrap_or(began).min(received_at);
    if received_at - began > AGE_MAX {
        return Err("too_old");
    }
    let name = |text: &str| clean_cut(&scrub::line(text, &cx.rules.scrub), NAME_LEN_MAX);
    let (release, environment) = (name(&attributes.release), name(&attributes.environment));
    Ok(HourKey { project_id: cx.receipt.project_id, hour: counters::hour(began), release, environment })
}

fn worst(counts: &Counts) -> State {
    match counts {
        Counts { crashed: 1.., .. } => State::Crashed,
        _ if counts.healthy() < counts.total => State::Errored,
        _ => State::Healthy,
    }
}

/// Nobody's name is stored, only that somebody was there.
fn hash(person: &str) -> u64 {
    let digest = Sha256::digest(person.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// Counts what the readings tell.
pub async fn count(tx: &mut Tx, readings: &[Reading], projects: &HashMap<ProjectId, HeldProject>) -> Result<(), Failure> {
    let told = readings.iter().flat_map(|reading| &reading.sessions).filter(|told| projects.contains_key(&told.key.project_id));
    let mut told: Vec<Told> = told.cloned().collect();
    if told.is_empty() {
        return Ok(());
    }
    name_others(tx, &mut told).await?;
    let ids: BTreeSet<_> = told.iter().filter_map(|told| Some((told.key.project_id, told.session_id?))).collect();
    let mut known = app_sessions::lock(tx, &ids.into_iter().collect::<Vec<_>>()).await?;
    let mut fresh: BTreeSet<SessionKey> = BTreeSet::new();
    let mut changed: BTreeSet<SessionKey> = BTreeSet::new();
    let mut hours: BTreeMap<HourKey, Hour> = BTreeMap::new();
    for told in &told {
        let id = told.session_id.map(|id| (told.key.project_id, id));
        match id.and_then(|id| known.get_mut(&id).map(|known| (id, known))) {
            Some((id, before)) => {
                let hour = hours.entry(before.key.clone()).or_default();
                if told.state > before.state {
                    hour.counts.shift(before.state, -1);
                    hour.counts.shift(told.state, 1);
                    before.state = told.state;
                }
                before.expires_at = told.expires_at;
                note_person(hour, before.state, told.person);
                changed.insert(id);
            }
            None => {
                let hour = hours.entry(told.key.clone()).or_default();
                hour.counts.join(&told.counts);
                note_person(hour, told.state, told.person);
                if let Some(id) = id.filter(|_| !told.is_whole) {
                    known.insert(id, Known { key: told.key.clone(), state: told.state, expires_at: told.expires_at });
                    fresh.insert(id);
                }
            }
        }
    }
    let rows = |ids: &BTreeSet<SessionKey>| ids.iter().filter_map(|id| Some((*id, known.get(id)?.clone()))).collect::<Vec<_>>();
    changed.retain(|id| !fresh.contains(id));
    if app_sessions::insert(tx, &rows(&fresh)).await? != fresh.len() as u64 {
        return Err(Failure::Race); // another node has just counted one of them
    }
    app_sessions::update(tx, &rows(&changed)).await?;
    Ok(app_sessions::add(tx, &hours).await?)
}

fn note_person(hour: &mut Hour, state: State, person: Option<u64>) {
    let Some(person) = person else { return };
    hour.users.add(person);
    if state > State::Healthy {
        hour.errored_users.add(person);
    }
    if state == State::Crashed {
        hour.crashed_users.add(person);
    }
}

/// What is beyond the number of releases and environments that a project can have is counted together.
async fn name_others(tx: &mut Tx, told: &mut [Told]) -> Result<(), Failure> {
    let (mut versions, mut names) = (BTreeMap::new(), BTreeMap::new());
    for HourKey { project_id, hour, release, environment } in told.iter().map(|told| &told.key) {
        let seen = releases::Seen { event_count: 0, first_seen_at: *hour, last_seen_at: *hour };
        versions.entry((*project_id, release.clone())).and_modify(|known: &mut releases::Seen| known.join(seen)).or_insert(seen);
        if !environment.is_empty() {
            let times = names.entry((*project_id, environment.clone())).or_insert((*hour, *hour));
            *times = (times.0.min(*hour), times.1.max(*hour));
        }
    }
    let versions = releases::add_to_projects(tx, &versions).await?;
    let names = environments::upsert(tx, &names).await?;
    for key in told.iter_mut().map(|told| &mut told.key) {
        if !versions.contains(&(key.project_id, key.release.clone())) {
            key.release = OTHER.to_owned();
        }
        if !key.environment.is_empty() && !names.contains(&(key.project_id, key.environment.clone())) {
            key.environment = OTHER.to_owned();
        }
    }
    Ok(())
}
