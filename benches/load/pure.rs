//! The pure part of the pipeline, stage by stage, on one core: microseconds per 50 KB event.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bugle::pipeline::{fingerprint, normalize, scrub, title};
use bugle::protocol::{encoding, envelope, event};
use bugle::store::payload;

use super::events::{self, Shape};

const COUNT: u64 = 400;
const ROUNDS: usize = 3;
const STAGES: [&str; 8] = ["decode gzip", "frame", "read", "normalize", "scrub", "fingerprint, title", "write JSON", "zstd"];

/// Measures and prints; the first round only warms up.
pub fn print() {
    let bodies = events::bodies(Shape::Mix, COUNT);
    let mut stages = [Duration::ZERO; STAGES.len()];
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        stages = [Duration::ZERO; STAGES.len()];
        bytes = bodies.iter().map(|body| one(&body.gzip, &mut stages)).sum();
    }
    println!(
        "Pure pipeline, µs per event on one core ({} bytes of JSON, {} of zstd at the end):\n",
        bodies[0].json_len,
        bytes / bodies.len()
    );
    println!("| {} | all |\n|{}", STAGES.join(" | "), "---|".repeat(STAGES.len() + 1));
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / COUNT as f64;
    let all: Duration = stages.iter().sum();
    println!("| {} | {:.0} |", stages.map(|stage| format!("{:.0}", micros(stage))).join(" | "), micros(all));
}

fn one(gzip: &[u8], stages: &mut [Duration; STAGES.len()]) -> usize {
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
    scrub::event(&mut event);
    done();
    black_box((fingerprint::compute(&event), title::of(&event)));
    done();
    event::with_stored(&event, |json| {
        done();
        let stored = payload::encode(json);
        done();
        stored.len()
    })
}
