//! A start while the database is away or recovers, with the real binary: events are taken at once, pages follow when it is there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use bugle::postgres::{Cluster, DataLock, Settings};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use reqwest::StatusCode;
use sqlx::{Connection, PgConnection};

use crate::harness::{Browser, Bugle, Project, Site, eventually, exception};

/// A server of somebody else, which comes and goes.
struct Elsewhere {
    dir: tempfile::TempDir,
}

impl Elsewhere {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("the temporary folder is writable");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).expect("ours");
        Self { dir }
    }

    fn start(&self) -> (DataLock, Cluster) {
        let lock = DataLock::take(&self.dir.path().join("data")).expect("nobody else is here");
        let cluster = Cluster::start(&lock, &Settings { bindir: None, durable: false, max_connections: 40 }).expect("it starts");
        (lock, cluster)
    }

    /// As `DATABASE_URL`; known once it was started.
    fn url(cluster: &Cluster) -> String {
        let address = cluster.address();
        format!("postgres://bugle:{}@localhost/bugle?host={}", address.password, address.socket_dir.display())
    }
}

async fn stored_count(url: &str) -> Option<i64> {
    let mut connection = PgConnection::connect(url).await.ok()?;
    sqlx::query_scalar("SELECT count(*) FROM event_ids").fetch_one(&mut connection).await.ok()
}

async fn stored(url: &str, count: i64) {
    eventually("the events to be stored", async || stored_count(url).await.filter(|found| *found >= count)).await;
    assert_eq!(stored_count(url).await, Some(count));
}

/// What everybody gets to see meanwhile.
async fn assert_pages_wait(bugle: &Bugle) {
    let browser = Browser::new(&bugle.url);
    for path in ["/", "/login", "/projects"] {
        let page = browser.open(path).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        page.assert_shows("The database does not answer");
        assert!(page.headers.contains_key("retry-after"), "{path}");
    }
    assert_eq!(browser.open("/api/0/organizations/").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.open("/healthz").await.status, StatusCode::OK);
    let ready = browser.open("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.html);
    assert!(ready.html.contains("pages follow once the database is there"), "{}", ready.html);
    assert_eq!(browser.open("/metrics").await.status, StatusCode::OK);
}

async fn assert_a_new_key_waits(bugle: &Bugle, project: &Project) {
    let stranger = bugle.sdk(&Project { key: "f".repeat(32), ..project.clone() });
    let sent = stranger.store(&exception("KeyError", "x", "view")).await;
    assert_eq!(sent.status, StatusCode::SERVICE_UNAVAILABLE, "nobody can say whether this key is good");
    assert!(sent.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn restarted_without_its_server_it_takes_events_and_stores_them_when_the_server_is_back() {
    let (site, elsewhere) = (Site::new(), Elsewhere::new());
    let (lock, cluster) = elsewhere.start();
    let url = Elsewhere::url(&cluster);
    let variables = [("DATABASE_URL", url.as_str())];
    let bugle = site.serve_with(&variables);
    let project = site.project_with("Shop", &variables);
    bugle.sdk(&project).raise("ValueError", "while all is well", "view").await;
    stored(&url, 1).await;
    assert!(bugle.terminate().success());
    cluster.stop();
    drop(lock);

    let bugle = site.serve_until("takes events at ", &variables);
    for _ in 0..5 {
        bugle.sdk(&project).raise("ValueError", "while the server is away", "view").await;
    }
    assert_pages_wait(&bugle).await;
    assert_a_new_key_waits(&bugle, &project).await;
    bugle.kill();
    let bugle = site.serve_until("takes events at ", &variables);
    bugle.sdk(&project).raise("ValueError", "after one more restart", "view").await;

    let (_lock, _cluster) = elsewhere.start();
    stored(&url, 7).await;
    let browser = Browser::new(&bugle.url);
    eventually("the pages", async || (browser.open("/setup").await.status != StatusCode::SERVICE_UNAVAILABLE).then_some(())).await;
    assert_eq!(browser.open("/readyz").await.html, "ready\n");
    assert!(bugle.terminate().success());
}

#[tokio::test]
async fn told_to_stop_before_the_server_is_there_it_stops_and_keeps_what_it_took() {
    let (site, elsewhere) = (Site::new(), Elsewhere::new());
    let (lock, cluster) = elsewhere.start();
    let url = Elsewhere::url(&cluster);
    let variables = [("DATABASE_URL", url.as_str())];
    let bugle = site.serve_with(&variables);
    let project = site.project_with("Shop", &variables);
    bugle.sdk(&project).raise("ValueError", "one", "view").await;
    bugle.kill();
    cluster.stop();
    drop(lock);
    let bugle = site.serve_until("takes events at ", &variables);
    bugle.sdk(&project).raise("ValueError", "two", "view").await;
    assert!(bugle.terminate().success());
    let (_lock, _cluster) = elsewhere.start();
    let _bugle = site.serve_with(&variables);
    stored(&url, 2).await;
}

#[tokio::test]
async fn while_its_private_server_recovers_it_takes_events() {
    let site = Site::new();
    let bugle = site.serve();
    let project = site.project("Shop");
    bugle.sdk(&project).raise("ValueError", "before", "view").await;
    let slow = SlowBinaries::beside(&site);
    assert!(bugle.terminate().success());

    let bugle = site.serve_until("takes events at ", &[("BUGLE_PG_BINDIR", slow.dir.to_str().expect("plain characters"))]);
    for _ in 0..3 {
        bugle.sdk(&project).raise("ValueError", "while it recovers", "view").await;
    }
    assert_pages_wait(&bugle).await;
    slow.go_on();
    eventually("the events to be stored", async || {
        let mut connection = site.connect().await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM event_ids").fetch_one(&mut connection).await.ok()?;
        (count == 4).then_some(())
    })
    .await;
    assert!(bugle.terminate().success());
}

/// Postgres, except that it begins when it is told to.
struct SlowBinaries {
    dir: PathBuf,
    gate: PathBuf,
}

impl SlowBinaries {
    fn beside(site: &Site) -> Self {
        let pid_file = fs::read_to_string(site.data_dir().join("pg/postmaster.pid")).expect("Postgres runs");
        let pid = pid_file.lines().next().expect("a pid");
        let real = fs::read_link(format!("/proc/{pid}/exe")).expect("readable").parent().expect("in a folder").to_owned();
        let dir = site.data_dir().with_file_name("slow");
        fs::create_dir(&dir).expect("writable");
        for entry in fs::read_dir(&real).expect("readable") {
            let name = entry.expect("readable").file_name();
            if name != "postgres" {
                symlink(real.join(&name), dir.join(&name)).expect("writable");
            }
        }
        let gate = dir.join("gate");
        mkfifo(&gate, Mode::from_bits_truncate(0o666)).expect("writable");
        fs::set_permissions(&gate, fs::Permissions::from_mode(0o666)).expect("ours");
        let postgres = real.join("postgres");
        let script = format!("#!/bin/sh\n[ \"$1\" = --version ] || read line < {}\nexec {} \"$@\"\n", gate.display(), postgres.display());
        write_program(&dir.join("postgres"), &script);
        Self { dir, gate }
    }

    /// Blocks until it is there to be told.
    fn go_on(&self) {
        fs::write(&self.gate, "go\n").expect("somebody reads");
    }
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).expect("writable");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
}
