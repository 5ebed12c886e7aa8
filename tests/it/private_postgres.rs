//! The private cluster, with real server processes.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use bugle::app::database;
use bugle::postgres::{Address, Cluster, DataLock, LockError, Settings};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::harness::eventually;

/// A folder that the cluster's user may pass through.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("the temporary folder is writable");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711)).expect("ours");
    dir
}

fn start(dir: &Path) -> (DataLock, Cluster) {
    let lock = DataLock::take(&dir.join("data")).expect("nobody else is here");
    let cluster = Cluster::start(&lock, &Settings::durable(None)).expect("it starts");
    (lock, cluster)
}

async fn ask(address: &Address, statement: &str) -> sqlx::Result<String> {
    let mut connection = PgConnection::connect_with(&database::private(address)).await?;
    let row = connection.fetch_one(AssertSqlSafe(statement.to_owned())).await?;
    connection.close().await?;
    row.try_get(0)
}

#[tokio::test]
async fn a_cluster_is_made_durable_and_closed_to_the_network_and_keeps_its_rows() {
    let dir = folder();
    let (lock, cluster) = start(dir.path());
    for (setting, value) in
        [("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on"), ("data_checksums", "on"), ("listen_addresses", "")]
    {
        assert_eq!(ask(cluster.address(), &format!("SHOW {setting}")).await.expect("it answers"), value, "{setting}");
    }
    assert_eq!(ask(cluster.address(), "SELECT lower('É') || (('b' < 'C')::text)").await.expect("it answers"), "éfalse");
    ask(cluster.address(), "CREATE TABLE kept AS SELECT 'yes' AS word").await.expect_err("a statement without rows");
    cluster.stop();
    drop(lock);

    let (_lock, cluster) = start(dir.path());
    assert_eq!(ask(cluster.address(), "SELECT word FROM kept").await.expect("it answers"), "yes");
}

#[tokio::test]
async fn secrets_and_socket_are_for_the_owner_alone() {
    let dir = folder();
    let (_lock, cluster) = start(dir.path());
    let mode = |path: &Path| std::fs::metadata(path).expect("it exists").mode() & 0o777;
    let data = dir.path().join("data");
    assert_eq!(mode(&data.join("pg.password")), 0o600);
    assert_eq!(mode(&data.join("pg")), 0o700);
    assert_eq!(mode(&cluster.address().socket_dir), 0o700);
    assert!(!data.join("pg.pwfile").exists());
    let wrong = Address { password: "guess".into(), ..cluster.address().clone() };
    assert!(ask(&wrong, "SELECT 'in'").await.is_err());
}

#[tokio::test]
async fn a_server_that_is_killed_is_started_again_with_what_was_committed() {
    let dir = folder();
    let (_lock, cluster) = start(dir.path());
    ask(cluster.address(), "CREATE TABLE kept AS SELECT 'yes' AS word").await.expect_err("a statement without rows");
    let first = cluster.pid().expect("it runs");
    kill(Pid::from_raw(first.cast_signed()), Signal::SIGKILL).expect("ours");
    let second = eventually("the restart", async || cluster.pid().filter(|pid| *pid != first)).await;
    assert_ne!(first, second);
    assert_eq!(ask(cluster.address(), "SELECT word FROM kept").await.expect("it answers"), "yes");
}

#[tokio::test]
async fn a_second_bugle_on_the_same_directory_is_refused() {
    let dir = folder();
    let _lock = DataLock::take(dir.path()).expect("nobody else is here");
    match DataLock::take(dir.path()) {
        Err(LockError::Held { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken twice"),
    }
}

#[tokio::test]
async fn half_a_cluster_of_a_killed_start_is_made_anew() {
    let dir = folder();
    let half = dir.path().join("data/pg.new/base");
    std::fs::create_dir_all(&half).expect("writable");
    std::fs::set_permissions(dir.path().join("data"), std::fs::Permissions::from_mode(0o711)).expect("ours");
    let (_lock, cluster) = start(dir.path());
    assert_eq!(ask(cluster.address(), "SELECT current_database()::text").await.expect("it answers"), "bugle");
    assert!(!dir.path().join("data/pg.new").exists());
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_refused_untouched() {
    let dir = folder();
    let pg = dir.path().join("data/pg");
    std::fs::create_dir_all(&pg).expect("writable");
    std::fs::set_permissions(dir.path().join("data"), std::fs::Permissions::from_mode(0o711)).expect("ours");
    std::fs::write(pg.join("PG_VERSION"), "11\n").expect("writable");
    let lock = DataLock::take(&dir.path().join("data")).expect("nobody else is here");
    let refusal = Cluster::start(&lock, &Settings::durable(None)).err().expect("refused");
    assert!(format!("{refusal:#}").contains("apt install postgresql-11"), "{refusal:#}");
    assert_eq!(std::fs::read_dir(&pg).expect("readable").count(), 1);
}

#[tokio::test]
async fn a_pid_file_of_a_stranger_does_not_keep_it_from_starting() {
    let dir = folder();
    let (lock, cluster) = start(dir.path());
    let socket_dir = cluster.address().socket_dir.clone();
    cluster.stop();
    // Our own process: alive, but no postgres, as after a reuse of the number in a container.
    let stale = format!("{}\n/elsewhere\n0\n5432\n\n\n0 0\nready\n", std::process::id());
    std::fs::write(dir.path().join("data/pg/postmaster.pid"), &stale).expect("writable");
    std::fs::write(socket_dir.join(".s.PGSQL.5432.lock"), &stale).expect("writable");
    let cluster = Cluster::start(&lock, &Settings::durable(None)).expect("it starts");
    assert_eq!(ask(cluster.address(), "SELECT 'up'").await.expect("it answers"), "up");
}

#[tokio::test]
async fn a_data_directory_too_deep_for_a_socket_has_it_elsewhere() {
    let dir = folder();
    let deep = dir.path().join("a".repeat(100));
    std::fs::create_dir(&deep).expect("writable");
    std::fs::set_permissions(&deep, std::fs::Permissions::from_mode(0o711)).expect("ours");
    let (lock, cluster) = start(&deep);
    assert_eq!(ask(cluster.address(), "SELECT 'up'").await.expect("it answers"), "up");
    let found = Address::find(lock.data_dir()).expect("readable").expect("there is one");
    assert_eq!(found.socket_dir, cluster.address().socket_dir);
    let outside = cluster.address().socket_dir.clone();
    cluster.stop();
    std::fs::remove_dir_all(outside).expect("ours");
}
