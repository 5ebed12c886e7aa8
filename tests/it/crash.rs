//! `kill -9` between every two durable steps: nothing accepted is lost, nothing is counted twice. The real binary, its private Postgres.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Executor, Row};

use crate::harness::{Bugle, Project, Site, eventually, exception};

/// What the database has counted, four times independently.
#[derive(Debug, PartialEq)]
struct Counts {
    ids: i64,
    events: i64,
    issue_sum: i64,
    stored_outcomes: i64,
}

impl Counts {
    fn all(count: usize) -> Self {
        let count = i64::try_from(count).expect("small");
        Self { ids: count, events: count, issue_sum: count, stored_outcomes: count }
    }
}

async fn counts(site: &Site) -> Option<Counts> {
    let mut connection = site.connect().await?;
    let row = connection
        .fetch_one(
            "SELECT (SELECT count(*) FROM event_ids), (SELECT count(*) FROM events),
                    (SELECT coalesce(sum(event_count), 0)::int8 FROM issues),
                    (SELECT coalesce(sum(item_count), 0)::int8 FROM project_outcomes WHERE outcome = 'stored')",
        )
        .await
        .ok()?;
    Some(Counts { ids: row.get(0), events: row.get(1), issue_sum: row.get(2), stored_outcomes: row.get(3) })
}

/// Waits until exactly `count` events are there, by all counts; fails on more.
async fn counted(site: &Site, count: usize) {
    let found = eventually("the events to be digested", async || {
        counts(site).await.filter(|found| found.ids >= Counts::all(count).ids && found.events >= Counts::all(count).events)
    });
    assert_eq!(found.await, Counts::all(count));
}

async fn send(bugle: &Bugle, project: &Project, count: usize) {
    for number in 0..count {
        bugle.sdk(project).raise("ValueError", &format!("order {number}"), "checkout").await;
    }
}

/// The digest cannot get past this until the connection is dropped.
async fn hold_up_digest(site: &Site) -> sqlx::PgConnection {
    let mut connection = site.connect().await.expect("Postgres answers");
    connection.execute("BEGIN; LOCK TABLE event_ids IN ACCESS EXCLUSIVE MODE").await.expect("the lock is free");
    connection
}

#[tokio::test]
async fn killed_between_accept_and_digest_it_digests_after_the_restart() {
    let site = Site::new();
    let bugle = site.serve();
    let project = site.project("Shop");
    let held_up = hold_up_digest(&site).await;
    send(&bugle, &project, 20).await;
    bugle.kill();
    drop(held_up);
    let _bugle = site.serve();
    counted(&site, 20).await;
}

#[tokio::test]
async fn killed_between_commit_and_acknowledgement_it_counts_nothing_twice() {
    let site = Site::new();
    let bugle = site.serve();
    let project = site.project("Shop");
    let held_up = hold_up_digest(&site).await;
    send(&bugle, &project, 20).await;
    // The spool as it is before the acknowledgement; put back after the commit, as if the process had died in between.
    let (spool, before) = (site.data_dir().join("spool"), site.data_dir().join("spool.before"));
    copy_dir(&spool, &before);
    drop(held_up);
    counted(&site, 20).await;
    bugle.kill();
    std::fs::remove_dir_all(&spool).expect("ours");
    std::fs::rename(&before, &spool).expect("ours");
    let bugle = site.serve();
    send(&bugle, &project, 1).await;
    counted(&site, 21).await;
}

#[tokio::test]
async fn killed_at_any_moment_every_receipt_is_honoured_exactly_once() {
    let site = Site::new();
    let mut bugle = site.serve();
    let project = site.project("Shop");
    let mut receipts = BTreeSet::new();
    for round in 1..=3 {
        receipts.extend(send_until_killed(bugle, &project, round * 40).await);
        bugle = site.serve();
    }
    let mut connection = site.connect().await.expect("Postgres answers");
    eventually("every receipt to be honoured", async || {
        let rows = connection.fetch_all("SELECT replace(event_id::text, '-', '') FROM event_ids").await.ok()?;
        let stored: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        receipts.is_subset(&stored).then_some(())
    })
    .await;
    // An event whose receipt was lost with the process may be there too, but then in every count once.
    let stored = counts(&site).await.expect("Postgres answers");
    assert_eq!(stored, Counts::all(usize::try_from(stored.ids).expect("small")));
    assert!(receipts.len() >= 240, "{} receipts", receipts.len());
}

