//! What a test stands on: the real app on a database of its own, a clock that stands still, workers that are stepped,
//! and the outside world's ends of the wires: an SDK, a browser, an API client, a mail server.

#![expect(dead_code, unused_imports, reason = "one harness serves all subjects; not every subject uses all of it")]

mod api;
mod browser;
mod bugle_process;
mod counts;
mod cutting_proxy;
mod database;
mod mail_sink;
mod message;
mod node;
mod people;
mod process;
mod sdk;
mod server;

use bugle::app::App;
use bugle::app::http_server::HttpServer;
use bugle::clock::Clock;
use bugle::config::{AttachmentLimits, Config, Limits, MailConfig, Rates, SecretKey, SpoolConfig};
use bugle::store::Db;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

pub use api::{Answer, Api};
pub use browser::{Browser, Page};
pub use bugle_process::{Bugle, Site};
pub use counts::disagreements;
pub use cutting_proxy::{Cut, CuttingProxy};
pub use mail_sink::{Login, Mood};
pub use message::Mail;
pub use node::Node;
pub use people::{OWNER_EMAIL, OWNER_PASSWORD, Person};
pub use process::eventually;
pub use sdk::{Project, Sdk, Sent, attachment, exception, fixture};
pub use server::listen;

use database::Database;
use mail_sink::MailSink;

/// The moment at which a test's clock stands unless it chooses another: a Friday noon, near the time of the captured fixtures.
pub const START: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
/// More steps than any test needs: a loop that never gets idle is a bug, not a slow test.
const SETTLE_STEPS_MAX: usize = 1_000;
/// For answers under way at a restart.
const RESTART_GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// A running Bugle of one test. Dropping it removes its database and files, unless the test is failing.
pub struct TestApp {
    /// The wired parts.
    pub app: App,
    /// Its pool, to look at rows directly.
    pub db: Db,
    /// Moved by hand.
    pub clock: Clock,
    /// As the app sees it.
    pub config: Config,
    mail: MailSink,
    url: String,
    // Dropped last: the pool above is closed before its database goes.
    database: Database,
    data_dir: tempfile::TempDir,
    server: Option<HttpServer>,
}

/// What a test may choose before the start.
pub struct Setup {
    /// Where the clock stands.
    pub at: OffsetDateTime,
    /// Without a mail server, mails are kept for the admin page.
    pub with_mail: bool,
    /// Last word on the settings.
    pub configure: fn(&mut Config),
}

impl Default for Setup {
    fn default() -> Self {
        Self { at: START, with_mail: true, configure: |_| {} }
    }
}

impl TestApp {
    /// Starts with a mail server, at [`START`].
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// Starts at another moment.
    pub async fn start_at(at: OffsetDateTime) -> Self {
        Self::start_with(Setup { at, ..Setup::default() }).await
    }

    /// Starts with chosen settings.
    pub async fn start_with(setup: Setup) -> Self {
        server::log_when_asked();
        let database = Database::create().await;
        let db = database.pool().await;
        let mail = MailSink::listen().await;
        let listener = server::listen().await;
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let data_dir = tempfile::tempdir().expect("the temporary folder is writable");
        let mut config = config(&url, data_dir.path(), setup.with_mail.then(|| mail.url()));
        (setup.configure)(&mut config);
        let clock = Clock::manual(setup.at);
        let app = App::wire(db.clone(), clock.clone(), config.clone()).expect("the app is wired");
        let server = Some(server::serve(listener, &app));
        Self { app, db, clock, config, mail, url, database, data_dir, server }
    }

    /// The same installation after a restart of the process: same database, data directory, clock, mail server and public address,
    /// everything in memory gone. It listens on another port.
    pub async fn restart(&mut self) {
        let old = self.server.take().expect("a running app has a server");
        old.stop(RESTART_GRACE).await;
        self.app.spool.release().await;
        self.app = App::wire(self.db.clone(), self.clock.clone(), self.config.clone()).expect("the app is wired again");
        let listener = server::listen().await;
        self.url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        self.server = Some(server::serve(listener, &self.app));
    }

    /// Where it listens, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The data directory: spool and secret.
    pub fn data_dir(&self) -> &std::path::Path {
        self.data_dir.path()
    }

    /// How to reach its database, past its pool.
    pub fn database_options(&self) -> sqlx::postgres::PgConnectOptions {
        self.database.options()
    }

    /// The present moment of the test.
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Steps every worker until all are idle. Never sleeps.
    pub async fn settle(&self) {
        for _ in 0..SETTLE_STEPS_MAX {
            if self.app.step().await.expect("the workers step") == 0 {
                return;
            }
        }
        panic!("the workers are still busy after {SETTLE_STEPS_MAX} steps");
    }

    /// Moves the clock, then settles.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.settle().await;
    }

    /// Moves the clock a minute at a time, settling after each, as the workers of a running Bugle would.
    pub async fn live_through(&self, span: Duration) {
        for _ in 0..span.whole_minutes() {
            self.advance(Duration::MINUTE).await;
        }
    }

    /// Every mail the mail server has received so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mail.mails()
    }

    /// The mail server, to make it refuse or go away.
    pub fn mail_server(&self) -> &MailSink {
        &self.mail
    }

    /// A browser nobody is signed in with.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// A client of the Web API with this bearer token.
    pub fn api(&self, token: &str) -> Api {
        Api::new(&self.url, token)
    }

    /// An SDK configured with the project's DSN.
    pub fn sdk(&self, project: &Project) -> Sdk {
        Sdk::new(&self.url, project)
    }
}

fn config(url: &str, data_dir: &std::path::Path, smtp_url: Option<String>) -> Config {
    Config {
        bind: "127.0.0.1:0".parse().expect("an address"),
        url: url.to_owned(),
        database_url: None,
        data_dir: data_dir.to_owned(),
        pg_bindir: None,
        first_owner: None,
        secret_key: SecretKey(b"a secret of thirty-two bytes or more".to_vec()),
        mail: MailConfig { smtp_url, from: "Bugle <bugle@bugle.example>".to_owned() },
        retention_days: 90,
        max_storage_bytes: None,
        metrics_token: None,
        limits: Limits { event_bytes: 1 << 20, envelope_bytes: 20 << 20, attachment_bytes: 20 << 20 },
        attachments: AttachmentLimits { count: 50, bytes: 50 << 20 },
        rates: Rates::default(),
        geoip_file: None,
        sample_after: None,
        new_issues: Some(60),
        spool: SpoolConfig { max_bytes: None, max_hours: 72 },
        trusted_proxies: Vec::new(),
    }
}
