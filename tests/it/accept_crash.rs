//! `kill -9` in the middle of accepting: what was confirmed is there.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use bugle::clock::Clock;
use bugle::spool::{Spool, SpoolLimits};
use bytes::Bytes;

/// Names the directory of the spool to the process that will be killed; only that process has it.
const DIR: &str = "BUGLE_TEST_CRASH_SPOOL";
/// Senders at a time, so that groups have several records.
const SENDERS: u64 = 8;
/// Small, so that segments end and begin while it is killed.
const LIMITS: SpoolLimits =
    SpoolLimits { max_bytes: 1 << 30, max_age: time::Duration::hours(72), min_free_bytes: 0, segment_bytes: 20_000, memory_bytes: 1 << 20 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_confirmed_survives_kill_9() {
    if let Ok(dir) = std::env::var(DIR) {
        return append_until_killed(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().expect("the temporary folder is writable");
    let mut expected = BTreeSet::new();
    for confirmed_count in [1, 40, 300] {
        expected.extend(confirmed_before_kill(dir.path(), confirmed_count));
    }

    let spool = Spool::open(dir.path(), LIMITS, Clock::system()).expect("the lock died with the process");
    let mut found = BTreeSet::new();
    loop {
        let entries = spool.claim(1_000, 1 << 20).await.expect("the spool is readable");
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let text = std::str::from_utf8(&entry.meta).expect("as written").to_owned();
            assert_eq!(entry.body, body(&text), "records are whole");
            assert!(found.insert(text), "records are there once");
        }
    }
    let lost: Vec<_> = expected.difference(&found).collect();
    assert!(lost.is_empty(), "confirmed and lost: {lost:?}");
}

/// Runs this test in a process of its own, where it only appends, and kills it after so many confirmations. Gives back what it confirmed.
fn confirmed_before_kill(dir: &Path, confirmed_count: usize) -> BTreeSet<String> {
    let mut child = Command::new(std::env::current_exe().expect("a test binary has a path"))
        .args(["--exact", "accept_crash::whatever_was_confirmed_survives_kill_9", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the test binary starts");
    let mut confirmed = BTreeSet::new();
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    while confirmed.len() < confirmed_count {
        confirmed.extend(confirmation(&lines.next().expect("it goes on until it is killed").expect("readable")));
    }
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    confirmed.extend(lines.map_while(Result::ok).filter_map(|line| confirmation(&line)));
    confirmed
}

/// A whole line: the last one may be torn.
fn confirmation(line: &str) -> Option<String> {
    line.strip_prefix("confirmed ")?.strip_suffix(" .").map(str::to_owned)
}

fn body(name: &str) -> String {
    name.repeat(50)
}

/// The child: appends and confirms for ever.
async fn append_until_killed(dir: &Path) {
    let spool = Spool::open(dir, LIMITS, Clock::system()).expect("the spool opens");
    let run = uuid::Uuid::new_v4().simple().to_string();
    let senders = (0..SENDERS).map(|sender| {
        let (spool, run) = (spool.clone(), run.clone());
        tokio::spawn(async move {
            for n in 0_u64.. {
                let name = format!("{run}-{sender}-{n}");
                spool.append(1, name.as_bytes(), Bytes::from(body(&name))).await.expect("the record is kept");
                let mut out = std::io::stdout().lock();
                writeln!(out, "confirmed {name} .").and_then(|()| out.flush()).expect("the parent listens");
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("a sender never ends");
    }
}
