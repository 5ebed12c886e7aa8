//! Finished segments whose file the next ones take: what is left of a former life is never read, and never taken for damage.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::*;

/// One record fills a segment.
const ONE_EACH: SpoolLimits = SpoolLimits { segment_bytes: 60, ..LIMITS };
/// Four records fill a segment.
const FOUR_EACH: SpoolLimits = SpoolLimits { segment_bytes: 150, memory_bytes: 0, ..LIMITS };

fn spare(dir: &Path) -> PathBuf {
    dir.join("spare")
}

/// What a process that dies now leaves behind.
fn died(dir: &Path) -> tempfile::TempDir {
    let copy = super::dir();
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        fs::copy(&path, copy.path().join(path.file_name().expect("it has a name"))).expect("writable");
    }
    copy
}

/// A spool that writes over a segment of long records by now: the first of them is done, nothing of the second is written.
async fn reusing(dir: &Path) -> (Spool, Position) {
    let spool = open_with(dir, FOUR_EACH);
    append(&spool, &"old ".repeat(45)).await;
    append(&spool, "next").await;
    let entries = claim_all(&spool).await;
    spool.acknowledge(&places(&entries[..1]));
    assert!(spare(dir).exists());
    append(&spool, &"x".repeat(150)).await;
    let entries = claim_all(&spool).await;
    spool.acknowledge(&places(&entries));
    let done = entries.last().expect("one was claimed").place.end;
    append(&spool, "a").await;
    (spool, done)
}

#[tokio::test]
async fn a_finished_segment_becomes_the_next_and_only_one_is_kept() {
    let dir = dir();
    let spool = open_with(dir.path(), ONE_EACH);
    append_all(&spool, &["a", "b", "c"]).await;
    let inode = fs::metadata(&segment_paths(dir.path())[0]).expect("it exists").ino();
    spool.acknowledge(&places(&claim_all(&spool).await));
    assert_eq!((segment_paths(dir.path()).len(), spare(dir.path()).exists()), (1, true));
    append(&spool, "d").await;
    assert_eq!(fs::metadata(&segment_paths(dir.path())[0]).expect("it exists").ino(), inode);
    assert_eq!(claim_bodies(&spool).await, ["d"]);
}

#[tokio::test]
async fn what_is_left_of_a_former_life_is_not_read_after_a_crash() {
    let dir = dir();
    let (spool, done) = reusing(dir.path()).await;
    let path = segment_paths(dir.path()).pop().expect("one is written");
    assert!(fs::read(&path).expect("readable").windows(12).any(|bytes| bytes == b"old old old "), "the test tests nothing");
    for n in 0..3 {
        let copy = died(dir.path());
        let again = open_with(copy.path(), FOUR_EACH);
        again.start_from(Some(mark(done))).await;
        let expected: Vec<&str> = ["a", "b", "c"].into_iter().take(n + 1).collect();
        assert_eq!(claim_bodies(&again).await, expected);
        assert_eq!(again.counters().corrupt_count.load(Relaxed), 0);
        append(&spool, ["b", "c", "d"][n]).await;
    }
}

#[tokio::test]
async fn a_segment_shorter_than_its_file_ends_with_its_mark() {
    let dir = dir();
    let (spool, done) = reusing(dir.path()).await;
    append_all(&spool, &["b", "c", "d", "e", "f"]).await;
    assert!(segment_paths(dir.path()).len() >= 2, "the test tests nothing");
    let copy = died(dir.path());
    let seen = survey::depth(copy.path(), Some(&mark(done))).expect("readable");
    let again = open_with(copy.path(), FOUR_EACH);
    again.start_from(Some(mark(done))).await;
    assert_eq!((again.depth().entry_count, seen.entry_count, again.counters().corrupt_count.load(Relaxed)), (6, 6, 0));
    let entries = claim_all(&again).await;
    assert_eq!(bodies(&entries), ["a", "b", "c", "d", "e", "f"]);
    again.acknowledge(&places(&entries));
    assert_eq!(again.depth(), Depth::default());
    assert!(
        fs::read_dir(copy.path()).expect("readable").all(|entry| entry.expect("readable").path().extension() != Some("damaged".as_ref()))
    );
}

#[tokio::test]
async fn a_record_torn_over_what_was_there_costs_only_itself() {
    let dir = dir();
    let (spool, done) = reusing(dir.path()).await;
    let path = segment_paths(dir.path()).pop().expect("one is written");
    let before = fs::read(&path).expect("readable");
    append(&spool, "torn").await;
    let after = fs::read(&path).expect("readable");
    let copy = died(dir.path());
    let path = copy.path().join(path.file_name().expect("it has a name"));
    let end = done_len(&before, &after) + usize::try_from(record_len("torn")).expect("small");
    for written in done_len(&before, &after)..end {
        fs::write(&path, [&after[..written], &before[written..]].concat()).expect("writable");
        let again = open_with(copy.path(), FOUR_EACH);
        again.start_from(Some(mark(done))).await;
        append(&again, "next").await;
        assert_eq!(claim_bodies(&again).await, ["a", "next"], "written up to {written}");
        assert_eq!(again.counters().corrupt_count.load(Relaxed), 0);
        drop(again);
        segment_paths(copy.path()).iter().filter(|other| **other > path).for_each(|other| fs::remove_file(other).expect("deletable"));
    }
}

/// Where two states of a file begin to differ.
fn done_len(before: &[u8], after: &[u8]) -> usize {
    before.iter().zip(after).take_while(|(before, after)| before == after).count()
}

#[tokio::test]
async fn a_segment_that_ends_cleanly_leaves_nothing_of_the_former_behind() {
    let dir = dir();
    let (spool, done) = reusing(dir.path()).await;
    spool.release().await;
    drop(spool);
    let path = segment_paths(dir.path()).pop().expect("one was written");
    assert_eq!(fs::metadata(&path).expect("it exists").len(), segment::HEADER_BYTES + record_len("a"));
    let again = open_with(dir.path(), FOUR_EACH);
    again.start_from(Some(mark(done))).await;
    assert_eq!(claim_bodies(&again).await, ["a"]);
}

#[tokio::test]
async fn what_an_earlier_life_kept_is_used_if_it_has_the_right_length() {
    for (len, is_kept) in [(50, false), (80, true), (500, false)] {
        let dir = dir();
        fs::write(spare(dir.path()), vec![b'x'; len]).expect("writable");
        let spool = open_with(dir.path(), ONE_EACH);
        assert_eq!(spare(dir.path()).exists(), is_kept, "{len}");
        append(&spool, "a").await;
        assert_eq!(claim_bodies(&spool).await, ["a"]);
        assert!(!spare(dir.path()).exists());
    }
}

#[tokio::test]
async fn a_segment_after_damage_in_the_middle_ends_where_it_ended() {
    let dir = dir();
    let (spool, done) = reusing(dir.path()).await;
    append_all(&spool, &["b", "c", "d", "e"]).await;
    let copy = died(dir.path());
    let path = segment::path(copy.path(), done.segment + 1);
    let mut bytes = fs::read(&path).expect("readable");
    let third = usize::try_from(segment::HEADER_BYTES + 2 * record_len("a")).expect("small");
    bytes[third] ^= 1;
    fs::write(&path, bytes).expect("writable");
    let again = open_with(copy.path(), FOUR_EACH);
    again.start_from(Some(mark(done))).await;
    assert_eq!(claim_bodies(&again).await, ["a", "b", "d", "e"]);
    assert_eq!(again.counters().corrupt_count.load(Relaxed), 1);
}
