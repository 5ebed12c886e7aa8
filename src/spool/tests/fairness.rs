//! Lanes take turns, and whatever was done out of turn is done once, over any crash.

use std::collections::BTreeSet;

use super::*;

async fn append_to(spool: &Spool, lane: u64, body: &str) {
    spool.append(lane, b"meta", Bytes::copy_from_slice(body.as_bytes())).await.expect("the record is kept");
}

/// A flood of one lane, from many senders at once: group commit makes it quick.
async fn flood(spool: &Spool, lane: u64, count: usize) {
    let senders = (0..count).map(|n| {
        let spool = spool.clone();
        async move { append_to(&spool, lane, &format!("flood {n} {}", "x".repeat(200))).await }
    });
    futures_util::future::join_all(senders).await;
}

#[tokio::test]
async fn one_record_of_another_lane_is_in_the_next_batch_however_much_waits() {
    for limits in [LIMITS, NO_MEMORY] {
        let dir = dir();
        let spool = open_with(dir.path(), limits);
        flood(&spool, 1, 30_000).await;
        append_to(&spool, 2, "small").await;
        let batch = spool.claim(512, 4 << 20).await.expect("readable");
        assert_eq!(batch.len(), 512);
        assert!(bodies(&batch).contains(&"small".to_owned()));
        assert!(batch.is_sorted_by_key(|entry| entry.place.start), "a batch is in the order of appending");
        spool.acknowledge(&places(&batch));
        assert_eq!(spool.depth().entry_count, 30_001 - 512);
    }
}

#[tokio::test]
async fn what_was_done_out_of_turn_is_not_done_again_after_a_restart() {
    let dir = dir();
    let spool = open(dir.path());
    flood(&spool, 1, 2_000).await;
    append_to(&spool, 2, "small").await;
    let first = spool.claim(100, 4 << 20).await.expect("readable");
    assert!(bodies(&first).contains(&"small".to_owned()));
    let stored = spool.mark_after(&places(&first));
    assert!(!stored.ahead.is_empty());
    drop(spool); // between the commit and the acknowledgement

    let spool = open(dir.path());
    spool.start_from(Some(stored)).await;
    assert_eq!(spool.depth().entry_count, 2_001 - 100);
    let rest = claim_bodies(&spool).await;
    assert_eq!(rest.len(), 2_001 - 100);
    assert!(!rest.contains(&"small".to_owned()));
}

#[tokio::test]
async fn records_of_the_format_without_lanes_are_read_after_an_upgrade() {
    let dir = dir();
    let salt = record::Salt([3; 16]);
    let mut bytes = segment::header(salt).to_vec();
    bytes[8] = 1;
    bytes[16..].copy_from_slice(&salt.0);
    for body in ["old 1", "old 2"] {
        let offset = bytes.len() as u64;
        record::encode(salt, offset, b"meta", body.as_bytes(), &mut bytes);
    }
    std::fs::write(segment::path(dir.path(), 1), &bytes).expect("writable");
    let spool = open(dir.path());
    append(&spool, "new").await;
    let entries = claim_all(&spool).await;
    assert_eq!(bodies(&entries), ["old 1", "old 2", "new"]);
    assert!(entries.iter().all(|entry| entry.meta == "meta"));
    spool.acknowledge(&places(&entries));
    assert_eq!(spool.depth(), Depth::default());
}

/// A small deterministic generator.
struct Draw(u64);

impl Draw {
    fn below(&mut self, max: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % max
    }
}

/// A spool, what a database would hold of it, and what became of every record.
struct Life {
    dir: tempfile::TempDir,
    spool: Spool,
    stored: Option<Mark>,
    done: Vec<String>,
    appended: usize,
}

impl Life {
    fn new(limits: SpoolLimits) -> Self {
        let dir = dir();
        let spool = open_with(dir.path(), limits);
        Self { dir, spool, stored: None, done: Vec::new(), appended: 0 }
    }

