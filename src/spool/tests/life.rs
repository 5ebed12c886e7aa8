//! From append to acknowledgement, over restarts.

use super::*;

#[tokio::test]
async fn what_was_appended_is_claimed_in_order_and_only_once() {
    let dir = dir();
    let spool = open(dir.path());
    append_all(&spool, &["a", "", "c"]).await;
    let entries = claim_all(&spool).await;
    assert_eq!(bodies(&entries), ["a", "", "c"]);
    assert!(entries.iter().all(|entry| entry.meta == "meta"));
    assert!(entries.is_sorted_by_key(|entry| entry.place.start));
    assert_eq!(claim_bodies(&spool).await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_lost_by_a_restart_and_nothing_done_twice() {
    let dir = dir();
    let spool = open(dir.path());
    append_all(&spool, &["a", "b", "c"]).await;
    let done = spool.claim(2, 1 << 20).await.expect("readable")[1].place.end;
    let node_id = spool.node_id();
    drop(spool);

    let spool = open(dir.path());
    assert_eq!(spool.node_id(), node_id);
    assert_eq!(spool.depth().entry_count, 3);
    append(&spool, "d").await;
    spool.start_from(Some(mark(done))).await;
    assert_eq!(spool.depth().entry_count, 2);
    assert_eq!(claim_bodies(&spool).await, ["c", "d"]);
}

#[tokio::test]
async fn without_a_position_everything_on_disk_is_claimed() {
    let dir = dir();
    append_all(&open(dir.path()), &["a", "b"]).await;
    let spool = open(dir.path());
    spool.start_from(None).await;
    assert_eq!(claim_bodies(&spool).await, ["a", "b"]);
}

#[tokio::test]
async fn the_end_of_one_life_is_the_beginning_of_the_next() {
    let dir = dir();
    let spool = open(dir.path());
    append_all(&spool, &["a", "b"]).await;
    let done = claim_all(&spool).await[1].place.end;
    drop(spool);
    let spool = open(dir.path());
    spool.start_from(Some(mark(done))).await;
    assert_eq!(spool.depth(), Depth::default());
    append(&spool, "c").await;
    let entries = claim_all(&spool).await;
    assert_eq!(bodies(&entries), ["c"]);
    assert!(entries[0].place.end > done, "positions grow for ever");
}

#[tokio::test]
async fn positions_grow_even_when_everything_was_deleted() {
    let dir = dir();
    let mut last = Position { segment: 0, offset: 0 };
    for _ in 0..4 {
        let spool = open_with(dir.path(), SMALL_SEGMENTS);
        spool.start_from(Some(mark(last))).await;
        append_all(&spool, &["a", "b"]).await;
        let entries = claim_all(&spool).await;
        assert_eq!(bodies(&entries), ["a", "b"]);
        assert!(entries[0].place.end > last);
        last = entries[1].place.end;
        spool.acknowledge(&places(&entries));
    }
}

#[tokio::test]
async fn a_spool_older_than_the_database_is_done_again_and_goes_on_behind_it() {
    let dir = dir();
    append(&open(dir.path()), "restored").await;
    let spool = open(dir.path());
    let ahead = Position { segment: 9, offset: 500 };
    spool.start_from(Some(mark(ahead))).await;
    append(&spool, "new").await;
    let entries = claim_all(&spool).await;
    assert_eq!(bodies(&entries), ["restored", "new"]);
    assert!(entries[1].place.end > ahead);
}

#[tokio::test]
async fn a_batch_that_failed_is_claimed_again_before_what_follows() {
    let dir = dir();
    let spool = open(dir.path());
    append_all(&spool, &["a", "b", "c", "d"]).await;
    let first = spool.claim(1, 1 << 20).await.expect("readable");
    spool.acknowledge(&places(&first));
    spool.claim(2, 1 << 20).await.expect("readable");
    spool.rewind().await;
    assert_eq!(spool.depth().entry_count, 3);
    assert_eq!(claim_bodies(&spool).await, ["b", "c", "d"]);
}

#[tokio::test]
async fn finished_segments_are_deleted_and_the_last_stays() {
    let dir = dir();
    let spool = open_with(dir.path(), SMALL_SEGMENTS);
    append_all(&spool, &["a", "b", "c"]).await;
    assert_eq!(segment_paths(dir.path()).len(), 3);
    let entries = claim_all(&spool).await;
    spool.acknowledge(&places(&entries[..1]));
    assert_eq!((segment_paths(dir.path()).len(), spool.depth().entry_count), (2, 2));
    spool.acknowledge(&places(&entries));
    assert_eq!((segment_paths(dir.path()).len(), spool.depth()), (1, Depth::default()));
}

#[tokio::test]
async fn what_was_not_claimed_cannot_be_acknowledged() {
    let dir = dir();
    let spool = open(dir.path());
    append_all(&spool, &["a", "b"]).await;
    let nowhere = Position { segment: 99, offset: 0 };
    spool.acknowledge(&[Place { start: nowhere, end: nowhere }]);
    assert_eq!(spool.depth().entry_count, 2);
    assert_eq!(claim_bodies(&spool).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_may_append_at_once_and_each_is_kept_once() {
    let dir = dir();
    let spool = open_with(dir.path(), SpoolLimits { segment_bytes: 10_000, memory_bytes: 5_000, ..LIMITS });
    let appends = (0..500).map(|n| {
        let spool = spool.clone();
        tokio::spawn(async move { append(&spool, &format!("record {n}")).await })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.expect("the append does not panic");
    }
    assert!(spool.counters().fsync_count.load(Relaxed) <= 500);
    assert_eq!(spool.counters().appended_count.load(Relaxed), 500);
    let entries = claim_all(&spool).await;
    assert!(entries.is_sorted_by_key(|entry| entry.place.start));
    let mut found = bodies(&entries);
    found.sort();
    let mut expected: Vec<String> = (0..500).map(|n| format!("record {n}")).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn waiting_ends_with_the_first_record() {
    let dir = dir();
    let spool = open(dir.path());
    let waiting = tokio::spawn({
        let spool = spool.clone();
        async move { spool.wait().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    append(&spool, "a").await;
    waiting.await.expect("the wait ends");
    spool.wait().await; // still there, so no waiting at all
    claim_all(&spool).await;
    spool.rewind().await;
    spool.wait().await;
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_has_let_go() {
    let dir = dir();
    let first = open(dir.path());
    append(&first, "a").await;
    let Err(refused) = Spool::open(dir.path(), LIMITS, Clock::system()) else { panic!("two have it open") };
    assert!(matches!(refused, OpenError::InUse(_)));
    assert!(refused.to_string().contains("in use by another Bugle process"), "{refused}");
    first.release().await;
    assert!(matches!(first.append(1, b"", Bytes::new()).await, Err(AppendError::Closed)));
    assert_eq!(claim_bodies(&first).await, [""; 0], "it no longer owns its directory");
    assert_eq!(claim_bodies(&open(dir.path())).await, ["a"]);
}

#[tokio::test]
async fn what_was_accepted_before_closing_can_still_be_digested() {
    let dir = dir();
    let spool = open(dir.path());
    append(&spool, "a").await;
    spool.close().await;
    assert!(matches!(spool.append(1, b"", Bytes::new()).await, Err(AppendError::Closed)));
    let entries = claim_all(&spool).await;
    assert_eq!(bodies(&entries), ["a"]);
    spool.acknowledge(&places(&entries[..1]));
    assert_eq!(spool.depth(), Depth::default());
}

#[tokio::test]
async fn closing_writes_what_waits() {
    let dir = dir();
    let spool = open(dir.path());
    let appends: Vec<_> = (0..50)
        .map(|_| {
            let spool = spool.clone();
            tokio::spawn(async move { spool.append(1, b"", Bytes::from_static(b"x")).await })
        })
        .collect();
    tokio::task::yield_now().await;
    spool.close().await;
    let mut kept_count = 0;
    for append in appends {
        kept_count += u64::from(append.await.expect("no panic").is_ok());
    }
    drop(spool);
    assert_eq!(open(dir.path()).depth().entry_count, kept_count);
}

#[tokio::test]
async fn the_directory_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let parent = dir();
    let dir = parent.path().join("deep/spool");
    append(&open(&dir), "secret").await;
    let mode = |path: &Path| std::fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&segment_paths(&dir)[0])), (0o700, 0o600));
}
