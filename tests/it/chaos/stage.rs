//! What is killed: one node with its private Postgres, or two on a shared one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bugle::app::database;
use bugle::postgres::{Cluster, DataLock, Settings};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::load::Sent;
use crate::harness::{Bugle, Project, Site, disagreements, eventually};

/// How long a Bugle that is killed while it starts has, in milliseconds.
const BIRTH_MS: std::ops::RangeInclusive<u64> = 0..=600;

/// Who dies.
#[derive(Clone, Copy, Debug)]
pub enum Victim {
    /// One node; its private Postgres ends with it.
    Bugle,
    /// The postmaster; whoever watches it starts it again.
    Postgres,
    /// Both, Postgres first.
    Both,
    /// One process of Postgres, which makes it end all the others and recover.
    Backend,
    /// One node, and its successor while it starts.
    BugleTwice,
}

impl Victim {
    /// Any of them.
    pub fn choose(random: &mut StdRng) -> Self {
        *[Self::Bugle, Self::Postgres, Self::Both, Self::Backend, Self::BugleTwice].choose(random).expect("five")
    }
}

/// Projects whose events wait in the same spools and are digested in turns.
const PROJECTS: [&str; 3] = ["Shop", "Blog", "Docs"];

/// Where a node listens now, which changes with every restart, and one of the projects.
#[derive(Clone)]
pub struct Address {
    url: Arc<Mutex<String>>,
    project: Project,
}

impl Address {
    pub fn envelope_url(&self) -> String {
        format!("{}/api/{}/envelope/", self.url.lock().expect("nobody panics with it"), self.project.id)
    }

    pub fn auth(&self) -> String {
        format!("Sentry sentry_version=7, sentry_client=chaos/1.0, sentry_key={}", self.project.key)
    }
}

/// Nodes and their database.
pub struct Stage {
    sites: Vec<Site>,
    nodes: Vec<Option<Bugle>>,
    /// Of each project, and in it of each node.
    addresses: Vec<Vec<Address>>,
    /// The shared Postgres, watched by this process.
    shared: Option<Cluster>,
    _shared_folder: Option<(DataLock, tempfile::TempDir)>,
}

/// Segments of 2 MiB, so that many end, and their files are used again, while somebody dies.
fn with_small_segments(site: Site) -> Site {
    site.with("BUGLE_SPOOL_MAX_BYTES", "32 MiB")
}

impl Stage {
    /// One node with its own Postgres.
    pub fn private() -> Self {
        Self::begin(vec![with_small_segments(Site::new())], None)
    }

