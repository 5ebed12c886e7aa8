//! Damaged copies of captured bodies: whatever becomes of them, nothing panics and nothing grows.

use std::fs;
use std::path::Path;

use bugle::pipeline::normalize::{self, Arrival};
use bugle::pipeline::{fingerprint, scrub, title};
use bugle::protocol::{encoding, envelope, event};
use serde_json::{Value, json};
use time::macros::datetime;

/// Damages per body; enough to hit every field of the larger ones within a run over all bodies.
const ROUNDS: usize = 12;
/// Bodies above this are left out: they are long, not different.
const BODY_LEN_MAX: usize = 20_000;

/// The bodies of all captured envelopes and store requests.
fn bodies() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/envelopes");
    let mut paths: Vec<_> = fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort_unstable();
    let bodies: Vec<_> = paths.iter().map(|path| fs::read(path).expect("a body")).filter(|body| body.len() < BODY_LEN_MAX).collect();
    assert!(bodies.len() > 80);
    bodies
}

/// Payloads of the events among them.
fn payloads() -> Vec<Vec<u8>> {
    let of_body = |body: &Vec<u8>| match envelope::parse(body) {
        Ok(envelope) => envelope.items.iter().filter(|item| item.kind == "event").map(|item| item.payload.to_vec()).collect(),
        Err(_) => vec![body.clone()],
    };
    bodies().iter().flat_map(of_body).filter(|payload| payload.len() > 2).collect()
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides.max(1) as u64).expect("below the number of sides")
    }
}

/// Everything the digest does with an event that needs no database.
fn digest(payload: &[u8]) {
    let Ok(mut event) = event::read(payload) else { return };
    let arrival = Arrival { received_at: datetime!(2026-11-20 09:00 UTC), sent_at: None, client_ip: None, user_agent: None };
    normalize::event(&mut event, &arrival);
    scrub::event(&mut event, &scrub::Rules::DEFAULT);
    assert!(!fingerprint::compute(&event, fingerprint::Version::NEWEST).hashes.is_empty());
    let _ = title::of(&event);
    let stored = event::to_stored(&event);
    assert!(stored.len() <= payload.len() * 4 + 20_000, "{} bytes became {}", payload.len(), stored.len());
    assert_eq!(event::from_stored(&stored).expect("and read back"), event);
}

#[test]
fn no_flipped_or_missing_byte_breaks_anything() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for body in bodies() {
        for _ in 0..ROUNDS {
            let mut damaged = body.clone();
            match dice.roll(3) {
                0 => damaged.truncate(dice.roll(body.len() + 1)),
                1 if !damaged.is_empty() => drop(damaged.remove(dice.roll(body.len()))),
                _ => {
                    if let Some(byte) = damaged.get_mut(dice.roll(body.len())) {
                        *byte = b"\0\"\\{}[],:u\xff9-e\n"[dice.roll(15)];
                    }
                }
            }
            for coding in ["gzip", "deflate", "br", "zstd"] {
                let _ = encoding::decode(coding, &damaged, 1 << 20);
            }
            if let Ok((_, items)) = envelope::open(&damaged) {
                items.filter_map(Result::ok).for_each(|item| digest(item.payload));
            }
            digest(&damaged);
        }
    }
}

#[test]
fn no_value_of_a_wrong_kind_breaks_anything() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for payload in payloads() {
        let Ok(sent) = serde_json::from_slice::<Value>(&payload) else { continue };
        for _ in 0..ROUNDS {
            let mut damaged = sent.clone();
            for _ in 0..=dice.roll(4) {
                replace_some(&mut damaged, &mut dice);
            }
            digest(damaged.to_string().as_bytes());
        }
    }
}

/// Goes down a random branch and puts something strange at its end.
fn replace_some(value: &mut Value, dice: &mut Dice) {
    let stops = dice.roll(6) == 0;
    match value {
        Value::Array(list) if !list.is_empty() && !stops => {
            let at = dice.roll(list.len());
            replace_some(&mut list[at], dice);
        }
        Value::Object(object) if !object.is_empty() && !stops => {
            let at = dice.roll(object.len());
            let inner = object.values_mut().nth(at).expect("below the length");
            replace_some(inner, dice);
        }
        _ => *value = strange(dice),
    }
}

fn strange(dice: &mut Dice) -> Value {
    match dice.roll(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1e300),
        5 => json!(""),
        6 => json!("\0\u{202e}\u{1b}[31m%s{{auto}}é"),
        7 => json!("x=".repeat(3_000)),
        8 => json!([]),
        9 => json!({}),
        10 => json!([null, [["a"]], {"values": [{"type": 1}]}]),
        11 => json!({"": {"type": [], "value": {}, "frames": "x", "key": "password", "values": null}}),
        12 => json!("9999-12-31T23:59:59.999999999Z"),
        _ => (0..90).fold(json!("password=hunter2"), |inner, _| json!([inner])),
    }
}

#[test]
fn ten_thousand_of_everything_is_an_event_of_bounded_size() {
    let frames = vec![json!({"function": "f", "vars": {"a": "x".repeat(50)}, "context_line": "y"}); 10_000];
    let many: serde_json::Map<_, _> = (0..10_000).map(|n| (format!("key{n}"), json!("v".repeat(20)))).collect();
    let sent = json!({"exception": [{"type": "E", "stacktrace": {"frames": frames}}], "tags": many, "extra": many, "contexts": {"c": many}, "modules": many,
        "breadcrumbs": vec![json!({"message": "m".repeat(50)}); 10_000], "request": {"headers": many, "cookies": many, "env": many, "data": many},
        "user": many, "threads": vec![json!({"id": 1}); 10_000], "unknown": many, "fingerprint": [1]});
    let sent = sent.to_string();
    let mut event = event::read(sent.as_bytes()).expect("readable");
    let arrival = Arrival { received_at: datetime!(2026-11-20 09:00 UTC), sent_at: None, client_ip: None, user_agent: None };
    normalize::event(&mut event, &arrival);
    scrub::event(&mut event, &scrub::Rules::DEFAULT);
    let stored = event::to_stored(&event);
    assert!(stored.len() < 500_000, "{} bytes", stored.len());
    assert!(event.damage.len() > 10 && event.damage.len() <= event::NOTES_MAX);
}
