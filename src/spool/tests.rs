//! The promises of the spool, on a real file system.

use std::path::Path;

use super::*;

fn open(dir: &Path) -> Spool {
    Spool::open(dir, SpoolLimits { min_free_bytes: 0, ..SpoolLimits::default() }).expect("opens")
}

async fn append(spool: &Spool, body: &str) {
    spool.append(b"meta", Bytes::copy_from_slice(body.as_bytes())).await.expect("is kept");
}

async fn claim_bodies(spool: &Spool) -> Vec<String> {
    let mut bodies = Vec::new();
    loop {
        let entries = spool.claim(100, 1 << 20).await.expect("readable");
        if entries.is_empty() {
            return bodies;
        }
        bodies.extend(entries.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned()));
    }
}

#[tokio::test]
async fn what_was_appended_is_claimed_in_order_and_only_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let spool = open(dir.path());
    for body in ["a", "b", "c"] {
        append(&spool, body).await;
    }
    assert_eq!(claim_bodies(&spool).await, ["a", "b", "c"]);
    assert_eq!(claim_bodies(&spool).await, [""; 0]);
}

#[tokio::test]
async fn what_was_appended_survives_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    let spool = open(dir.path());
    append(&spool, "a").await;
    let node_id = spool.node_id();
    drop(spool);
    let spool = open(dir.path());
    assert_eq!((spool.node_id(), spool.depth().entry_count), (node_id, 1));
    append(&spool, "b").await;
    assert_eq!(claim_bodies(&spool).await, ["a", "b"]);
}
