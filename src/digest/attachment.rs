//! A file beside an event, or for one that came before or comes after: bounded, named, scrubbed where it is text, cut into pieces.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::item::{Cx, Lead};
use super::reading::Reading;
use crate::domain::attachment::{self, PLAIN};
use crate::domain::event_id::EventId;
use crate::domain::outcome::Outcome;
use crate::pipeline::scrub;
use crate::protocol::category::Category;
use crate::protocol::envelope::Item;
use crate::store::attachments::chunks::CHUNK_LEN;
use crate::store::attachments::{Chunk, NewAttachment};

/// The reason of files that are larger than one may be.
const TOO_LARGE: &str = "too_large";
/// The reason of files that belong to nothing: no id in the header, no event beside them.
const NO_EVENT: &str = "no_event_id";
/// Files of this type belong to traces and begin with a header of their own.
const TRACE_ATTACHMENT: &str = "application/vnd.sentry.trace-attachment";
/// Longest of the sender's words about a file, in characters.
const WORDS_LEN_MAX: usize = 100;

/// Adds the file to the reading.
pub fn read(item: &Item<'_>, cx: &Cx<'_>, reading: &mut Reading) {
    if item.content_type() == Some(TRACE_ATTACHMENT) {
        return reading.tally(Category::Attachment, Outcome::Unsupported, 1);
    }
    if item.payload.len() > cx.settings.attachments.bytes {
        return reading.tally(Category::Attachment, Outcome::Invalid(TOO_LARGE), 1);
    }
    let file = cut(item, cx, reading);
    reading.attachments.push(file);
}

/// When all of the envelope was read: what belongs to nothing, or to something that is not kept, is not kept either.
pub fn settle(cx: &Cx<'_>, reading: &mut Reading) {
    let outcome = match (cx.lead, cx.answered_id) {
        (Lead::Unkept, _) => Outcome::Unsupported,
        (Lead::Dropped(filter), _) => Outcome::Filtered(filter.name()),
        (Lead::None, None) => Outcome::Invalid(NO_EVENT),
        (Lead::Kept, _) | (_, Some(_)) => return,
    };
    let count = reading.attachments.len();
    if count > 0 {
        reading.attachments.clear();
        reading.tally(Category::Attachment, outcome, i64::try_from(count).unwrap_or(i64::MAX));
    }
}

fn cut(item: &Item<'_>, cx: &Cx<'_>, reading: &Reading) -> NewAttachment {
    let word = |key: &str| item.header.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    let cut = |text: &str| text.chars().filter(|c| !c.is_control()).take(WORDS_LEN_MAX).collect::<String>();
    let kind = Some(cut(word("attachment_type"))).filter(|kind| !kind.is_empty()).unwrap_or_else(|| PLAIN.to_owned());
    let clean = attachment::text(item.payload).and_then(|text| scrub::document(text.as_bytes(), &cx.rules.scrub));
    let bytes = clean.as_deref().unwrap_or(item.payload);
    let event_id = cx.companion_id();
    let mut file = NewAttachment {
        project_id: cx.receipt.project_id,
        event_id,
        attachment_id: Uuid::nil(),
        received_at: cx.receipt.received_at,
        name: attachment::clean_name(word("filename"), &kind),
        kind,
        content_type: cut(word("content_type")),
        media_type: attachment::media_type(bytes),
        byte_count: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        sha256: Sha256::digest(bytes).into(),
        chunks: bytes.chunks(CHUNK_LEN).map(|piece| Chunk::pack(piece, |piece| shared(cx.body, piece))).collect(),
    };
    let copies = reading.attachments.iter().filter(|other| is_copy(other, &file)).count();
    file.attachment_id = id(event_id, &file, copies);
    file
}

/// A part of the body as it waits in memory anyway, unless it had to be decoded or changed.
fn shared(body: &Bytes, piece: &[u8]) -> Bytes {
    let (whole, part) = (body.as_ptr_range(), piece.as_ptr_range());
    let lies_within = whole.start <= part.start && part.end <= whole.end;
    if lies_within { body.slice_ref(piece) } else { Bytes::copy_from_slice(piece) }
}

fn is_copy(one: &NewAttachment, other: &NewAttachment) -> bool {
    one.event_id == other.event_id && one.sha256 == other.sha256 && one.name == other.name && one.kind == other.kind
}

/// From what a file is, so that an envelope that is sent, retried or replayed twice stores its files once; and from how many of the same come
/// before it in its envelope, since two empty files are two files.
fn id(event_id: EventId, file: &NewAttachment, copies: usize) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(event_id.0.as_bytes());
    for text in [&file.name, &file.kind] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hash.update(copies.to_be_bytes());
    hash.update(file.sha256);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Uuid::from_bytes(bytes)
}
