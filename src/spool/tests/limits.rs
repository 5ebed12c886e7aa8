//! Full, and no longer full.

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
