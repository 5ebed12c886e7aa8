//! The pure part of the pipeline, stage by stage, on one core: microseconds per 50 KB event.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bugle::pipeline::{fingerprint, normalize, scrub, title};
use bugle::protocol::{encoding, envelope, event};
use bugle::store::payload::{Encoder, Gathering};

use super::events::{self, Shape};

const COUNT: u64 = 400;
/// Events before those that are measured, of which the dictionary is made.
const STUDIED: usize = 750;
const ROUNDS: usize = 3;
const STAGES: [&str; 8] = ["decode gzip", "frame", "read", "normalize", "scrub", "fingerprint, title", "write JSON", "zstd"];

/// Measures and prints; the first round only warms up.
pub fn print() {
    let bodies = events::bodies(Shape::Mix, COUNT + STUDIED as u64);
    let (studied, bodies) = bodies.split_at(STUDIED);
    let mut gathering = Gathering::default();
    let began = Instant::now();
    studied.iter().for_each(|body| gathering.add(&stored_json(&body.gzip)));
    let content = gathering.content();
    let made_in = began.elapsed();
    let encoder = Encoder::new(&content).expect("zstd takes it");
    let mut stages = [Duration::ZERO; STAGES.len()];
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        stages = [Duration::ZERO; STAGES.len()];
        bytes = bodies.iter().map(|body| one(&body.gzip, &encoder, &mut stages)).sum();
    }
    println!(
        "Pure pipeline, µs per event on one core ({} bytes of JSON, {} of zstd at the end):\n",
        bodies[0].json_len,
        bytes / bodies.len()
    );
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / COUNT as f64;
    let all: Duration = stages.iter().sum();
    println!(
        "\nThe dictionary: {} KB of {STUDIED} earlier events, made in {} ms of which most went into reading these.\n",
        content.len() >> 10,
        made_in.as_millis()
    );
    println!("| {} | all |\n|{}", STAGES.join(" | "), "---|".repeat(STAGES.len() + 1));
    println!("| {} | {:.0} |", stages.map(|stage| format!("{:.0}", micros(stage))).join(" | "), micros(all));
}

fn one(gzip: &[u8], encoder: &Encoder, stages: &mut [Duration; STAGES.len()]) -> usize {
    let mut mark = Instant::now();
    let mut next = 0;
    let mut done = || {
        stages[next] += mark.elapsed();
        next += 1;
        mark = Instant::now();
    };
    let received_at = bugle::clock::Clock::system().now();
    let plain = encoding::decode("gzip", gzip, 20 << 20).expect("made by us");
    done();
    let envelope = envelope::parse(&plain).expect("made by us");
    done();
    let mut event = event::read(envelope.items[0].payload).expect("made by us");
    done();
    let arrival =
        normalize::Arrival { received_at, sent_at: envelope.header.sent_at, client_ip: Some("203.0.113.9".into()), user_agent: None };
    normalize::event(&mut event, &arrival);
    done();
    scrub::event(&mut event, &scrub::Rules::DEFAULT);
    done();
    black_box((fingerprint::compute(&event, fingerprint::Version::NEWEST), title::of(&event)));
    done();
    event::with_stored(&event, |json, locals| {
        done();
        let stored = encoder.encode_moving(json, Some(locals));
        done();
        stored.len()
    })
}

/// What the digest would store.
fn stored_json(gzip: &[u8]) -> Vec<u8> {
    let received_at = bugle::clock::Clock::system().now();
    let plain = encoding::decode("gzip", gzip, 20 << 20).expect("made by us");
    let envelope = envelope::parse(&plain).expect("made by us");
    let mut event = event::read(envelope.items[0].payload).expect("made by us");
    normalize::event(&mut event, &normalize::Arrival { received_at, sent_at: None, client_ip: None, user_agent: None });
    scrub::event(&mut event, &scrub::Rules::DEFAULT);
    event::to_stored(&event)
}