/// Four senders at once; killed as soon as `enough` receipts are there. Answers the ids of all receipts.
async fn send_until_killed(bugle: Bugle, project: &Project, enough: usize) -> Vec<String> {
    let received = Arc::<AtomicUsize>::default();
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let (sdk, received) = (bugle.sdk(project), received.clone());
            tokio::spawn(async move {
                let mut ids = Vec::new();
                // Until the connection breaks; an answer other than 200 would be a failure.
                while let Some(id) = sdk.try_capture(exception("KeyError", &format!("{}", ids.len()), "view")).await {
                    ids.push(id);
                    received.fetch_add(1, Ordering::Relaxed);
                }
                ids
            })
        })
        .collect();
    eventually("enough receipts", async || (received.load(Ordering::Relaxed) >= enough).then_some(())).await;
    bugle.kill();
    let mut ids = Vec::new();
    for sender in senders {
        ids.extend(sender.await.expect("a sender does not panic"));
    }
    ids
}

#[tokio::test]
async fn while_postgres_is_killed_and_recovers_events_are_kept() {
    let site = Site::new();
    let bugle = site.serve();
    let project = site.project("Shop");
    send(&bugle, &project, 5).await;
    kill(Pid::from_raw(postmaster(&site)), Signal::SIGKILL).expect("it runs");
    send(&bugle, &project, 20).await;
    counted(&site, 25).await;
}

/// A disk that hangs can keep a process of Postgres from ending; here it is one that was told to stand still.
#[tokio::test]
async fn a_postgres_that_a_killed_bugle_left_and_that_does_not_end_is_ended_by_the_next() {
    let site = Site::new();
    let bugle = site.serve();
    let project = site.project("Shop");
    send(&bugle, &project, 5).await;
    counted(&site, 5).await;
    let first = postmaster(&site);
    let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).expect("it runs");
    for child in children.split_whitespace() {
        kill(Pid::from_raw(child.parse().expect("a pid")), Signal::SIGSTOP).ok(); // a worker may have ended meanwhile
    }
    bugle.kill();
    let bugle = site.serve();
    send(&bugle, &project, 5).await;
    counted(&site, 10).await;
    assert_ne!(postmaster(&site), first);
}

fn postmaster(site: &Site) -> i32 {
    let pid_file = std::fs::read_to_string(site.data_dir().join("pg/postmaster.pid")).expect("Postgres runs");
    pid_file.lines().next().and_then(|line| line.trim().parse().ok()).expect("a pid")
}

#[tokio::test]
async fn told_to_stop_it_digests_what_it_accepted_and_ends_well() {
    let site = Site::new();
    let bugle = site.serve();
    let project = site.project("Shop");
    send(&bugle, &project, 30).await;
    assert!(bugle.terminate().success());
    assert!(!site.data_dir().join("pg/postmaster.pid").exists(), "Postgres still runs");
    let listed = String::from_utf8(site.run(&["project", "list", "--json"]).stdout).expect("text");
    assert!(!listed.contains("\"lastEventAt\": null"), "{listed}");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_and_commands_work_beside_the_first() {
    let site = Site::new();
    let bugle = site.serve();
    let second = site.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("already uses the data directory"), "{said}");
    let project = site.project("Shop");
    let dsn = site.run(&["dsn", "shop"]);
    assert_eq!(String::from_utf8_lossy(&dsn.stdout).trim(), project.dsn);
    drop(bugle);
    let listed = site.run(&["project", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("Shop"), "{listed:?}");
}

#[tokio::test]
async fn it_runs_as_an_ordinary_user() {
    // Where the tests do not run as root, every other test here shows it.
    let site = if nix::unistd::geteuid().is_root() { Site::of_nobody() } else { Site::new() };
    let bugle = site.serve();
    let project = site.project("Shop");
    send(&bugle, &project, 3).await;
    bugle.kill();
    let _bugle = site.serve();
    counted(&site, 3).await;
}

fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).expect("writable");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}
