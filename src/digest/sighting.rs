//! What one event adds to the database, in the columns' own words: bounded, without NUL, ready to be stored.

use time::{Duration, OffsetDateTime};

use super::event::category_of;
use super::grouping::{self, Grouped};
use super::versions::Wanted;
use crate::domain::event_id::EventId;
use crate::domain::fingerprint::{Fingerprint, Hash, Memory};
use crate::domain::grouping_rules::GroupingRules;
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::person::Person;
use crate::pipeline::title::{self, Title};
use crate::protocol::category::Category;
use crate::protocol::event::{self, Event, Grouping, User};
use crate::store::counters::tags::Tags;
use crate::store::events::NewEvent;
use crate::store::issue_state::{Advance, Latest, NewIssue};
use crate::store::payload::packer::{Packed, Packer};
use crate::store::text::{clean, clean_cut};

/// Longest title of an event, in characters.
const TITLE_LEN_MAX: usize = 256;
/// Longest environment, release and tag, in bytes; they are part of indexes.
const NAME_LEN_MAX: usize = 400;
/// Longest of the other texts, in bytes.
const TEXT_LEN_MAX: usize = 1_024;

/// When an event arrived and what follows from it.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Arrival.
    pub received_at: OffsetDateTime,
    /// Not old: it may tell somebody something.
    pub clean: bool,
    /// How long events are kept.
    pub retention: Duration,
}

/// One event, ready to be stored.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Where.
    pub project_id: ProjectId,
    /// Which.
    pub event_id: EventId,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// When it happened, within the retention and not after its arrival.
    pub occurred_at: OffsetDateTime,
    /// Not old: it may tell somebody something.
    pub clean: bool,
    /// `domain::level::Level::number`.
    pub level: i16,
    /// Deployment it happened in.
    pub environment: Option<String>,
    /// Version it happened in.
    pub release: Option<String>,
    /// Each key once.
    pub tags: Tags,
    /// Who was affected.
    pub person: Option<Person>,
    /// What it is accounted as: `error`, or `security` for what browsers report.
    pub category: Category,
    /// Version of the fingerprint.
    pub algorithm: i16,
    /// At least one, the first that is known decides.
    pub hashes: Vec<Hash>,
    /// Of earlier versions, where the project may have some: they lead to issues and are attached to none.
    pub older_hashes: Vec<Hash>,
    /// What is compared with others where no hash is known.
    pub memory: Memory,
    /// The event's JSON as it is stored: a fifth of the memory in which a sighting waits for its batch.
    pub packed: Packed,
    kind: &'static str,
    title: Title,
    whole_title: String,
    logger: String,
    platform: String,
    handled: Option<bool>,
    transaction: Option<String>,
    user_label: Option<String>,
    trace_id: Option<String>,
    has_context: i16,
}

impl Sighting {
    /// Reads off an event that is normalized and scrubbed, and stores with it why it is grouped as it is.
    pub fn of(project_id: ProjectId, mut event: Event, rules: &GroupingRules, timing: Timing, packer: &Packer, wanted: Wanted) -> Self {
        let Grouped { fingerprint, older_hashes, ruled } = grouping::of(&mut event, rules, wanted);
        let Fingerprint { version, hashes, explanation, memory } = fingerprint;
        event.grouping = Some(Grouping { version, explanation });
        let event = &event;
        let title = bounded(title::ruled(title::of(event), ruled.and_then(|ruled| ruled.title)));
        Self {
            project_id,
            event_id: event.event_id.unwrap_or_else(EventId::random),
            received_at: timing.received_at,
            occurred_at: occurred_at(event.timestamp, timing),
            clean: timing.clean,
            level: event.level.unwrap_or_default().number(),
            environment: name(event.environment.as_deref()),
            release: name(event.release.as_deref()),
            tags: Tags::counted(event.tags.iter().map(|(key, value)| (key, value))),
            person: event.user.as_ref().and_then(User::person),
            category: category_of(event),
            algorithm: version,
            hashes: if hashes.is_empty() { vec![Hash::default()] } else { hashes },
            older_hashes,
            memory,
            packed: event::with_stored(event, |json, locals| packer.pack(project_id, json, locals)),
            kind: if event.exceptions.is_empty() && event.threads.is_empty() { "default" } else { "error" },
            whole_title: whole(&title),
            title,
            logger: clean_cut(event.logger.as_deref().unwrap_or_default(), NAME_LEN_MAX),
            platform: clean_cut(&event.platform, NAME_LEN_MAX),
            handled: event.exceptions.last().and_then(|exception| exception.mechanism.as_ref()?.handled),
            transaction: event.transaction.as_deref().map(|text| clean_cut(text, TEXT_LEN_MAX)),
            user_label: label(event.user.as_ref()),
            trace_id: trace_id(event),
            has_context: has_context(event),
        }
    }

