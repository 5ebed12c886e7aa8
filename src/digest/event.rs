//! An error or a message: read, normalize, scrub, fingerprint, title, compress.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::feedback;
use super::item::{Cx, Lead};
use super::letter as letters;
use super::reading::Reading;
use super::sighting::{Sighting, Timing};
use crate::domain::event_id::EventId;
use crate::domain::filters::{Facts, Filter};
use crate::domain::outcome::Outcome;
use crate::pipeline::normalize::{self, Arrival};
use crate::pipeline::scrub;
use crate::protocol::category::Category;
use crate::protocol::event::{self as protocol, Event, Json};
use crate::protocol::receipt::BodyForm;
use crate::protocol::security_report::Kind;
use crate::store::dead_letters::NewDeadLetter;

/// Events that happened this long before they arrived are counted but nobody is told (alerting rules, section 1).
const OLD: Duration = Duration::minutes(15);
/// A client's clock is believed up to this difference to ours (protocol notes, 7.8).
const DRIFT_MIN: Duration = Duration::minutes(55);

/// Where an event comes from.
pub enum Source<'a> {
    /// From an SDK, with `sent_at` of its envelope.
    Sent {
        /// The payload.
        json: &'a [u8],
        /// By the client's clock.
        sent_at: Option<OffsetDateTime>,
    },
    /// From a dead letter, normalized and scrubbed before.
    Stored {
        /// `protocol::event::Event` as JSON.
        json: &'a [u8],
    },
}

impl Source<'_> {
    fn sent_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Sent { sent_at, .. } => *sent_at,
            Self::Stored { .. } => None,
        }
    }
}

/// Adds an event to the reading, or the dead letter it becomes, or counts that a filter of the project dropped it. What its payload calls feedback or a transaction ends as that: older SDKs
/// and `capture_event` send everything as an event. Tells what an envelope with it is about.
pub fn read(source: &Source<'_>, cx: &Cx<'_>, reading: &mut Reading) -> Lead {
    let event = match open(source, cx) {
        Ok(event) => event,
        Err(reason) => {
            let json = match source {
                Source::Sent { json, .. } | Source::Stored { json } => json,
            };
            reading.give_up(Category::Error, letter(json, cx, reason));
            return Lead::Kept;
        }
    };
    match event.other.get("type").and_then(Json::as_str) {
        Some("feedback") => feedback::keep_event(event, source.sent_at(), cx, reading),
        // With an exception it is an error, whatever it is called.
        Some("transaction") if event.exceptions.is_empty() => {
            reading.tally(Category::Transaction, Outcome::Unsupported, 1);
            return Lead::Unkept;
        }
        _ => match understand(event, source, cx) {
            Ok(sighting) => reading.sightings.push(sighting),
            Err((category, filter)) => {
                reading.tally(category, Outcome::Filtered(filter.name()), 1);
                return Lead::Dropped(filter);
            }
        },
    }
    Lead::Kept
}

fn open<'a>(source: &Source<'a>, cx: &Cx<'_>) -> Result<Event<'a>, String> {
    match source {
        Source::Sent { json, .. } if json.len() > cx.settings.event_bytes => {
            Err(format!("the event has {} bytes, {} are taken", json.len(), cx.settings.event_bytes))
        }
        Source::Sent { json, .. } => protocol::read(json).map_err(|error| error.to_string()),
        Source::Stored { json } => protocol::from_stored(json).map_err(|error| error.to_string()),
    }
}

