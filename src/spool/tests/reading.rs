//! Records that are no longer in memory are read from the segments, in the same order.

use super::*;

#[tokio::test]
async fn memory_and_disk_together_keep_the_order() {
    for memory_bytes in [0, 1, 10, 25, 1_000] {
        for segment_bytes in [40, 100, 1_000_000] {
            let dir = dir();
            let spool = open_with(dir.path(), SpoolLimits { memory_bytes, segment_bytes, ..LIMITS });
            let mut claimed = Vec::new();
            let expected: Vec<String> = (0..40).map(|n| format!("r{n}")).collect();
            for (n, body) in expected.iter().enumerate() {
                append(&spool, body).await;
                if n % 7 == 3 {
                    claimed.extend(spool.claim(3, 1 << 20).await.expect("readable"));
                }
                if n % 11 == 5 {
                    spool.acknowledge(&places(&claimed));
                }
            }
            claimed.extend(claim_all(&spool).await);
            assert_eq!(bodies(&claimed), expected, "memory {memory_bytes}, segments {segment_bytes}");
        }
    }
}

#[tokio::test]
async fn a_claim_is_bounded_by_entries_and_by_bytes_but_never_empty() {
    for limits in [LIMITS, NO_MEMORY] {
        let dir = dir();
        let spool = open_with(dir.path(), limits);
        append_all(&spool, &["aaaa", "bbbb", "cccc", "dddd", "eeee"]).await;
        let claim = async |entries, bytes| bodies(&spool.claim(entries, bytes).await.expect("readable"));
        assert_eq!(claim(1, 1_000).await, ["aaaa"]);
        assert_eq!(claim(10, 17).await, ["bbbb", "cccc"], "8 bytes each");
        assert_eq!(claim(10, 1).await, ["dddd"]);
        assert_eq!(claim(0, 1_000).await, [""; 0]);
        assert_eq!(claim(10, 1_000).await, ["eeee"]);
    }
}

#[tokio::test]
async fn rewinding_reads_from_disk_what_memory_has_let_go() {
    let dir = dir();
    let spool = open(dir.path());
    append_all(&spool, &["a", "b"]).await;
    assert_eq!(claim_bodies(&spool).await, ["a", "b"]);
    append(&spool, "c").await;
    spool.rewind().await;
    assert_eq!(claim_bodies(&spool).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_segment_that_vanished_does_not_stop_the_rest() {
    let dir = dir();
    let spool = open_with(dir.path(), SpoolLimits { memory_bytes: 0, ..SMALL_SEGMENTS });
    append_all(&spool, &["a", "b", "c"]).await;
    std::fs::remove_file(&segment_paths(dir.path())[1]).expect("it was there");
    let mut found = Vec::new();
    let mut failure_count = 0;
    while found.len() < 2 || failure_count < 3 {
        match spool.claim(10, 1 << 20).await {
            Ok(entries) => found.extend(bodies(&entries)),
            Err(_) => failure_count += 1,
        }
    }
    assert_eq!(found, ["a", "c"]);
    assert_eq!(claim_bodies(&spool).await, [""; 0], "the one that vanished is given up");
    assert_eq!(spool.counters().corrupt_count.load(Relaxed), 1);
}