    /// `Type: first line`, or what there is of it.
    pub fn says(&self) -> &str {
        &self.whole_title
    }

    /// The row of the event.
    pub fn row(&self, issue_id: IssueId, hash: Hash) -> NewEvent<'_> {
        NewEvent {
            project_id: self.project_id,
            event_id: self.event_id,
            issue_id,
            received_at: self.received_at,
            occurred_at: self.occurred_at,
            level: self.level,
            title: &self.whole_title,
            environment: self.environment.as_deref(),
            release: self.release.as_deref(),
            transaction: self.transaction.as_deref(),
            user_label: self.user_label.as_deref(),
            trace_id: self.trace_id.as_deref(),
            has_context: self.has_context,
            hash,
            dictionary_id: self.packed.dictionary_id,
            payload: &self.packed.payload,
        }
    }

    /// The issue that this event is the first of.
    pub fn found(&self, advance: Advance) -> NewIssue {
        NewIssue {
            kind: self.kind,
            type_name: self.title.kind.clone(),
            value: self.title.value.clone(),
            logger: self.logger.clone(),
            platform: self.platform.clone(),
            advance,
        }
    }

    /// What an issue shows of it while it is the latest.
    pub fn latest(&self) -> Latest {
        Latest {
            level: self.level,
            culprit: self.title.culprit.clone(),
            location: self.title.location.clone(),
            function: self.title.function.clone(),
            handled: self.handled,
            release: self.release.clone(),
        }
    }
}

fn occurred_at(claimed: Option<OffsetDateTime>, timing: Timing) -> OffsetDateTime {
    claimed.unwrap_or(timing.received_at).clamp(timing.received_at - timing.retention, timing.received_at)
}

fn bounded(title: Title) -> Title {
    let cut = |text: String| clean_cut(&text, TEXT_LEN_MAX);
    Title {
        kind: cut(title.kind),
        value: cut(title.value),
        culprit: cut(title.culprit),
        location: cut(title.location),
        function: cut(title.function),
    }
}

/// `Type: first line`, or what there is of it.
fn whole(title: &Title) -> String {
    let whole = match (title.kind.as_str(), title.value.as_str()) {
        ("", "") => "(no message)".to_owned(),
        ("", value) => value.to_owned(),
        (kind, "") => kind.to_owned(),
        (kind, value) => format!("{kind}: {value}"),
    };
    whole.chars().take(TITLE_LEN_MAX).collect()
}

fn name(raw: Option<&str>) -> Option<String> {
    raw.map(|raw| clean_cut(raw.trim(), NAME_LEN_MAX)).filter(|name| !name.is_empty())
}

fn label(user: Option<&User>) -> Option<String> {
    let user = user?;
    let names = [&user.email, &user.username, &user.name, &user.id, &user.ip_address];
    names.into_iter().filter_map(User::kept).find(|name| !name.is_empty()).map(|name| clean_cut(name, NAME_LEN_MAX))
}

fn trace_id(event: &Event) -> Option<String> {
    let raw = event.contexts.get("trace")?.get("trace_id")?.as_str()?;
    let hex: String = clean(raw).chars().filter(|c| *c != '-').collect();
    (hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| hex.to_ascii_lowercase())
}

/// One point each for request, user, locals and trace: the event with most of them is the one worth opening.
fn has_context(event: &Event) -> i16 {
    let has_locals = event.exceptions.iter().flat_map(|exception| exception.frames()).any(|frame| !frame.vars.is_empty());
    [event.request.is_some(), event.user.is_some(), has_locals, event.contexts.contains_key("trace")].into_iter().map(i16::from).sum()
}