fn understand(mut event: Event<'_>, source: &Source<'_>, cx: &Cx<'_>) -> Result<Sighting, (Category, Filter)> {
    let sent_at = source.sent_at();
    let received_at = cx.receipt.received_at;
    let is_old = event.timestamp.is_some_and(|claimed| received_at - corrected(claimed, sent_at, received_at) > OLD);
    let event_id = id(&event, cx);
    event.event_id = Some(event_id);
    if event.received.is_none() || matches!(source, Source::Sent { .. }) {
        scrub::names(&mut event, &cx.rules.scrub);
        normalize::event(&mut event, &arrival(cx, sent_at));
        if let Some(geoip) = cx.settings.geoip {
            normalize::places::fill(&mut event, |address| geoip.lookup(address));
        }
    }
    // Before scrubbing: addresses that are not kept can still be filtered by.
    if cx.rules.filters.is_any()
        && let Some(filter) =
            cx.rules.filters.decide(&Facts { sender: cx.receipt.client_ip.as_deref().unwrap_or_default(), ..event.facts() })
    {
        cx.fates.note((cx.receipt.project_id, event_id), Outcome::Filtered(filter.name()));
        return Err((category_of(&event), filter));
    }
    scrub::event(&mut event, &cx.rules.scrub);
    let timing = Timing { received_at, clean: !is_old, retention: cx.settings.retention };
    let project = cx.receipt.project_id;
    Ok(Sighting::of(project, event, &cx.rules.grouping, timing, cx.packer, cx.versions.of(project)))
}

/// What an event is accounted as.
pub fn category_of(event: &Event<'_>) -> Category {
    if Kind::in_event(&event.other).is_some() { Category::Security } else { Category::Error }
}

/// How an event of this request came here.
pub fn arrival(cx: &Cx<'_>, sent_at: Option<OffsetDateTime>) -> Arrival {
    Arrival {
        received_at: cx.receipt.received_at,
        sent_at,
        client_ip: cx.receipt.client_ip.clone(),
        user_agent: cx.receipt.user_agent.clone(),
    }
}

/// What the client claims, moved by how wrong its clock is. Unlike normalization this keeps times that are too far away to be shown.
fn corrected(claimed: OffsetDateTime, sent_at: Option<OffsetDateTime>, received_at: OffsetDateTime) -> OffsetDateTime {
    let drift = sent_at.map_or(Duration::ZERO, |sent_at| received_at - sent_at);
    if drift.abs() >= DRIFT_MIN { claimed.checked_add(drift).unwrap_or(claimed) } else { claimed }
}

/// The id the SDK was answered, else the event's own, else the one made at the door. Further events of an envelope that bring none get
/// one that is the same at every replay.
fn id(event: &Event, cx: &Cx<'_>) -> EventId {
    if cx.event_count == 0 {
        return cx.answered_id.or(event.event_id).unwrap_or(cx.receipt.event_id);
    }
    event.event_id.filter(|own| Some(*own) != cx.answered_id).unwrap_or_else(|| {
        let seed = Sha256::new().chain_update(cx.receipt.event_id.0.as_bytes()).chain_update(cx.event_count.to_le_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&seed[..16]);
        EventId(Uuid::from_bytes(bytes))
    })
}

/// The dead letter of an event: scrubbed if it can be read at all, as it came where not even that works.
pub fn letter(json: &[u8], cx: &Cx<'_>, reason: String) -> NewDeadLetter {
    let readable = catch_unwind(AssertUnwindSafe(|| {
        let mut event = protocol::read(json).ok()?;
        event.event_id = Some(id(&event, cx));
        scrub::event(&mut event, &cx.rules.scrub);
        Some((event.event_id, protocol::to_stored(&event)))
    }));
    match readable.ok().flatten() {
        Some((event_id, scrubbed)) => letters::of_body(cx.receipt, BodyForm::Stored, event_id, "event", &scrubbed, reason),
        None => {
            let receipt = crate::protocol::receipt::Receipt { encoding: String::new(), ..cx.receipt.clone() };
            letters::of_body(&receipt, BodyForm::Store, cx.answered_id, "event", json, reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_wrong_clock_does_not_make_events_old() {
        let received_at = datetime!(2026-11-20 12:00 UTC);
        let year_ago = datetime!(2025-11-20 12:00 UTC);
        assert_eq!(corrected(year_ago, Some(year_ago), received_at), received_at);
        assert_eq!(corrected(year_ago, None, received_at), year_ago);
        let queued = datetime!(2026-11-20 10:00 UTC);
        assert_eq!(corrected(queued, Some(received_at), received_at), queued);
    }
}
