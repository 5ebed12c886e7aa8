//! Looking into a body as far as the answer needs it: decode within limits, take the envelope apart, find the event's id. What is in the
//! items is read by the digest.

use axum::body::Bytes;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::config::Limits;
use crate::domain::event_id::EventId;
use crate::protocol::category::Category;
use crate::protocol::dsn::Dsn;
use crate::protocol::envelope::{self, EnvelopeError, Item};
use crate::protocol::json::{self, Json, JsonError};
use crate::protocol::receipt::BodyForm;
use crate::protocol::{encoding, store_body};

/// What accepting needs to know about a body.
#[derive(Debug, PartialEq)]
pub struct Inspected {
    /// The id of the event, or of the envelope: from its header, else from the event's payload.
    pub event_id: Option<EventId>,
    /// Whether the sender should be told an id even where it gave none.
    pub has_event: bool,
    /// The DSN in the envelope's header.
    pub dsn: Option<Dsn>,
    /// What the items are, in their order.
    pub items: Vec<Category>,
    /// Items that are not kept while their siblings are.
    pub faults: Vec<ItemFault>,
}

/// Why an item is not kept.
#[derive(Debug, PartialEq, Serialize)]
pub struct ItemFault {
    /// Place in the envelope, from 0.
    pub item: usize,
    /// For people.
    pub reason: String,
}

/// What is known of a body at a glance: an envelope with an id and one item that fills it, as nearly all are. That its rest can be decoded
/// and its event read is found out by the digest, like everything about an event. `None`: it has to be looked at as a whole.
pub fn glance(form: BodyForm, content_encoding: &str, received: &[u8], limits: Limits) -> Option<Inspected> {
    if form != BodyForm::Envelope {
        return None;
    }
    let encoding::Glance { head, len } = encoding::glance(content_encoding, received, limits.envelope_bytes)?;
    let (header, item, payload_len) = envelope::sole_item(&head, len)?;
    let has_event = is_event(&item.kind);
    let fits = payload_len <= bytes_max(&item.kind, limits);
    let items = vec![Category::of(&item)];
    (fits && header.event_id.is_some()).then_some(Inspected {
        event_id: header.event_id,
        has_event,
        dsn: header.dsn,
        items,
        faults: vec![],
    })
}

/// Reads a body of the given form and encoding.
pub fn body(form: BodyForm, content_encoding: &str, received: &[u8], limits: Limits) -> Result<Inspected, Refusal> {
    let decoded = encoding::decode(content_encoding, received, limits.envelope_bytes)?;
    match form {
        BodyForm::Envelope => inspect_envelope(&decoded, limits),
        BodyForm::Store | BodyForm::Stored | BodyForm::Refused => inspect_event(&decoded, limits),
    }
}

/// The envelope without the items for which `keep` (one word each) is false, no longer encoded.
pub fn without(content_encoding: &str, received: &[u8], keep: &[bool], limits: Limits) -> Result<Bytes, Refusal> {
    let decoded = encoding::decode(content_encoding, received, limits.envelope_bytes)?;
    let (_, items) = envelope::open(&decoded)?;
    let kept: Vec<_> = items.filter_map(Result::ok).zip(keep).filter(|(_, keep)| **keep).map(|(item, _)| item).collect();
    let kept: Vec<_> = kept.iter().map(|item| (&item.header, item.payload)).collect();
    let header_line = decoded.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(envelope::write(header_line, &kept).into())
}

