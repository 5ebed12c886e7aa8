//! Envelopes: a header line and items, each a header line and bytes (protocol notes, section 5). Only `\n` separates.

use time::OffsetDateTime;

use super::dsn::Dsn;
use super::json::{self, Json, Object};
use super::timestamp;
use crate::domain::event_id::EventId;

/// Most items in one envelope; SDKs send a handful, sessions and attachments up to 100.
pub const ITEMS_MAX: usize = 1_000;
/// Longest header line, in bytes. A trace header can hold a whole SQL statement.
pub const HEADER_LEN_MAX: usize = 64 * 1_024;

/// A request body taken apart. Payloads are not looked into: a broken one costs only its item.
#[derive(Debug, PartialEq)]
pub struct Envelope<'a> {
    /// What the first line says.
    pub header: Header,
    /// In the order sent.
    pub items: Vec<Item<'a>>,
}

/// What is used of an envelope's header. `trace` is deliberately absent: its `public_key` is often that of another project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// `None`: absent or not an id.
    pub event_id: Option<EventId>,
    /// When the client sent it, by its own clock.
    pub sent_at: Option<OffsetDateTime>,
    /// Present in tunnelled envelopes.
    pub dsn: Option<Dsn>,
    /// `sentry.javascript.node/11.11.0`.
    pub sdk: Option<String>,
}

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'a> {
    /// `event`, `session`, … or a kind nobody knows yet.
    pub kind: String,
    /// The whole header line, `type` and `length` included.
    pub header: Object<'a>,
    /// The bytes as they came.
    pub payload: &'a [u8],
}

impl Item<'_> {
    /// `content_type` of the header; it tells containers of spans, logs and metrics from older forms.
    pub fn content_type(&self) -> Option<&str> {
        self.header.get("content_type").and_then(Json::as_str)
    }
}

/// What makes the framing of an envelope unreadable, from that place on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not even a header.
    #[error("the body is empty")]
    Empty,
    /// The first line is not a JSON object.
    #[error("the envelope header is not a JSON object: {0}")]
    Header(String),
    /// The header line of an item is not a JSON object with a `type`, or its length is not a number.
    #[error("the header of item {index} is unreadable: {why}")]
    ItemHeader {
        /// Place in the envelope, from 0.
        index: usize,
        /// What is wrong, for people.
        why: String,
    },
    /// The payload is shorter than the item's `length`, or does not end where it says.
    #[error("the payload of item {index} is not as long as its header says")]
    Length {
        /// Place in the envelope, from 0.
        index: usize,
    },
    /// More than [`HEADER_LEN_MAX`].
    #[error("a header line is longer than {HEADER_LEN_MAX} bytes")]
    HeaderTooLong,
    /// More than [`ITEMS_MAX`].
    #[error("an envelope has more than {ITEMS_MAX} items")]
    TooManyItems,
}

/// Takes a body apart. One broken item header makes the rest unreadable, so it is an error for the whole; [`open`] gives the
/// items before it.
pub fn parse(body: &[u8]) -> Result<Envelope<'_>, EnvelopeError> {
    let (header, items) = open(body)?;
    Ok(Envelope { header, items: items.collect::<Result<_, _>>()? })
}

/// Reads the header line and leaves the items to be read one by one.
pub fn open(body: &[u8]) -> Result<(Header, Items<'_>), EnvelopeError> {
    if body.is_empty() {
        return Err(EnvelopeError::Empty);
    }
    let (line, rest) = split_line(body)?;
    let header = json::parse_object(line).map_err(|error| EnvelopeError::Header(error.to_string()))?;
    Ok((Header::read(&header), Items { rest, index: 0 }))
}

/// An envelope of these items, each with the header it had and its length set right.
pub fn write(header_line: &[u8], items: &[(&Object<'_>, &[u8])]) -> Vec<u8> {
    let mut body = header_line.to_vec();
    for (header, payload) in items {
        let mut header = (*header).clone();
        header.insert("length", Json::Number((payload.len() as u64).into()));
        [b"\n", header_text(&header).as_bytes(), b"\n", payload].iter().for_each(|part| body.extend_from_slice(part));
    }
    body
}

fn header_text(header: &Object<'_>) -> String {
    serde_json::to_string(header).expect("an object is JSON")
}

/// Header, item and length of its payload (which is left out), of an envelope of `len` bytes of which only the beginning is known, if by its
/// own length that item fills the rest: so do most envelopes. `None`: the whole has to be looked at.
pub fn sole_item(head: &[u8], len: usize) -> Option<(Header, Item<'_>, usize)> {
    let first = head.iter().position(|byte| *byte == b'\n')?;
    let second = first + 1 + head[first + 1..].iter().position(|byte| *byte == b'\n')?;
    let item = json::parse_object(&head[first + 1..second]).ok()?;
    let kind = item.get("type").and_then(Json::as_str)?.to_owned();
    let payload_len = usize::try_from(item.get("length")?.as_u64()?).ok()?;
    let end = (second + 1).checked_add(payload_len)?;
    if end != len && end + 1 != len {
        return None;
    }
    let header = json::parse_object(&head[..first]).ok()?;
    Some((Header::read(&header), Item { kind, header: item, payload: b"" }, payload_len))
}

impl Header {
    fn read(raw: &Object<'_>) -> Self {
        let text = |key: &str| raw.get(key).and_then(Json::as_str);
        Self {
            event_id: text("event_id").and_then(|id| EventId::parse(id).ok()),
            sent_at: raw.get("sent_at").and_then(timestamp::read),
            dsn: text("dsn").and_then(Dsn::parse),
            sdk: raw.get("sdk").and_then(sdk_name),
        }
    }
}

fn sdk_name(sdk: &Json<'_>) -> Option<String> {
    let name = sdk.get("name")?.as_str()?;
    let version = sdk.get("version").and_then(Json::as_str);
    let whole = version.map_or_else(|| name.to_owned(), |version| format!("{name}/{version}"));
    Some(whole.chars().take(100).collect())
}

/// The items of an envelope, up to the end or the first that is broken.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
    index: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, EnvelopeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.trim_ascii_start();
        if self.rest.is_empty() {
            return None;
        }
        let item = if self.index < ITEMS_MAX { self.read() } else { Err(EnvelopeError::TooManyItems) };
        if item.is_err() {
            self.rest = &[];
        }
        self.index += 1;
        Some(item)
    }
}

