//! Spool entries to readings: decode, frame, read. All the work that needs no database, on threads that stand back ([`background`]).

use std::borrow::Cow;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Context;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::background;
use super::event::{self, Source};
use super::fates::Fates;
use super::item::{self, Cx};
use super::letter;
use super::reading::Reading;
use super::refused;
use super::rulebook::Rulebook;
use super::versions::Versions;
use super::{Settings, attachment, crash};
use crate::domain::ids::ProjectId;
use crate::protocol::category::Category;
use crate::protocol::encoding::{self, DecodeError};
use crate::protocol::envelope;
use crate::protocol::receipt::{BodyForm, Receipt};
use crate::protocol::store_body;
use crate::spool::Entry;
use crate::store::dead_letters::NewDeadLetter;
use crate::store::payload::packer::Packer;

/// Entries that are read by one thread at least: fewer are not worth another one.
const ENTRIES_PER_THREAD_MIN: usize = 8;

/// What reading needs besides the entries. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    /// Limits.
    pub settings: Settings,
    /// Compresses what is to be stored.
    pub packer: Packer,
    /// Of the projects.
    pub rules: Rulebook,
    /// Which fingerprints their events get.
    pub versions: Versions,
    /// What became of events that are not stored.
    pub fates: Fates,
}

/// How many processors a batch is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// By half of them: the others answer SDKs meanwhile, which shows in how long that takes.
    Steady,
    /// By all of them, because more waits.
    Flood,
}

impl Pace {
    fn thread_count(self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        if self == Self::Flood { processors } else { processors.div_ceil(2) }
    }
}

/// Reads a batch, in parallel where it is large. The readings are in the order of the entries.
pub async fn entries(mut entries: Vec<Entry>, reader: &Reader, pace: Pace) -> anyhow::Result<Vec<Reading>> {
    if entries.is_empty() {
        return Ok(vec![]);
    }
    let share = entries.len().div_ceil(pace.thread_count()).max(ENTRIES_PER_THREAD_MIN);
    let mut parts = Vec::new();
    while !entries.is_empty() {
        let rest = entries.split_off(share.min(entries.len()));
        let part = std::mem::replace(&mut entries, rest);
        let reader = reader.clone();
        let read = move || part.into_iter().map(|part| entry(&part, &reader)).collect::<Vec<_>>();
        parts.push(background::begin(read).context("starting a thread that reads")?);
    }
    let mut readings = Vec::new();
    for part in parts {
        readings.extend(part.done().await.context("reading spool entries")?);
    }
    Ok(readings)
}

/// Reads one entry and packs its events. Whatever it holds, the answer is a reading.
pub fn entry(entry: &Entry, reader: &Reader) -> Reading {
    match serde_json::from_slice::<Receipt>(&entry.meta) {
        Ok(receipt) => {
            let mut reading = Reading::new(entry.place, receipt.project_id, receipt.received_at);
            guarded(Cx::of(&receipt, &entry.body, reader), &entry.body, &mut reading);
            if reader.rules.of(receipt.project_id).scrub.drops_callers() {
                reading.letters.iter_mut().for_each(NewDeadLetter::forget_caller);
            }
            reading
        }
        Err(error) => {
            let mut reading = Reading::new(entry.place, ProjectId(0), OffsetDateTime::UNIX_EPOCH);
            let meta = json!({ "unreadable": String::from_utf8_lossy(&entry.meta).replace('\0', "") });
            let reason = format!("its receipt is unreadable: {error}");
            reading.letters.push(letter::of_bytes(ProjectId(0), OffsetDateTime::UNIX_EPOCH, meta, &entry.body, &reason));
            reading
        }
    }
}

/// A panic outside of single items, which are guarded on their own, costs the entry and nothing else.
fn guarded(cx: Cx<'_>, bytes: &[u8], reading: &mut Reading) {
    let receipt = cx.receipt;
    if catch_unwind(AssertUnwindSafe(|| body(cx, bytes, reading))).is_err() {
        let receipt_json = serde_json::to_value(receipt).unwrap_or(Value::Null);
        let letter = letter::of_bytes(receipt.project_id, receipt.received_at, receipt_json, bytes, "reading it failed unexpectedly");
        reading.give_up(Category::Unknown, letter);
    }
}

/// Reads a body under its receipt.
fn body(cx: Cx<'_>, bytes: &[u8], reading: &mut Reading) {
    encoding::with_decoded(&cx.receipt.encoding, bytes, cx.settings.envelope_bytes, |decoded| match decoded {
        Err(error) => undecodable(cx.receipt, bytes, &error, reading),
        Ok(plain) => plain_body(cx, bytes, plain, reading),
    });
}

fn plain_body(cx: Cx<'_>, bytes: &[u8], plain: &[u8], reading: &mut Reading) {
    match cx.receipt.form {
        BodyForm::Envelope => envelope_body(cx, plain, reading),
        BodyForm::Store => match store_body::open(plain, cx.settings.envelope_bytes) {
            Err(error) => undecodable(cx.receipt, bytes, &error, reading),
            Ok(json) => {
                event::read(&Source::Sent { json: &json, sent_at: None }, &cx, reading);
            }
        },
        BodyForm::Refused => refused::read(cx.receipt, plain, reading),
        BodyForm::Stored => {
            event::read(&Source::Stored { json: plain }, &cx, reading);
        }
    }
}

fn undecodable(receipt: &Receipt, bytes: &[u8], error: &DecodeError, reading: &mut Reading) {
    let kind = if receipt.form == BodyForm::Envelope { "envelope" } else { "event" };
    let category = if receipt.form == BodyForm::Envelope { Category::Unknown } else { Category::Error };
    reading.give_up(category, letter::of_body(receipt, receipt.form, None, kind, bytes, error.to_string()));
}

/// Each item stands alone. Where the framing breaks, the items before are kept and the rest becomes a dead letter.
fn envelope_body(mut cx: Cx<'_>, plain: &[u8], reading: &mut Reading) {
    let receipt = cx.receipt;
    let (header, items) = match envelope::open(plain) {
        Ok(opened) => opened,
        Err(error) => {
            let letter = letter::of_body(&decoded(receipt), BodyForm::Envelope, None, "envelope", plain, error.to_string());
            return reading.give_up(Category::Unknown, letter);
        }
    };
    cx.answered_id = header.event_id;
    cx.sent_at = header.sent_at;
    let mut read_to = plain.iter().position(|byte| *byte == b'\n').map_or(plain.len(), |at| at + 1);
    for item in items {
        match item {
            Ok(item) => {
                read_to = (item.payload.as_ptr_range().end as usize).saturating_sub(plain.as_ptr() as usize);
                item::digest(&item, &mut cx, reading);
            }
            Err(error) => {
                let rest = framed(plain.get(read_to..).unwrap_or_default());
                let letter = letter::of_body(&decoded(receipt), BodyForm::Envelope, None, "envelope", &rest, error.to_string());
                reading.give_up(Category::Unknown, letter);
            }
        }
    }
    crash::settle(&mut cx, reading);
    attachment::settle(&cx, reading);
}

/// The receipt of a body that is no longer encoded.
fn decoded(receipt: &Receipt) -> Receipt {
    Receipt { encoding: String::new(), ..receipt.clone() }
}

/// The rest of an envelope as an envelope of its own.
fn framed(rest: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned([b"{}\n", rest.trim_ascii_start()].concat())
}