    /// Two nodes on one Postgres.
    pub fn shared() -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).expect("ours");
        let lock = DataLock::take(&folder.path().join("shared")).expect("nobody else is here");
        let cluster = Cluster::start(&lock, &Settings::durable(None)).expect("it starts");
        let url = database::private(cluster.address()).to_url_lossy();
        let sites = [Site::node_on(url.as_str()), Site::node_on(url.as_str())].map(with_small_segments).into();
        Self::begin(sites, Some((cluster, lock, folder)))
    }

    fn begin(sites: Vec<Site>, shared: Option<(Cluster, DataLock, tempfile::TempDir)>) -> Self {
        let nodes: Vec<_> = sites.iter().map(Site::serve).collect();
        let urls: Vec<_> = nodes.iter().map(|node| Arc::new(Mutex::new(node.url.clone()))).collect();
        let addresses = PROJECTS.map(|name| {
            let project = sites[0].project(name);
            urls.iter().map(|url| Address { url: url.clone(), project: project.clone() }).collect()
        });
        let (shared, folder) = shared.map_or((None, None), |(cluster, lock, folder)| (Some(cluster), Some((lock, folder))));
        Self { sites, nodes: nodes.into_iter().map(Some).collect(), addresses: addresses.into(), shared, _shared_folder: folder }
    }

    /// Where to send: of each project, each node.
    pub fn addresses(&self) -> Vec<Vec<Address>> {
        self.addresses.clone()
    }

    /// Kills, and sees to it that what does not come back by itself is started again.
    pub async fn kill(&mut self, victim: Victim, random: &mut StdRng) {
        let place = random.random_range(0..self.sites.len());
        match victim {
            Victim::Bugle => self.kill_node(place),
            Victim::Postgres => self.kill_postgres(None).await,
            Victim::Backend => self.kill_postgres(Some(random)).await,
            Victim::Both => {
                self.kill_postgres(None).await;
                self.kill_node(place);
            }
            Victim::BugleTwice => {
                self.kill_node(place);
                let newborn = self.sites[place].spawn();
                super::pause(random.random_range(BIRTH_MS)).await;
                drop(newborn);
            }
        }
        if self.nodes[place].is_none() {
            let node = tokio::task::block_in_place(|| self.sites[place].serve());
            *self.addresses[0][place].url.lock().expect("nobody panics with it") = node.url.clone();
            self.nodes[place] = Some(node);
        }
    }

    fn kill_node(&mut self, place: usize) {
        self.nodes[place].take().expect("it runs between two kills").kill();
    }

    /// The postmaster, or a random child of it.
    async fn kill_postgres(&self, child: Option<&mut StdRng>) {
        let postmaster = eventually("Postgres to be back from the kill before", async || self.postmaster()).await;
        let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
        let children: Vec<i32> = children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
        let pid = child.and_then(|random| children.choose(random).copied()).unwrap_or(postmaster);
        // A process that has just ended by itself is a kill that came a moment late.
        kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
    }

    fn postmaster(&self) -> Option<i32> {
        if let Some(cluster) = &self.shared {
            return Some(cluster.pid()?.cast_signed());
        }
        let file = std::fs::read_to_string(self.sites[0].data_dir().join("pg/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }

    async fn connect(&self) -> Option<PgConnection> {
        match &self.shared {
            Some(cluster) => PgConnection::connect_with(&database::private(cluster.address())).await.ok(),
            None => self.sites[0].connect().await,
        }
    }

    /// Waits until these ids are stored: they were the last through each node.
    pub async fn finish(&self, last_words: &[String]) {
        eventually("the spools to be empty", async || {
            let stored = self.stored_ids().await?;
            last_words.iter().all(|id| stored.contains(id)).then_some(())
        })
        .await;
    }

    async fn stored_ids(&self) -> Option<BTreeSet<String>> {
        let mut db = self.connect().await?;
        let ids: Vec<String> =
            sqlx::query_scalar("SELECT replace(event_id::text, '-', '') FROM event_ids").fetch_all(&mut db).await.ok()?;
        Some(ids.into_iter().collect())
    }

    /// Fails on anything lost, double, invented or miscounted. Answers how many events there are.
    pub async fn verify(&self, sent: &Sent) -> usize {
        let stored = eventually("the ids", async || self.stored_ids().await).await;
        let lost: Vec<_> = sent.receipted.difference(&stored).collect();
        assert!(lost.is_empty(), "{} of {} receipts are lost: {lost:?}", lost.len(), sent.receipted.len());
        assert!(stored.is_subset(&sent.ids), "events that nobody sent");
        let mut db = eventually("a connection", async || self.connect().await).await;
        assert_eq!(disagreements(&mut db).await, [""; 0]);
        let proof = tokio::task::block_in_place(|| self.sites[0].run(&["check", "--counts"]));
        let said = String::from_utf8_lossy(&proof.stdout).into_owned() + &String::from_utf8_lossy(&proof.stderr);
        assert!(proof.status.success() && said.contains("counts"), "{said}");
        let mut number = async |sql: &'static str| -> usize {
            let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"));
            usize::try_from(count).expect("not negative")
        };
        let reports = "SELECT coalesce(sum(item_count), 0)::int8 FROM project_outcomes WHERE outcome = 'client_discard'";
        let with_report = sent.with_report.intersection(&stored).count();
        assert_eq!(number(reports).await, with_report, "a report is counted with the event it came with, once");
        let repeated = "SELECT coalesce(sum(item_count), 0)::int8 FROM project_outcomes WHERE outcome = 'duplicate'";
        assert!(number(repeated).await >= sent.repeated_count, "every repetition is a duplicate");
        assert_eq!(number("SELECT count(*) FROM dead_letters").await, 0);
        stored.len()
    }
}