    async fn append(&mut self, draw: &mut Draw) {
        let lane = if draw.below(3) == 0 { draw.below(50) } else { 7 };
        append_to(&self.spool, lane, &format!("r{}", self.appended)).await;
        self.appended += 1;
    }

    /// Claims, and commits in slices, any of which may fail, or be followed by a crash before it is acknowledged.
    async fn digest(&mut self, draw: &mut Draw, limits: SpoolLimits) {
        let batch = self.spool.claim(1 + draw.below(12) as usize, 1 << 20).await.expect("readable");
        for slice in batch.chunks(1 + draw.below(5) as usize) {
            if draw.below(6) == 0 {
                return self.spool.rewind().await; // the database refused
            }
            self.stored = Some(self.spool.mark_after(&places(slice)));
            self.done.extend(bodies(slice));
            if draw.below(8) == 0 {
                return self.crash(limits).await;
            }
            self.spool.acknowledge(&places(slice));
        }
    }

    async fn crash(&mut self, limits: SpoolLimits) {
        self.spool.release().await;
        self.spool = open_with(self.dir.path(), limits);
        self.spool.start_from(self.stored.clone()).await;
    }
}

#[tokio::test]
async fn every_record_is_done_once_whatever_fails_and_crashes_in_between() {
    for seed in 0..12 {
        let mut draw = Draw(seed);
        let limits = SpoolLimits { segment_bytes: 100 + draw.below(2_000), memory_bytes: draw.below(2_000) as usize, ..LIMITS };
        let mut life = Life::new(limits);
        for _ in 0..150 {
            match draw.below(10) {
                0..=5 => life.append(&mut draw).await,
                6..=8 => life.digest(&mut draw, limits).await,
                _ => life.crash(limits).await,
            }
        }
        life.crash(limits).await;
        life.done.extend(claim_bodies(&life.spool).await);
        let once: BTreeSet<_> = life.done.iter().collect();
        assert_eq!((life.done.len(), once.len()), (life.appended, life.appended), "seed {seed}");
    }
}

#[tokio::test]
async fn the_list_of_what_is_done_out_of_turn_stays_small() {
    let dir = dir();
    let spool = open_with(dir.path(), NO_MEMORY);
    // Two lanes in turns, one with large records: by bytes the other gets far ahead, one stretch for each of its records.
    let large = "x".repeat(6_000);
    let senders = (0..20_000).map(|n| {
        let (spool, body) = (spool.clone(), if n % 2 == 0 { large.as_str() } else { "" });
        async move { append_to(&spool, n % 2, body).await }
    });
    futures_util::future::join_all(senders).await;
    let (mut longest, mut count) = (0, 0);
    loop {
        let batch = spool.claim(512, 4 << 20).await.expect("readable");
        if batch.is_empty() {
            break;
        }
        count += batch.len();
        longest = longest.max(spool.mark_after(&places(&batch)).ahead.len());
        spool.acknowledge(&places(&batch));
    }
    assert_eq!(count, 20_000);
    assert!(longest > 1_000, "it was needed: {longest}");
    assert!(longest < 32_000, "{longest}");
    assert_eq!(spool.depth(), Depth::default());
}

#[tokio::test]
async fn damage_in_the_middle_of_a_flood_costs_only_what_it_hit() {
    let dir = dir();
    let spool = open_with(dir.path(), NO_MEMORY);
    for n in 0..200 {
        append_to(&spool, n % 5, &format!("r{n}")).await;
    }
    drop(spool);
    let path = segment_paths(dir.path()).remove(0);
    let mut bytes = std::fs::read(&path).expect("readable");
    let (header, content) = (2_000, bytes.len() / 2);
    for at in [header, content] {
        bytes[at] ^= 0x55;
    }
    std::fs::write(&path, &bytes).expect("writable");
    let spool = open_with(dir.path(), NO_MEMORY);
    let entries = claim_all(&spool).await;
    assert_eq!(entries.len(), 198);
    spool.acknowledge(&places(&entries));
    assert_eq!(spool.depth(), Depth::default(), "progress gets over the damage");
    assert_eq!(spool.counters().corrupt_count.load(Relaxed), 2);
}
