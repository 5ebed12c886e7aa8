//! What people say: `feedback`, an event whose context says it, and `user_report`, its older form. Read, completed and scrubbed like events.

use std::collections::HashMap;

use serde_json::json;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::event;
use super::failure::Failure;
use super::item::Cx;
use super::letter;
use super::reading::Reading;
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;
use crate::domain::outcome::Outcome;
use crate::pipeline::{normalize, scrub};
use crate::protocol::category::Category;
use crate::protocol::envelope::Item;
use crate::protocol::event::{self as protocol, Event};
use crate::protocol::json::{Json, Object, parse_object};
use crate::protocol::receipt::BodyForm;
use crate::store::Tx;
use crate::store::counters::projects::HeldProject;
use crate::store::feedback::{self, NewFeedback};
use crate::store::outcomes::Tally;

/// The reason of reports in which nothing is said.
const NO_MESSAGE: &str = "no_message";

/// Reads `feedback`.
pub fn read(item: &Item<'_>, cx: &Cx<'_>, reading: &mut Reading) {
    if item.payload.len() > cx.settings.event_bytes {
        return give_up(item, cx, reading, format!("it has {} bytes, {} are taken", item.payload.len(), cx.settings.event_bytes));
    }
    match protocol::read(item.payload) {
        Ok(said) => keep_event(said, cx.sent_at, cx, reading),
        Err(error) => give_up(item, cx, reading, error.to_string()),
    }
}

/// Keeps feedback that was read as an event.
pub fn keep_event(mut said: Event<'_>, sent_at: Option<OffsetDateTime>, cx: &Cx<'_>, reading: &mut Reading) {
    let own_id = cx.answered_id.or(said.event_id).unwrap_or(cx.receipt.event_id);
    scrub::names(&mut said, &cx.rules.scrub);
    normalize::event(&mut said, &event::arrival(cx, sent_at));
    keep(said, Some(own_id), None, cx, reading);
}

/// Reads `user_report`: `{event_id, name, email, comments}`.
pub fn read_report(item: &Item<'_>, cx: &Cx<'_>, reading: &mut Reading) {
    if item.payload.len() > cx.settings.event_bytes {
        return give_up(item, cx, reading, format!("it has {} bytes, {} are taken", item.payload.len(), cx.settings.event_bytes));
    }
    let report = match parse_object(item.payload) {
        Ok(report) => report,
        Err(error) => return give_up(item, cx, reading, error.to_string()),
    };
    let mut about = Object::default();
    for (theirs, ours) in [("name", "name"), ("email", "contact_email"), ("comments", "message")] {
        about.insert(ours, Json::from(text(&report, theirs)));
    }
    let mut said = Event::default();
    said.contexts.insert("feedback", Json::Object(about));
    let event_id = report.get("event_id").and_then(|id| EventId::parse(id.as_str()?).ok()).or(cx.answered_id);
    keep(said, None, event_id, cx, reading);
}

fn give_up(item: &Item<'_>, cx: &Cx<'_>, reading: &mut Reading, reason: String) {
    let header = json!({ "type": item.kind, "length": item.payload.len() }).to_string();
    let body = [b"{}\n", header.as_bytes(), b"\n", item.payload].concat();
    let letter = letter::of_body(cx.receipt, BodyForm::Envelope, cx.answered_id, &item.kind, &body, reason);
    reading.give_up(Category::Feedback, letter);
}

fn keep(mut said: Event<'_>, own_id: Option<EventId>, event_id: Option<EventId>, cx: &Cx<'_>, reading: &mut Reading) {
    scrub::event(&mut said, &cx.rules.scrub);
    let about = said.contexts.get("feedback").and_then(Json::as_object).cloned().unwrap_or_default();
    let field = |name: &str| text(&about, name);
    let event_id = event_id.or_else(|| EventId::parse(&field("associated_event_id")).ok());
    let user = said.user.as_ref();
    let or_of_user = |given: String, known: Option<&str>| if given.is_empty() { known.unwrap_or_default().to_owned() } else { given };
    let page = said.request.as_ref().and_then(|request| request.url.as_deref());
    let mut report = NewFeedback {
        project_id: cx.receipt.project_id,
        feedback_id: own_id.unwrap_or(EventId(Uuid::nil())),
        received_at: cx.receipt.received_at,
        event_id,
        name: or_of_user(field("name"), user.and_then(|user| user.name.as_deref().or(user.username.as_deref()))),
        email: or_of_user(field("contact_email"), user.and_then(|user| user.email.as_deref())),
        message: field("message"),
        url: or_of_user(field("url"), page),
        environment: said.environment.as_deref().unwrap_or_default().to_owned(),
        release: said.release.as_deref().unwrap_or_default().to_owned(),
    };
    if report.message.trim().is_empty() {
        return reading.tally(Category::Feedback, Outcome::Invalid(NO_MESSAGE), 1);
    }
    if own_id.is_none() {
        report.feedback_id = id(&report);
    }
    reading.feedback.push(report);
}

/// Texts and numbers; people's names are seldom the latter.
fn text(object: &Object<'_>, name: &str) -> String {
    match object.get(name) {
        Some(Json::Text(text)) => text.trim().to_owned(),
        Some(Json::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The older form has no id of its own: what is said, by whom and about what is one report, however often it is sent.
fn id(report: &NewFeedback) -> EventId {
    let mut hash = Sha256::new();
    hash.update(report.event_id.map_or(Uuid::nil(), |id| id.0).as_bytes());
    for text in [&report.name, &report.email, &report.message] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    EventId(Uuid::from_bytes(bytes))
}

/// Stores the reports of a batch and tells how each ended. Nothing is asked of the database where there is none.
pub async fn store(tx: &mut Tx, readings: &[Reading], projects: &HashMap<ProjectId, HeldProject>) -> Result<Vec<Tally>, Failure> {
    let reports = readings.iter().flat_map(|reading| &reading.feedback).filter(|report| projects.contains_key(&report.project_id));
    let reports: Vec<&NewFeedback> = reports.collect();
    if reports.is_empty() {
        return Ok(Vec::new());
    }
    let mut stored = feedback::insert(tx, &reports).await?;
    let tally = |report: &&NewFeedback| Tally {
        project_id: report.project_id,
        at: report.received_at,
        category: Category::Feedback.name().to_owned(),
        outcome: if stored.remove(&(report.project_id, report.feedback_id)) { Outcome::Stored } else { Outcome::Duplicate },
        count: 1,
    };
    Ok(reports.iter().map(tally).collect())
}
