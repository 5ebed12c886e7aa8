//! What limits mean for a request: all of it is refused, or some items, or nothing; and how what was refused gets into the accounting.

use anyhow::Context;
use axum::body::Bytes;
use time::OffsetDateTime;

use super::inspect::{self, Inspected};
use super::limiter::{Defaults, Sender, Silence};
use super::refusal::Refusal;
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;
use crate::domain::rate_limit::{self, Quota};
use crate::http::Doors;
use crate::protocol::category::Category;
use crate::protocol::receipt::{BodyForm, Receipt};
use crate::protocol::refused;

/// Who sends, and how much they may.
pub fn sender(doors: &Doors, project: ProjectId, public_key: &str) -> Sender {
    let rates = doors.config.rates;
    let defaults = Defaults {
        key: Quota { minute: rates.key_minute, hour: rates.key_hour },
        project: Quota { minute: rates.project_minute, hour: rates.project_hour },
    };
    Sender::new(project, public_key, doors.keys.limits_of(public_key), defaults)
}

/// Before anything is received: where the address tells what it will be, and there is no room for one more of it.
pub fn before_body(doors: &Doors, sender: &Sender, category: Category, now: OffsetDateTime) -> Result<(), Refusal> {
    if !matches!(category, Category::Error | Category::Security) || !sender.is_limited() {
        return Ok(());
    }
    let limiter = &doors.ingest.limiter;
    match limiter.exhausted(sender, category, now) {
        None => Ok(()),
        Some(limit) => {
            limiter.note(sender, limit, category, now);
            let seconds = rate_limit::silence(limit.period, now);
            Err(Refusal::Limited(vec![Silence { category, limit, seconds }]))
        }
    }
}

/// A body that limits have looked at.
pub struct Passed {
    /// What is left of it.
    pub body: Bytes,
    /// Items were left out: the body is no longer encoded.
    pub is_rewritten: bool,
    /// Items that are left.
    pub item_count: u64,
    /// What the sender should keep to itself from now on.
    pub silences: Vec<Silence>,
}

/// Judges the items and leaves out those that are beyond a limit. Refused where none is left.
pub fn pass(
    doors: &Doors,
    sender: &Sender,
    inspected: &Inspected,
    encoding: &str,
    body: Bytes,
    now: OffsetDateTime,
) -> Result<Passed, Refusal> {
    let items = &inspected.items;
    if !sender.is_limited() {
        return Ok(Passed { body, is_rewritten: false, item_count: items.len() as u64, silences: Vec::new() });
    }
    let limiter = &doors.ingest.limiter;
    let verdicts = limiter.judge(sender, items, now);
    for (category, limit) in items.iter().zip(&verdicts).filter_map(|(category, verdict)| Some((*category, (*verdict)?))) {
        limiter.note(sender, limit, category, now);
    }
    let kept: Vec<bool> = verdicts.iter().map(Option::is_none).collect();
    let item_count = kept.iter().filter(|kept| **kept).count() as u64;
    let silences = limiter.silences(sender, items, now);
    match item_count {
        0 => Err(Refusal::Limited(silences)),
        count if count == items.len() as u64 => Ok(Passed { body, is_rewritten: false, item_count, silences }),
        _ => {
            let body = inspect::without(encoding, &body, &kept, doors.config.limits)?;
            Ok(Passed { body, is_rewritten: true, item_count, silences })
        }
    }
}

/// Puts into the spool what limits refused since the last time, one record for each project: so it is counted exactly, whatever the
/// database does. What was refused since then is lost with the process if it is killed. Answers how many records were written.
pub async fn keep_refused(doors: &Doors) -> anyhow::Result<usize> {
    let mut count = 0;
    for (project, sums) in doors.ingest.limiter.take_refused() {
        let receipt = Receipt {
            project_id: project,
            received_at: doors.clock.now(),
            form: BodyForm::Refused,
            encoding: String::new(),
            event_id: EventId::random(),
            client_ip: None,
            user_agent: None,
            sdk: None,
        };
        let meta = serde_json::to_vec(&receipt).context("writing the receipt of refused items")?;
        match doors.spool.append(project.lane(), &meta, refused::write(&sums).into()).await {
            Ok(()) => count += 1,
            // The spool says itself that it is full; the sums wait until there is room.
            Err(_) => doors.ingest.limiter.put_back(project, sums),
        }
    }
    Ok(count)
}