/// An item that cannot be kept costs itself only: its siblings are kept, the answer names it, and the digest accounts for it. Without a
/// sibling the request is refused.
fn inspect_envelope(decoded: &[u8], limits: Limits) -> Result<Inspected, Refusal> {
    let (header, framed) = envelope::open(decoded)?;
    let (mut items, mut faults) = (Vec::new(), Vec::new());
    for (index, item) in framed.enumerate() {
        match item {
            Ok(item) => {
                if is_too_large(&item, limits) {
                    let reason = format!("the {} is larger than {} bytes", item.kind, bytes_max(&item.kind, limits));
                    faults.push(ItemFault { item: index, reason });
                }
                items.push(item);
            }
            // Thousands of items are nobody's mistake.
            Err(error) if items.is_empty() || error == EnvelopeError::TooManyItems => return Err(error.into()),
            Err(error) => faults.push(ItemFault { item: index, reason: format!("{error}; nothing behind it is read") }),
        }
    }
    if !items.is_empty() && items.iter().all(|item| is_too_large(item, limits)) {
        let largest = items.iter().map(|item| bytes_max(&item.kind, limits)).max().unwrap_or_default();
        return Err(Refusal::TooLarge(format!("an item is larger than {largest} bytes")));
    }
    let mut events = items.iter().filter(|item| is_event(&item.kind));
    Ok(Inspected {
        event_id: header.event_id.or_else(|| events.clone().find_map(|item| event_id_of(item.payload).ok().flatten())),
        has_event: events.next().is_some(),
        dsn: header.dsn,
        items: items.iter().map(Category::of).collect(),
        faults,
    })
}

fn inspect_event(decoded: &[u8], limits: Limits) -> Result<Inspected, Refusal> {
    if decoded.trim_ascii().is_empty() {
        return Err(Refusal::Event("the body is empty"));
    }
    let payload = store_body::open(decoded, limits.envelope_bytes)?;
    if payload.len() > limits.event_bytes {
        return Err(Refusal::TooLarge(format!("the event is larger than {} bytes", limits.event_bytes)));
    }
    let event_id = event_id_of(&payload).map_err(|_| Refusal::Event("the body is not a JSON object"))?;
    Ok(Inspected { event_id, has_event: true, dsn: None, items: vec![Category::Error], faults: vec![] })
}

fn is_too_large(item: &Item<'_>, limits: Limits) -> bool {
    item.payload.len() > bytes_max(&item.kind, limits)
}

/// What is parsed as one JSON document has the limit of an event, attachments have their own; replays and profiles have that of the envelope.
fn bytes_max(kind: &str, limits: Limits) -> usize {
    match kind {
        "attachment" => limits.attachment_bytes,
        kind if is_event(kind) => limits.event_bytes,
        _ => usize::MAX,
    }
}

/// Kinds with an event id of their own.
fn is_event(kind: &str) -> bool {
    matches!(kind, "event" | "transaction" | "feedback")
}

/// The id alone, without building the document; leniently where that is refused (`NaN`, lone surrogates, …).
fn event_id_of(payload: &[u8]) -> Result<Option<EventId>, JsonError> {
    match serde_json::from_slice::<Id>(payload) {
        Ok(id) => Ok(id.parse()),
        Err(_) => Ok(json::parse_object(payload)?.get("event_id").and_then(id_in)),
    }
}

fn id_in(value: &Json<'_>) -> Option<EventId> {
    EventId::parse(value.as_str()?).ok()
}

#[derive(Deserialize)]
struct Id {
    #[serde(default)]
    event_id: Option<Json<'static>>,
}

