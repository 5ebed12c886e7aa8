//! The one place where the kind of an item decides what is done with it. A new pillar is a new arm here and a file of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use time::OffsetDateTime;

use super::event::{self, Source};
use super::fates::Fates;
use super::read::Reader;
use super::reading::Reading;
use super::rulebook::Rules;
use super::versions::Versions;
use super::{Settings, attachment, check_in, client_report, crash, feedback, letter, security, session};
use crate::domain::event_id::EventId;
use crate::domain::filters::Filter;
use crate::domain::outcome::Outcome;
use crate::protocol::category::Category;
use crate::protocol::envelope::Item;
use crate::protocol::receipt::{BodyForm, Receipt};
use crate::store::payload::packer::Packer;

/// What an envelope is about: attachments beside it share its fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// Nothing so far.
    None,
    /// Something that is kept.
    Kept,
    /// Something that is counted only.
    Unkept,
    /// An event that this filter dropped.
    Dropped(Filter),
}

/// What is known about an item besides itself.
pub struct Cx<'a> {
    /// Of the request.
    pub receipt: &'a Receipt,
    /// As spooled; the item need not lie within.
    pub body: &'a Bytes,
    /// Limits.
    pub settings: Settings,
    /// Of the project.
    pub rules: &'a Rules,
    /// Compresses what is to be stored.
    pub packer: &'a Packer,
    /// Which fingerprints it gets.
    pub versions: &'a Versions,
    /// What became of events that are not stored.
    pub fates: &'a Fates,
    /// The envelope's own event id: what the SDK was answered. The first event of the envelope takes it.
    pub answered_id: Option<EventId>,
    /// When the client sent the envelope, by its own clock.
    pub sent_at: Option<OffsetDateTime>,
    /// Events of this envelope so far.
    pub event_count: usize,
    /// What the envelope is about.
    pub lead: Lead,
    /// Of a crash that comes without an event.
    pub found: crash::Found,
}

impl<'a> Cx<'a> {
    /// Before any item was read.
    pub fn of(receipt: &'a Receipt, body: &'a Bytes, reader: &'a Reader) -> Self {
        let (settings, packer, rules) = (reader.settings, &reader.packer, reader.rules.of(receipt.project_id));
        let (versions, fates) = (&reader.versions, &reader.fates);
        Self {
            receipt,
            body,
            settings,
            rules,
            packer,
            versions,
            fates,
            answered_id: None,
            sent_at: None,
            event_count: 0,
            lead: Lead::None,
            found: crash::Found::default(),
        }
    }

    /// The event to which belongs what comes beside it and names none.
    pub fn companion_id(&self) -> EventId {
        self.answered_id.unwrap_or(self.receipt.event_id)
    }
}

/// Digests one item. A panic while it is read costs this item only.
pub fn digest(item: &Item<'_>, cx: &mut Cx<'_>, reading: &mut Reading) {
    let before = (reading.sightings.len(), reading.tallies.len(), reading.letters.len(), reading.attachments.len(), reading.feedback.len());
    let (sessions_before, check_ins_before) = (reading.sessions.len(), reading.check_ins.len());
    let done = catch_unwind(AssertUnwindSafe(|| dispatch(item, cx, reading)));
    let lead = done.unwrap_or_else(|_| {
        reading.sightings.truncate(before.0);
        reading.tallies.truncate(before.1);
        reading.letters.truncate(before.2);
        reading.attachments.truncate(before.3);
        reading.feedback.truncate(before.4);
        reading.sessions.truncate(sessions_before);
        reading.check_ins.truncate(check_ins_before);
        panicked(item, cx, reading);
        if matches!(item.kind.as_str(), "event" | "feedback") { Lead::Kept } else { Lead::None }
    });
    if item.kind == "event" {
        cx.event_count += 1;
    }
    if lead == Lead::Kept || cx.lead == Lead::None {
        cx.lead = lead;
    }
}

/// Reads the item and tells what an envelope with it is about.
fn dispatch(item: &Item<'_>, cx: &mut Cx<'_>, reading: &mut Reading) -> Lead {
    match item.kind.as_str() {
        "event" => return event::read(&Source::Sent { json: item.payload, sent_at: cx.sent_at }, cx, reading),
        "attachment" => {
            crash::note(item, cx);
            attachment::read(item, cx, reading);
        }
        "form_data" => crash::read_form(item, cx),
        "raw_security" | "security" | "nel" => security::read(item, cx, reading),
        "feedback" => {
            feedback::read(item, cx, reading);
            return Lead::Kept;
        }
        "transaction" => {
            reading.tally(Category::Transaction, Outcome::Unsupported, 1);
            return Lead::Unkept;
        }
        "user_report" => feedback::read_report(item, cx, reading),
        "session" => session::read(item.payload, cx, reading),
        "sessions" => session::read_sums(item.payload, cx, reading),
        "check_in" => check_in::read(item.payload, cx, reading),
        "client_report" => client_report::read(item.payload, &cx.rules.scrub, reading),
        _ => reading.tally(Category::of(item), Outcome::Unsupported, 1),
    }
    Lead::None
}

fn panicked(item: &Item<'_>, cx: &Cx<'_>, reading: &mut Reading) {
    let reason = "reading it failed unexpectedly".to_owned();
    let letter = match item.kind.as_str() {
        "event" => event::letter(item.payload, cx, reason),
        kind => letter::of_body(cx.receipt, BodyForm::Envelope, None, kind, b"", reason),
    };
    reading.give_up(Category::of(item), letter);
}
