//! Torn tails and flipped bits.

use std::fs;

use super::*;

/// Appends these bodies, closes, and gives the bytes of the only segment.
async fn written(dir: &Path, bodies: &[&str]) -> (PathBuf, Vec<u8>) {
    let spool = open(dir);
    append_all(&spool, bodies).await;
    drop(spool);
    let path = segment_paths(dir).remove(0);
    let bytes = fs::read(&path).expect("readable");
    (path, bytes)
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_costs_only_the_last_record() {
    let dir = dir();
    let (path, bytes) = written(dir.path(), &["kept", "torn"]).await;
    let last_len = usize::try_from(record_len("torn")).expect("small");
    for len in bytes.len() - last_len..bytes.len() {
        fs::write(&path, &bytes[..len]).expect("writable");
        let spool = open(dir.path());
        assert_eq!(spool.depth().entry_count, 1, "cut at {len}");
        append(&spool, "next").await;
        assert_eq!(claim_bodies(&spool).await, ["kept", "next"], "cut at {len}");
        drop(spool);
        segment_paths(dir.path()).iter().filter(|other| **other != path).for_each(|other| fs::remove_file(other).expect("deletable"));
    }
}

#[tokio::test]
async fn a_tail_of_zeros_or_garbage_is_cut_off() {
    for tail in [vec![0; 5_000], vec![0xa5; 777]] {
        let dir = dir();
        let (path, bytes) = written(dir.path(), &["kept"]).await;
        fs::write(&path, [bytes.clone(), tail].concat()).expect("writable");
        let spool = open(dir.path());
        assert_eq!(claim_bodies(&spool).await, ["kept"]);
        assert_eq!(fs::metadata(&path).expect("it exists").len(), bytes.len() as u64);
    }
}

#[tokio::test]
async fn a_header_torn_at_any_byte_is_an_empty_segment() {
    for len in 0..segment::HEADER_BYTES as usize {
        let dir = dir();
        let (path, bytes) = written(dir.path(), &["never confirmed"]).await;
        fs::write(&path, &bytes[..len]).expect("writable");
        let spool = open(dir.path());
        append(&spool, "next").await;
        assert_eq!(claim_bodies(&spool).await, ["next"], "cut at {len}");
    }
}

#[tokio::test]
async fn a_damaged_record_costs_only_itself_and_its_segment_is_kept_aside() {
    let dir = dir();
    let (path, bytes) = written(dir.path(), &["first", "second", "third"]).await;
    let second = record_len("first") + segment::HEADER_BYTES;
    let third = second + record_len("second");
    for at in second..third {
        let mut damaged = bytes.clone();
        damaged[usize::try_from(at).expect("small")] ^= 0x10;
        fs::write(&path, &damaged).expect("writable");

        let spool = open(dir.path());
        append(&spool, "next").await;
        let entries = claim_all(&spool).await;
        assert_eq!(bodies(&entries), ["first", "third", "next"], "byte {at}");
        assert_eq!(spool.counters().corrupt_count.load(Relaxed), 1);
        spool.acknowledge(&places(&entries));
        assert_eq!(spool.depth(), Depth::default());
        drop(spool);

        let aside = path.with_extension("damaged");
        assert_eq!(fs::read(&aside).expect("kept"), damaged);
        fs::remove_file(aside).expect("deletable");
        segment_paths(dir.path()).iter().for_each(|other| fs::remove_file(other).expect("deletable"));
    }
}

#[tokio::test]
async fn damage_at_the_end_of_a_finished_segment_leaves_nothing_waiting() {
    let dir = dir();
    let (path, mut bytes) = written(dir.path(), &["first", "second"]).await;
    drop(open(dir.path()));
    let spool = open(dir.path());
    append(&spool, "next").await;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).expect("writable");
    let entries = claim_all(&spool).await;
    assert_eq!(bodies(&entries), ["first", "next"]);
    spool.acknowledge(&places(&entries));
    assert_eq!(spool.depth(), Depth::default());
}

#[tokio::test]
async fn a_damaged_segment_header_is_kept_aside_and_a_newer_format_refused() {
    let dir = dir();
    let (path, bytes) = written(dir.path(), &["first"]).await;

    let mut newer = bytes.clone();
    newer[8] = 9;
    fs::write(&path, &newer).expect("writable");
    let Err(refused) = Spool::open(dir.path(), LIMITS, Clock::system()) else { panic!("it was opened") };
    assert!(matches!(refused, OpenError::Newer { version: 9, .. }), "{refused}");

    let mut damaged = bytes;
    damaged[0] = b'X';
    fs::write(&path, &damaged).expect("writable");
    let spool = open(dir.path());
    append(&spool, "next").await;
    assert_eq!(claim_bodies(&spool).await, ["next"]);
    assert_eq!(fs::read(path.with_extension("damaged")).expect("kept"), damaged);
}

#[tokio::test]
async fn an_unreadable_node_id_is_replaced() {
    let dir = dir();
    let old = open(dir.path()).node_id();
    fs::write(dir.path().join("node_id"), "garbage").expect("writable");
    let new = open(dir.path()).node_id();
    assert_ne!(new, old);
    assert_eq!(open(dir.path()).node_id(), new);
}

#[tokio::test]
async fn a_segment_that_cannot_be_read_at_all_does_not_keep_the_server_from_starting() {
    let dir = dir();
    append(&open_with(dir.path(), SMALL_SEGMENTS), "first").await;
    fs::create_dir(segment::path(dir.path(), 2)).expect("writable");
    let spool = open(dir.path());
    append(&spool, "next").await;
    assert_eq!(claim_bodies(&spool).await, ["first", "next"]);
    assert!(segment::path(dir.path(), 2).with_extension("damaged").is_dir());
}

/// What follows damage is searched a piece at a time, and a header may lie across the end of one.
#[tokio::test]
async fn a_record_far_behind_the_damage_is_found_wherever_it_begins() {
    const PIECE: usize = 1 << 20;
    for distance in (PIECE - 24..PIECE + 4).step_by(3).chain([2 * PIECE, 2 * PIECE - 30]) {
        let dir = dir();
        let body = "x".repeat(distance - usize::try_from(record_len("")).expect("small"));
        let (path, mut bytes) = written(dir.path(), &["first", &body, "third"]).await;
        let second = usize::try_from(segment::HEADER_BYTES + record_len("first")).expect("small");
        bytes[second] ^= 1;
        fs::write(&path, &bytes).expect("writable");
        let spool = open(dir.path());
        append(&spool, "next").await;
        assert_eq!(claim_bodies(&spool).await, ["first", "third", "next"], "{distance} bytes behind");
    }
}
