//! An event, from its payload to what is stored and read back.

use bugle::domain::fingerprint::Fingerprint;
use bugle::pipeline::normalize::{self, Arrival};
use bugle::pipeline::{fingerprint, scrub, title};
use bugle::protocol::event::{self as protocol, Grouping};
use time::macros::datetime;

/// What stands around the parts of an event that grow: names, notes, the derived tags and contexts.
const FRAME_LEN_MAX: usize = 64 << 10;
/// A byte of input becomes at most so many: `\u00XX` for a control character, and texts that are kept twice.
const GROWTH_MAX: usize = 16;

/// Reads, normalizes, scrubs, fingerprints, stores and reads back.
pub fn event(data: &[u8]) {
    let Ok(mut event) = protocol::read(data) else { return };
    let arrival = Arrival {
        received_at: datetime!(2026-11-20 12:00 UTC),
        sent_at: Some(datetime!(2026-11-20 11:59:58 UTC)),
        client_ip: Some("192.0.2.1".into()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into()),
    };
    normalize::event(&mut event, &arrival);
    scrub::event(&mut event, &scrub::Rules::DEFAULT);
    let version = fingerprint::Version::NEWEST;
    let found = fingerprint::compute(&event, version);
    found.memory.sentence.iter().for_each(|sentence| drop(fingerprint::slots(sentence)));
    assert!(!fingerprint::continues(&event, &event, version) || !event.exceptions.is_empty());
    let Fingerprint { version: number, hashes, explanation, .. } = found;
    event.grouping = Some(Grouping { version: number, explanation });
    let title = title::of(&event);
    let stored = protocol::to_stored(&event);
    serde_json::from_slice::<serde_json::Value>(&stored).expect("what is stored is JSON to others too");
    assert!(stored.len() <= GROWTH_MAX * data.len() + FRAME_LEN_MAX, "{} bytes became {}", data.len(), stored.len());

    let mut again = protocol::from_stored(&stored).expect("what was stored is readable");
    assert_same(&stored, &protocol::to_stored(&again), "it is stored as it is read");
    assert_eq!(fingerprint::compute(&again, version).hashes, hashes, "a stored event has the hashes it had");
    assert_eq!(title::of(&again), title, "and the title");
    scrub::event(&mut again, &scrub::Rules::DEFAULT);
    assert_same(&stored, &protocol::to_stored(&again), "scrubbing twice is scrubbing once");
}

#[track_caller]
fn assert_same(before: &[u8], after: &[u8], what: &str) {
    if before != after {
        let at = before.iter().zip(after).position(|(a, b)| a != b).unwrap_or(before.len().min(after.len()));
        let near = |bytes: &[u8]| String::from_utf8_lossy(&bytes[at.saturating_sub(80)..bytes.len().min(at + 80)]).into_owned();
        panic!("{what}, but from byte {at} on it is\n{}\nand then\n{}", near(before), near(after));
    }
}
