//! Full, and no longer full.

use time::Duration;
use time::macros::datetime;

use super::*;

#[tokio::test]
async fn a_full_spool_refuses_until_something_is_acknowledged() {
    let dir = dir();
    let record = record_len("x");
    let spool = open_with(dir.path(), SpoolLimits { max_bytes: 2 * record, ..LIMITS });
    append_all(&spool, &["a", "b"]).await;
    let refused = spool.append(1, b"meta", Bytes::from_static(b"c")).await;
    assert!(matches!(refused, Err(AppendError::Full { .. })), "{refused:?}");
    assert_eq!(spool.counters().refused_count.load(Relaxed), 1);
    let entries = claim_all(&spool).await;
    assert_eq!(bodies(&entries), ["a", "b"], "nothing of the refused record is left");
    spool.acknowledge(&places(&entries[..1]));
    append(&spool, "d").await;
    assert_eq!(claim_bodies(&spool).await, ["d"]);
}

#[tokio::test]
async fn a_limit_below_a_segment_never_blocks_for_good() {
    let dir = dir();
    let spool = open_with(dir.path(), SpoolLimits { max_bytes: 200, ..LIMITS });
    for _ in 0..100 {
        append(&spool, "some record").await;
        let last = claim_all(&spool).await.pop().expect("one");
        spool.acknowledge(&[last.place]);
    }
    assert!(spool.room().is_ok());
}

#[tokio::test]
async fn room_is_told_before_anything_is_appended() {
    let dir = dir();
    let spool = open_with(dir.path(), SpoolLimits { max_bytes: 10, ..LIMITS });
    assert!(spool.room().is_ok());
    drop(spool);
    let spool = open_with(dir.path(), SpoolLimits { min_free_bytes: u64::MAX, ..LIMITS });
    assert!(matches!(spool.append(1, b"", Bytes::new()).await, Err(AppendError::DiskLow { .. })));
}

#[test]
fn defaults_follow_the_disk() {
    let dir = dir();
    let limits = SpoolLimits::for_disk(&dir.path().join("not/yet/there")).expect("the disk answers");
    let disk = disk(dir.path()).expect("the disk answers");
    assert!(limits.max_bytes <= 1 << 30 && limits.max_bytes <= disk.total_bytes / 10);
    assert!(limits.min_free_bytes <= 256 << 20);
}

#[tokio::test]
async fn what_waits_for_too_long_lets_nothing_join_until_something_is_digested() {
    let dir = dir();
    let clock = Clock::manual(datetime!(2026-11-20 12:00 UTC));
    let limits = SpoolLimits { max_age: Duration::hours(2), ..LIMITS };
    let spool = Spool::open(dir.path(), limits, clock.clone()).expect("the spool opens");
    append(&spool, "a").await;
    assert_eq!(spool.depth().waiting_since, Some(clock.now()));
    clock.advance(Duration::hours(1));
    append(&spool, "b").await;
    clock.advance(Duration::minutes(61));
    assert!(matches!(spool.room(), Err(AppendError::Stuck { .. })));
    let refused = spool.append(1, b"meta", Bytes::from_static(b"c")).await;
    assert!(matches!(refused, Err(AppendError::Stuck { .. })), "{refused:?}");

    let entries = claim_all(&spool).await;
    assert_eq!(bodies(&entries), ["a", "b"]);
    spool.acknowledge(&places(&entries[..1]));
    append(&spool, "d").await;
    assert_eq!(spool.depth().waiting_since, Some(datetime!(2026-11-20 13:00 UTC)), "b is the oldest now");
    spool.acknowledge(&places(&entries[1..]));
    spool.acknowledge(&places(&claim_all(&spool).await));
    assert_eq!(spool.depth().waiting_since, None);
}

#[tokio::test]
async fn a_backlog_that_is_being_digested_is_never_too_old() {
    let dir = dir();
    let clock = Clock::manual(datetime!(2026-11-20 12:00 UTC));
    let spool = Spool::open(dir.path(), SpoolLimits { max_age: Duration::hours(2), ..LIMITS }, clock.clone()).expect("the spool opens");
    append_all(&spool, &["a", "b", "c"]).await;
    let entries = claim_all(&spool).await;
    clock.advance(Duration::hours(3));
    spool.acknowledge(&places(&entries[..1]));
    clock.advance(Duration::minutes(119));
    append(&spool, "d").await;
    clock.advance(Duration::minutes(2));
    assert!(matches!(spool.room(), Err(AppendError::Stuck { .. })));
}

#[tokio::test]
async fn a_restart_in_the_middle_of_an_outage_does_not_make_what_waits_younger() {
    let dir = dir();
    let noon = datetime!(2026-11-20 12:00 UTC);
    let clock = Clock::manual(noon);
    let limits = SpoolLimits { max_age: Duration::hours(2), ..LIMITS };
    let spool = Spool::open(dir.path(), limits, clock.clone()).expect("the spool opens");
    append(&spool, "done").await;
    spool.acknowledge(&places(&claim_all(&spool).await));
    clock.advance(Duration::hours(1));
    append(&spool, "a").await;
    clock.advance(Duration::minutes(1));
    append(&spool, "b").await;
    drop(spool);
    clock.advance(Duration::minutes(118));
    let spool = Spool::open(dir.path(), limits, clock.clone()).expect("the spool opens");
    assert_eq!(spool.depth().waiting_since, Some(noon + Duration::hours(1)));
    assert!(spool.room().is_ok());
    clock.advance(Duration::minutes(2));
    assert!(matches!(spool.room(), Err(AppendError::Stuck { .. })));
    spool.acknowledge(&places(&claim_all(&spool).await));
    drop(spool);
    let spool = Spool::open(dir.path(), limits, clock.clone()).expect("the spool opens");
    assert!(spool.room().is_ok(), "an outage that is over leaves nothing behind");
}

#[tokio::test]
async fn a_look_from_outside_sees_what_waits_and_changes_nothing() {
    let dir = dir();
    let clock = Clock::manual(datetime!(2026-11-20 12:00 UTC));
    let spool = Spool::open(dir.path(), SMALL_SEGMENTS, clock.clone()).expect("the spool opens");
    append_all(&spool, &["a", "b", "c"]).await;
    clock.advance(Duration::minutes(1));
    append_all(&spool, &["d", "e"]).await; // the age is noted behind the answer, but before the next group
    let first = spool.claim(1, 1_000).await.expect("readable");
    let mark = spool.mark_after(&[first[0].place]);
    assert_eq!(survey::node_id(dir.path()), Some(spool.node_id()));
    let seen = survey::depth(dir.path(), Some(&mark)).expect("readable");
    assert_eq!((seen.entry_count, seen.waiting_since), (4, None), "the note speaks of the one that is done");
    let seen = survey::depth(dir.path(), None).expect("readable");
    assert_eq!((seen.entry_count, seen.waiting_since), (5, Some(datetime!(2026-11-20 12:00 UTC))));
    spool.acknowledge(&places(&first));
    assert_eq!(claim_bodies(&spool).await, ["b", "c", "d", "e"]);
}

#[test]
fn segments_are_a_part_of_what_may_wait() {
    let with = |max_bytes| SpoolLimits::default().with(Some(max_bytes), Duration::hours(1)).segment_bytes;
    assert_eq!((with(1 << 30), with(8 << 30), with(32 << 20)), (64 << 20, 64 << 20, 2 << 20));
}