impl Id {
    fn parse(&self) -> Option<EventId> {
        self.event_id.as_ref().and_then(id_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { event_bytes: 100, envelope_bytes: 1_000, attachment_bytes: 500 };
    const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

    fn inspect(text: &str) -> Result<Inspected, Refusal> {
        body(BodyForm::Envelope, "", text.as_bytes(), LIMITS)
    }

    #[test]
    fn the_id_of_the_header_wins_over_that_of_the_payload() {
        let found = inspect(&format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{\"event_id\":\"{}\"}}", "a".repeat(32)));
        assert_eq!(found.ok().and_then(|found| found.event_id).map(|id| id.to_string()).as_deref(), Some(ID));
    }

    #[test]
    fn the_payload_is_asked_where_the_header_is_silent_even_if_it_is_not_quite_json() {
        let found = inspect(&format!("{{}}\n{{\"type\":\"event\"}}\n{{\"x\":NaN,\"event_id\":\"{ID}\"}}")).expect("framed");
        assert_eq!((found.event_id.map(|id| id.to_string()).as_deref(), found.has_event), (Some(ID), true));
    }

    #[test]
    fn a_broken_payload_costs_only_its_item() {
        let found = inspect("{}\n{\"type\":\"event\"}\n{broken\n{\"type\":\"session\"}\n{}\n").expect("framed");
        assert_eq!((found.event_id, found.has_event, found.items.len()), (None, true, 2));
    }

    #[test]
    fn an_event_that_is_too_large_is_refused_alone_and_tolerated_beside_others() {
        let large = format!("{{\"message\":\"{}\"}}", "x".repeat(100));
        assert!(matches!(inspect(&format!("{{}}\n{{\"type\":\"event\"}}\n{large}")), Err(Refusal::TooLarge(_))));
        let found = inspect(&format!("{{}}\n{{\"type\":\"event\"}}\n{large}\n{{\"type\":\"session\"}}\n{{}}"));
        assert_eq!(found.ok().map(|found| found.items.len()), Some(2));
    }

    #[test]
    fn items_can_be_left_out_and_the_others_stay_as_they_are() {
        let body = b"{\"dsn\":null}\n{\"type\":\"event\"}\n{}\n{\"type\":\"attachment\",\"length\":3,\"x\":1}\na\nb\n{\"type\":\"session\"}\n{\"s\":1}\n";
        let rest = without("", body, &[false, true, true], Limits { event_bytes: 100, envelope_bytes: 1_000, attachment_bytes: 500 })
            .expect("framed");
        let items = envelope::parse(&rest).expect("framed").items;
        assert_eq!(
            items.iter().map(|item| (item.kind.as_str(), item.payload)).collect::<Vec<_>>(),
            [("attachment", b"a\nb".as_slice()), ("session", b"{\"s\":1}".as_slice())]
        );
    }

    #[test]
    fn items_behind_a_broken_one_are_lost_and_named_and_those_before_it_are_kept() {
        let found = inspect("{}\n{\"type\":\"session\"}\n{}\n{\"type\":\"event\",\"length\":5000}\nx").expect("the session is kept");
        assert_eq!((found.items.len(), found.faults.len(), found.faults[0].item), (1, 1, 1));
        assert!(inspect("{}\n{\"type\":\"event\",\"length\":5000}\nx").is_err(), "nothing is left to keep");
    }

    #[test]
    fn a_glance_says_the_same_as_a_look() {
        let limits = Limits { event_bytes: 100_000, envelope_bytes: 1_000_000, attachment_bytes: 500_000 };
        let payload = format!("{{\"message\":\"{}\"}}", "x y z ".repeat(5_000));
        let item = |len: usize| format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\",\"length\":{len}}}\n{payload}\n");
        let packed = |text: &str| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, text.as_bytes()).expect("in memory");
            encoder.finish().expect("in memory")
        };
        let good = packed(&item(payload.len()));
        let seen = glance(BodyForm::Envelope, "gzip", &good, limits).expect("an ordinary envelope");
        assert_eq!(Some(seen), body(BodyForm::Envelope, "gzip", &good, limits).ok());
        for odd in [item(payload.len() - 1), item(payload.len() + 2), item(payload.len()).replace(ID, "none"), item(payload.len()) + "{}"] {
            assert_eq!(glance(BodyForm::Envelope, "gzip", &packed(&odd), limits), None);
        }
        let small = Limits { event_bytes: 1_000, ..limits };
        assert_eq!(glance(BodyForm::Envelope, "gzip", &good, small), None, "a look says why it is refused");
        assert_eq!(glance(BodyForm::Store, "gzip", &good, limits), None);
    }

    #[test]
    fn nothing_and_nonsense_are_not_events() {
        for text in ["", " \n", "[]", "{", "hello"] {
            assert!(body(BodyForm::Store, "", text.as_bytes(), LIMITS).is_err(), "{text:?}");
        }
        let large = format!("{{\"message\":\"{}\"}}", "x".repeat(100));
        assert!(matches!(body(BodyForm::Store, "", large.as_bytes(), LIMITS), Err(Refusal::TooLarge(_))));
    }
}
