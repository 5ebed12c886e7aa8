//! A database per test, cloned from a migrated template.

use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bugle::postgres::{Cluster, DataLock, Settings};
use bugle::store::{Db, MIGRATIONS};
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

/// Names a server on which the tests may create databases; without it they start their own.
const SERVER_VARIABLE: &str = "BUGLE_TEST_DATABASE_URL";
/// Where the private server of a test process lives, followed by the process id.
const PRIVATE_PREFIX: &str = "bugle-test-";
/// Any fixed number: only one process at a time makes the template.
const TEMPLATE_LOCK: i64 = 0x6275_676c;
/// Per test; a handler and a worker at once, and one to look at rows.
const CONNECTIONS_PER_TEST: u32 = 5;

/// A database of one test. Dropped with the test, kept when the test fails.
pub struct Database {
    name: String,
    server: PgConnectOptions,
}

impl Database {
    /// Clones the template.
    pub async fn create() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let template = TEMPLATE.get_or_init(|| template(&server)).await;
        let name = format!("bugle_t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect_with(&server).await.expect("the test server answers");
        run(&mut connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        connection.close().await.expect("the connection closes");
        Self { name, server }
    }

    /// How to reach it.
    pub fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// A pool on it.
    pub async fn pool(&self) -> Db {
        PgPoolOptions::new().max_connections(CONNECTIONS_PER_TEST).connect_with(self.options()).await.expect("the test database answers")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept the database {} for inspection", self.name);
            return;
        }
        let (name, server) = (self.name.clone(), self.server.clone());
        // `drop` cannot wait inside the test's runtime, so it waits in one of its own.
        let drop = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut connection = PgConnection::connect_with(&server).await.expect("the test server answers");
                run(&mut connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
        });
        drop.join().expect("the test database is dropped");
    }
}

/// The server all tests of this process share: the one named by the environment, else a private one of this process.
fn server() -> PgConnectOptions {
    static SERVER: OnceLock<PgConnectOptions> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var(SERVER_VARIABLE) {
        Ok(url) => PgConnectOptions::from_str(&url).unwrap_or_else(|problem| panic!("{SERVER_VARIABLE}: {problem}")),
        Err(_) => private_server(),
    });
    server.clone()
}

/// A cluster without fsync, which ends with this process; the next run removes its files.
fn private_server() -> PgConnectOptions {
    static CLUSTER: OnceLock<(DataLock, Cluster)> = OnceLock::new();
    let root = std::env::temp_dir();
    remove_leftovers(&root);
    let lock = DataLock::take(&root.join(format!("{PRIVATE_PREFIX}{}", std::process::id()))).expect("a directory of our own");
    let settings = Settings { bindir: None, durable: false, max_connections: 200 };
    let cluster = Cluster::start(&lock, &settings).unwrap_or_else(|problem| panic!("the test server does not start: {problem:#}"));
    let options = bugle::app::database::private(cluster.address());
    // Kept to the end of the process: statics are not dropped, the server stops because its supervising thread ends.
    CLUSTER.set((lock, cluster)).ok().expect("started once");
    options
}

/// Directories of earlier runs: nobody holds their lock any more.
fn remove_leftovers(root: &Path) {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    for dir in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PRIVATE_PREFIX)).map(|entry| entry.path()) {
        if DataLock::take(&dir).is_ok() {
            std::fs::remove_dir_all(&dir).ok();
        }
    }
}

/// The name of a database with this version's schema and nothing in it. Made once per schema, whoever comes first.
async fn template(server: &PgConnectOptions) -> String {
    let name = format!("bugle_template_{}", schema_hash());
    let mut connection = PgConnection::connect_with(server).await.expect("the test server answers");
    run(&mut connection, format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let exists: bool = sqlx::query_scalar("SELECT exists (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&name)
        .fetch_one(&mut connection)
        .await
        .expect("the catalog is readable");
    if !exists {
        // Under another name until it is complete: a process killed half-way leaves no broken template.
        let unfinished = format!("{name}_new");
        run(&mut connection, format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
        run(&mut connection, format!("CREATE DATABASE {unfinished} TEMPLATE template0")).await;
        let mut inside = PgConnection::connect_with(&server.clone().database(&unfinished)).await.expect("the new database answers");
        MIGRATIONS.run(&mut inside).await.expect("the migrations run");
        inside.close().await.expect("the connection closes");
        run(&mut connection, format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
    }
    connection.close().await.expect("closing releases the lock");
    name
}

fn schema_hash() -> String {
    let mut hash = Sha256::new();
    for migration in MIGRATIONS.iter() {
        hash.update(&migration.checksum);
    }
    hash.finalize()[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn run(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement.clone())).await.unwrap_or_else(|problem| panic!("{statement}: {problem}"));
}