impl<'a> Items<'a> {
    fn read(&mut self) -> Result<Item<'a>, EnvelopeError> {
        let (line, rest) = split_line(self.rest)?;
        let unreadable = |why: &str| EnvelopeError::ItemHeader { index: self.index, why: why.to_owned() };
        let header = json::parse_object(line).map_err(|error| unreadable(&error.to_string()))?;
        let kind = header.get("type").and_then(Json::as_str).ok_or_else(|| unreadable("it has no type"))?.to_owned();
        let (payload, rest) = match header.get("length") {
            None | Some(Json::Null) => {
                rest.iter().position(|byte| *byte == b'\n').map_or((rest, &rest[rest.len()..]), |at| (&rest[..at], &rest[at + 1..]))
            }
            Some(length) => {
                let length = length.as_u64().ok_or_else(|| unreadable("its length is not a number of bytes"))?;
                take(rest, length).ok_or(EnvelopeError::Length { index: self.index })?
            }
        };
        self.rest = rest;
        Ok(Item { kind, header, payload })
    }
}

/// Exactly `length` bytes, then a newline or the end.
fn take(bytes: &[u8], length: u64) -> Option<(&[u8], &[u8])> {
    let (payload, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    match rest.split_first() {
        None => Some((payload, rest)),
        Some((b'\n', rest)) => Some((payload, rest)),
        Some(_) => None,
    }
}

/// A header line and what follows it. Looks no further than a header may be long.
fn split_line(bytes: &[u8]) -> Result<(&[u8], &[u8]), EnvelopeError> {
    let window = &bytes[..bytes.len().min(HEADER_LEN_MAX + 1)];
    match window.iter().position(|byte| *byte == b'\n') {
        Some(at) => Ok((&bytes[..at], &bytes[at + 1..])),
        None if bytes.len() <= HEADER_LEN_MAX => Ok((bytes, &[])),
        None => Err(EnvelopeError::HeaderTooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads(body: &[u8]) -> Result<Vec<(String, Vec<u8>)>, EnvelopeError> {
        Ok(parse(body)?.items.into_iter().map(|item| (item.kind, item.payload.to_vec())).collect())
    }

    fn items(expected: &[(&str, &[u8])]) -> Result<Vec<(String, Vec<u8>)>, EnvelopeError> {
        Ok(expected.iter().map(|(kind, payload)| ((*kind).to_owned(), payload.to_vec())).collect())
    }

    #[test]
    fn payloads_end_at_their_length_or_at_the_line() {
        assert_eq!(payloads(b"{}\n{\"type\":\"a\",\"length\":3}\nx\ny\n{\"type\":\"b\"}\nz\n"), items(&[("a", b"x\ny"), ("b", b"z")]));
        assert_eq!(payloads(b"{}\n{\"type\":\"a\"}\nx"), items(&[("a", b"x")]));
        assert_eq!(payloads(b"{}\n{\"type\":\"a\",\"length\":1}\nx"), items(&[("a", b"x")]));
        assert_eq!(payloads(b"{}\n{\"type\":\"a\"}\nx\r\n"), items(&[("a", b"x\r")]));
    }

    #[test]
    fn empty_payloads_and_missing_newlines_at_the_end_are_legal() {
        assert_eq!(payloads(b"{}\n{\"type\":\"a\",\"length\":0}\n\n{\"type\":\"b\",\"length\":0}\n\n"), items(&[("a", b""), ("b", b"")]));
        assert_eq!(payloads(b"{}\n{\"type\":\"a\",\"length\":0}"), items(&[("a", b"")]));
        assert_eq!(payloads(b"{}\n{\"type\":\"a\"}"), items(&[("a", b"")]));
        assert_eq!(payloads(b"{}"), items(&[]));
        assert_eq!(payloads(b" { } \n\n \n"), items(&[]));
    }

    #[test]
    fn an_item_that_fills_the_envelope_is_known_by_its_header() {
        let head = b"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\",\"length\":1000}\n{\"mess";
        let payload_at = head.len() - 6;
        for len in [payload_at + 1_000, payload_at + 1_001] {
            let (header, item, payload_len) = sole_item(head, len).unwrap();
            assert!(header.event_id.is_some());
            assert_eq!((item.kind.as_str(), payload_len), ("event", 1_000));
        }
        for len in [payload_at, payload_at + 999, payload_at + 1_002, payload_at + 5_000] {
            assert_eq!(sole_item(head, len), None, "{len}");
        }
        for head in [
            "{}\n{\"type\":\"a\"}\nx",
            "{}\n{\"type\":\"a\",\"length\":18446744073709551615}\n",
            "{}\n{}",
            "{}",
            "[]\n{\"type\":\"a\",\"length\":0}\n",
        ] {
            assert_eq!(sole_item(head.as_bytes(), head.len()), None, "{head}");
        }
    }

    #[test]
    fn blank_lines_before_an_item_are_skipped() {
        assert_eq!(payloads(b"{}\n\n \n{\"type\":\"a\",\"length\":1}\nx\n\n\n"), items(&[("a", b"x")]));
    }

    #[test]
    fn a_length_that_does_not_fit_is_an_error() {
        for body in [
            "{}\n{\"type\":\"a\",\"length\":5000}\nx\n",
            "{}\n{\"type\":\"a\",\"length\":1}\nxy\n",
            "{}\n{\"type\":\"a\",\"length\":0}\n{\"type\":\"b\"}\n",
            "{}\n{\"type\":\"a\",\"length\":18446744073709551615}\nx\n",
        ] {
            assert_eq!(payloads(body.as_bytes()), Err(EnvelopeError::Length { index: 0 }), "{body}");
        }
        for length in ["-1", "1.5", "\"1\"", "true"] {
            let body = format!("{{}}\n{{\"type\":\"a\",\"length\":{length}}}\nx\n");
            assert!(matches!(payloads(body.as_bytes()), Err(EnvelopeError::ItemHeader { index: 0, .. })), "{body}");
        }
    }

    #[test]
    fn items_before_a_broken_header_can_still_be_had() {
        let body = b"{}\n{\"type\":\"a\"}\nx\n{\"type\":\n{\"type\":\"b\"}\ny\n";
        let (_, items) = open(body).unwrap();
        let read: Vec<_> = items.collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].as_ref().map(|item| item.payload), Ok(b"x".as_slice()));
        assert!(matches!(read[1], Err(EnvelopeError::ItemHeader { index: 1, .. })));
        assert!(parse(body).is_err());
    }

    #[test]
    fn headers_that_are_no_objects_are_errors() {
        assert_eq!(payloads(b""), Err(EnvelopeError::Empty));
        for body in ["{\"event_id\":\n{}\n", "[]\n", "\n{}", "hello", "{}\n[]\nx", "{}\n{}\nx", "{}\n{\"type\":7}\nx"] {
            assert!(payloads(body.as_bytes()).is_err(), "{body:?}");
        }
    }

    #[test]
    fn endless_headers_and_thousands_of_items_are_refused() {
        let endless = format!("{{\"a\":\"{}\"}}", "x".repeat(HEADER_LEN_MAX));
        assert_eq!(payloads(endless.as_bytes()), Err(EnvelopeError::HeaderTooLong));
        let item = "{\"type\":\"a\",\"length\":0}\n\n";
        assert_eq!(payloads(format!("{{}}\n{}", item.repeat(ITEMS_MAX)).as_bytes()).map(|items| items.len()), Ok(ITEMS_MAX));
        assert_eq!(payloads(format!("{{}}\n{}", item.repeat(ITEMS_MAX + 1)).as_bytes()), Err(EnvelopeError::TooManyItems));
    }

    #[test]
    fn the_header_gives_id_time_dsn_and_sdk() {
        let body =
            br#"{"event_id":"9ec79c33-ec99-42ab-8353-589fcb2e04dc","sent_at":"2026-11-20T08:02:14Z","sent_at":"2026-11-20T08:02:15.5Z",
            "dsn":"https://abc@h/42","sdk":{"name":"sentry.javascript.node","version":"11.11.0"},"trace":{"public_key":"zzz"}}"#;
        let body: Vec<u8> = body.iter().copied().filter(|byte| *byte != b'\n').collect();
        let header = parse(&body).unwrap().header;
        assert_eq!(header.event_id.map(|id| id.to_string()).as_deref(), Some("9ec79c33ec9942ab8353589fcb2e04dc"));
        assert_eq!(header.sent_at, Some(time::macros::datetime!(2026-11-20 08:02:15.5 UTC)));
        assert_eq!(header.dsn.map(|dsn| dsn.public_key).as_deref(), Some("abc"));
        assert_eq!(header.sdk.as_deref(), Some("sentry.javascript.node/11.11.0"));
        assert_eq!(parse(br#"{"event_id":7,"sent_at":"soon","dsn":"x","sdk":[]}"#).map(|envelope| envelope.header), Ok(Header::default()));
    }
}
