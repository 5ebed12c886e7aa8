//! `make bench-pipeline`: the pure part of the digest on one core, from the payload of an event to what is stored before it is compressed.
//! Bars: 1 ms for an ordinary event, 10 ms for one of a recursion. Figures in `docs/performance.md`.

use std::hint::black_box;
use std::io::{BufRead, BufReader};

use bugle::pipeline::normalize::{self, Arrival};
use bugle::pipeline::{fingerprint, scrub, title};
use bugle::protocol::{envelope, event};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use time::OffsetDateTime;
use time::macros::datetime;

#[expect(dead_code, reason = "shared with the load generator, which needs more of it")]
#[path = "../load/events.rs"]
mod events;

const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
/// Labelled events, some of which are captured Django `RecursionError`s with 970 frames.
const LABELLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/grouping/events.jsonl.gz");
/// No other event of that file is as long. Bytes.
const RECURSION_LEN_MIN: usize = 500_000;

/// A Django event of 50 KB, as the load generator sends it.
fn ordinary() -> Vec<u8> {
    let body = events::envelope(events::Shape::Mix, 7, NOW);
    envelope::parse(&body).expect("made by us").items[0].payload.to_vec()
}

/// The shortest of the recursions.
fn recursion() -> Vec<u8> {
    let file = std::fs::File::open(LABELLED).expect("part of the repository");
    let lines = BufReader::new(GzDecoder::new(file)).split(b'\n').map(|line| line.expect("readable"));
    lines.filter(|line| line.len() >= RECURSION_LEN_MIN).min_by_key(Vec::len).expect("there are some")
}

fn understand(payload: &[u8]) {
    let mut event = event::read(payload).expect("an event");
    let arrival = Arrival { received_at: NOW, sent_at: Some(NOW), client_ip: Some("203.0.113.9".into()), user_agent: None };
    normalize::event(&mut event, &arrival);
    scrub::event(&mut event, &scrub::Rules::DEFAULT);
    black_box((fingerprint::compute(&event, fingerprint::Version::NEWEST), title::of(&event)));
}

fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read, normalize, scrub, fingerprint");
    for (name, payload) in [("an event of 50 KB (bar: 1 ms)", ordinary()), ("a recursion (bar: 10 ms)", recursion())] {
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| understand(black_box(&payload))));
    }
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
