//! A digest of its own beside the app's: another node of the same installation, with its own spool, fed without HTTP.

use bugle::clock::Clock;
use bugle::digest::{Digest, Settings};
use bugle::domain::attachment::Quota;
use bugle::domain::event_id::EventId;
use bugle::domain::ids::ProjectId;
use bugle::protocol::receipt::{BodyForm, Receipt};
use bugle::spool::{Spool, SpoolLimits};
use bugle::store::Db;
use bugle::store::sealing::SealKey;
use serde_json::Value;
use time::Duration;

use super::{Project, TestApp};

/// One node. Dropping it is its crash: what was not committed is found again in its directory.
pub struct Node {
    /// Its digest.
    pub digest: Digest,
    /// Its spool.
    pub spool: Spool,
    db: Db,
    clock: Clock,
    dir: tempfile::TempDir,
}

impl Node {
    /// A node with an empty spool.
    pub fn start(app: &TestApp) -> Self {
        Self::open(app.db.clone(), app.clock.clone(), tempfile::tempdir().expect("the temporary folder is writable"))
    }

    /// The same on another pool.
    pub fn start_on(app: &TestApp, db: Db) -> Self {
        Self::open(db, app.clock.clone(), tempfile::tempdir().expect("the temporary folder is writable"))
    }

    fn open(db: Db, clock: Clock, dir: tempfile::TempDir) -> Self {
        let limits = SpoolLimits { min_free_bytes: 0, ..SpoolLimits::default() };
        let spool = Spool::open(dir.path(), limits, clock.clone()).expect("the spool opens");
        let settings = Settings {
            event_bytes: 1 << 20,
            envelope_bytes: 20 << 20,
            attachments: Quota { bytes: 20 << 20, event_count: 50, event_bytes: 50 << 20 },
            retention: Duration::days(90),
            geoip: None,
            sample_after: None,
            new_issues: None,
            seal: SealKey::of(b"a secret of thirty-two bytes or more"),
        };
        let digest = Digest::new(db.clone(), clock.clone(), spool.clone(), settings);
        Self { digest, spool, db, clock, dir }
    }

    /// The same node after `kill -9` and a new start. Tasks of its first life would hold on to the spool, which a process that ends does not.
    pub async fn restart(self) -> Self {
        let Self { digest, spool, db, clock, dir } = self;
        drop(digest);
        spool.release().await;
        Self::open(db, clock, dir)
    }

    /// Accepts an event as `/store/` would.
    pub async fn accept(&self, project: &Project, event: &Value) {
        self.accept_body(project, BodyForm::Store, event.to_string().into_bytes()).await;
    }

    /// Accepts any body.
    pub async fn accept_body(&self, project: &Project, form: BodyForm, body: Vec<u8>) {
        let receipt = Receipt {
            project_id: ProjectId(project.id),
            received_at: self.clock.now(),
            form,
            encoding: String::new(),
            event_id: EventId::random(),
            client_ip: None,
            user_agent: None,
            sdk: None,
        };
        let meta = serde_json::to_vec(&receipt).expect("a receipt is JSON");
        self.spool.append(receipt.project_id.lane(), &meta, body.into()).await.expect("the spool takes it");
    }

    /// Digests until nothing waits; the number of spool entries.
    pub async fn digest_all(&self) -> usize {
        let mut count = 0;
        loop {
            match self.digest.run_once().await.expect("the digest works") {
                0 => return count,
                step => count += step,
            }
        }
    }
}
