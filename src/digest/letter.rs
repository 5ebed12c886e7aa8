//! Dead letters: what is kept of something that cannot be digested, so that it can be looked at and tried again.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::sighting::Sighting;
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;
use crate::pipeline::scrub;
use crate::protocol::receipt::{BodyForm, Receipt};
use crate::store::attachments::NewAttachment;
use crate::store::dead_letters::NewDeadLetter;
use crate::store::feedback::NewFeedback;
use crate::store::text::clean;

/// Longest body that is kept, in bytes: many senders of garbage must not fill the disk.
const BODY_LEN_MAX: usize = 2 * 1024 * 1024;

/// A body that is digested again under `receipt`, in the form `form`.
pub fn of_body(
    receipt: &Receipt,
    form: BodyForm,
    event_id: Option<EventId>,
    item_type: &str,
    body: &[u8],
    reason: String,
) -> NewDeadLetter {
    let receipt = Receipt {
        form,
        encoding: if form == receipt.form { receipt.encoding.clone() } else { String::new() },
        event_id: event_id.unwrap_or(receipt.event_id),
        ..cleaned(receipt)
    };
    let is_scrubbed = form == BodyForm::Stored;
    let (body, reason) = bounded(body, &reason);
    NewDeadLetter {
        project_id: receipt.project_id,
        received_at: receipt.received_at,
        item_type: item_type.to_owned(),
        event_id,
        reason,
        receipt: serde_json::to_value(&receipt).unwrap_or(Value::Null),
        body,
        is_scrubbed,
    }
}

/// An event that was read, normalized and scrubbed, but that the database refuses.
pub fn of_sighting(sighting: &Sighting, json: &[u8], reason: &str) -> NewDeadLetter {
    let receipt = receipt(sighting.project_id, sighting.received_at, BodyForm::Stored, sighting.event_id);
    of_body(&receipt, BodyForm::Stored, Some(sighting.event_id), "event", json, reason.to_owned())
}

/// A file that the database refuses, in an envelope of its own.
pub fn of_attachment(file: &NewAttachment, reason: &str) -> NewDeadLetter {
    let pieces: Vec<_> = file.chunks.iter().filter_map(|piece| piece.clone().unpack().ok()).collect();
    let header = json!({
        "type": "attachment", "length": pieces.iter().map(|piece| piece.len()).sum::<usize>(), "filename": file.name,
        "attachment_type": file.kind, "content_type": file.content_type,
    });
    let mut body = format!("{}\n{header}\n", json!({ "event_id": file.event_id })).into_bytes();
    pieces.iter().for_each(|piece| body.extend_from_slice(piece));
    let receipt = receipt(file.project_id, file.received_at, BodyForm::Envelope, file.event_id);
    of_body(&receipt, BodyForm::Envelope, Some(file.event_id), "attachment", &body, reason.to_owned())
}

/// What somebody said and the database refuses, in an envelope of its own.
pub fn of_feedback(report: &NewFeedback, reason: &str) -> NewDeadLetter {
    let about = json!({
        "message": report.message, "name": report.name, "contact_email": report.email, "url": report.url,
        "associated_event_id": report.event_id,
    });
    let said = json!({ "event_id": report.feedback_id, "contexts": { "feedback": about }, "environment": report.environment, "release": report.release });
    let body = format!("{}\n{{\"type\":\"feedback\"}}\n{said}", json!({ "event_id": report.feedback_id }));
    let receipt = receipt(report.project_id, report.received_at, BodyForm::Envelope, report.feedback_id);
    of_body(&receipt, BodyForm::Envelope, Some(report.feedback_id), "feedback", body.as_bytes(), reason.to_owned())
}

fn receipt(project_id: ProjectId, received_at: OffsetDateTime, form: BodyForm, event_id: EventId) -> Receipt {
    Receipt { project_id, received_at, form, encoding: String::new(), event_id, client_ip: None, user_agent: None, sdk: None }
}

/// Bytes of which nothing is known.
pub fn of_bytes(project_id: ProjectId, received_at: OffsetDateTime, receipt: Value, body: &[u8], reason: &str) -> NewDeadLetter {
    let (body, reason) = bounded(body, reason);
    NewDeadLetter { project_id, received_at, item_type: "request".into(), event_id: None, reason, receipt, body, is_scrubbed: false }
}

/// What a reason quotes of the body is scrubbed like the body.
fn bounded(body: &[u8], reason: &str) -> (Vec<u8>, String) {
    let reason = scrub::line(reason, &scrub::Rules::DEFAULT).into_owned();
    if body.len() <= BODY_LEN_MAX {
        return (body.to_vec(), reason);
    }
    (Vec::new(), format!("{reason} (its {} bytes are too many to keep)", body.len()))
}

/// Headers can hold what `jsonb` cannot, and secrets.
fn cleaned(receipt: &Receipt) -> Receipt {
    let text = |field: &Option<String>| field.as_deref().map(|text| clean(&scrub::line(text, &scrub::Rules::DEFAULT)).into_owned());
    Receipt { client_ip: text(&receipt.client_ip), user_agent: text(&receipt.user_agent), sdk: text(&receipt.sdk), ..receipt.clone() }
}
