//! The growth curve: what an event, a page and a job cost at 10 thousand, 100 thousand, a million and five million stored events.
//!
//! One installation grows: before each measurement the missing events are made by SQL, with everything that counts them. Then real load is sent,
//! pages are fetched and jobs are run. Needs up to about 15 GB of disk, which are free again at the end.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bugle::actions::sessions::{self, Client};
use bugle::app::database;
use bugle::clock::Clock;
use bugle::domain::ids::UserId;
use bugle::domain::user::Role;
use bugle::postgres::Address;
use bugle::store::Db;
use sqlx::{Executor, PgConnection, Row};

use super::events::{self, Shape};
use super::target::{self, Running};
use super::{client, seed, wait_visible};

const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 5_000_000];
/// Issues there are at most, besides those of the load.
const ISSUES_MAX: u64 = 100_000;
/// Events per issue until then.
const EVENTS_PER_ISSUE: u64 = 10;
/// Events of each shape that are sent at each size.
const SENT: u64 = 3_000;
/// What a stored event takes on disk, with indexes, counters, and the write-ahead log of making it; checked before the start.
const BYTES_PER_EVENT: u64 = 2_600;
/// For the cluster itself, its log, and the load.
const BYTES_BESIDE: u64 = 4 << 30;
/// Each page is fetched so often; the median counts.
const FETCHES: usize = 7;
const RETENTION_DAYS: u32 = 90;
const PASSWORD: &str = "only for this measurement";

/// What to measure.
pub struct Plan {
    sizes: Vec<u64>,
}

impl Plan {
    /// `10000,100000`; without it, all sizes.
    pub fn parse(sizes: Option<&str>) -> anyhow::Result<Self> {
        let parsed = sizes.map(|sizes| sizes.split(',').map(str::parse).collect::<Result<Vec<u64>, _>>()).transpose()?;
        Ok(Self { sizes: parsed.unwrap_or(SIZES.to_vec()) })
    }
}

/// The installation that grows, and somebody who looks at it.
struct Subject {
    running: Running,
    /// To count and to make.
    db: PgConnection,
    /// For jobs.
    pool: Db,
    browser: reqwest::Client,
    sent_count: u64,
    seeded_count: u64,
}

/// Measures at each size and prints tables.
pub async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let largest = plan.sizes.iter().copied().max().unwrap_or_default();
    check_disk(&std::env::temp_dir(), largest * BYTES_PER_EVENT + BYTES_BESIDE)?;
    let mut subject = Subject::start().await?;
    let (mut costs, mut times) = (Vec::new(), Vec::new());
    for size in &plan.sizes {
        let began = Instant::now();
        subject.grow_to(*size).await.with_context(|| format!("making {size} events"))?;
        eprintln!("{size} stored events after {:.0} s", began.elapsed().as_secs_f64());
        costs.push(subject.cost(*size).await?);
        times.push((*size, subject.pages().await?.into_iter().chain(subject.jobs().await?).collect::<Vec<_>>()));
    }
    print_costs(&costs);
    print_times(&times);
    subject.verify().await
}

fn check_disk(dir: &Path, wanted: u64) -> anyhow::Result<()> {
    let stat = nix::sys::statvfs::statvfs(dir)?;
    let free = stat.blocks_available() as u64 * stat.fragment_size() as u64;
    ensure!(free > wanted, "{} MB are needed in {}, {} MB are free; choose smaller --sizes", wanted >> 20, dir.display(), free >> 20);
    Ok(())
}

impl Subject {
    async fn start() -> anyhow::Result<Self> {
        let running = Running::bugle()?;
        let db = running.connect().await?;
        let address = Address::find(running.data_dir())?.context("no cluster")?;
        let pool = Db::connect_with(database::private(&address)).await?;
        let browser = sign_in(&pool).await?;
        let mut subject = Self { running, db, pool, browser, sent_count: 0, seeded_count: 0 };
        for (shape, count) in [(Shape::Messages, 200), (Shape::Mix, 2_000)] {
            let warm_up = client::send(&subject.running.target, &Arc::new(events::bodies(shape, count)), None).await?;
            wait_visible(&mut subject.db, &warm_up, usize::try_from(subject.sent_count)?, Instant::now()).await?;
            subject.sent_count += warm_up.accepted.len() as u64;
        }
        Ok(subject)
    }

    /// Makes what is missing, and lets Postgres look at it as it would have done meanwhile.
    async fn grow_to(&mut self, size: u64) -> anyhow::Result<()> {
        let missing = size.saturating_sub(self.sent_count + self.seeded_count);
        let issues = ((self.seeded_count + missing) / EVENTS_PER_ISSUE).clamp(100, ISSUES_MAX);
        seed::grow(&mut self.db, missing, issues).await?;
        self.seeded_count += missing;
        self.db.execute("VACUUM ANALYZE").await?;
        self.db.execute("CHECKPOINT").await?;
        Ok(())
    }

    async fn cost(&mut self, size: u64) -> anyhow::Result<Cost> {
        let memory = self.running.watch_postgres();
        let mix = self.load(Shape::Mix).await?;
        let new = self.load(Shape::New).await?;
        let counted = self.db.fetch_one("SELECT (SELECT count(*) FROM issues), pg_database_size(current_database())").await?;
        let (issues, bytes) = (counted.get(0), counted.get(1));
        Ok(Cost { size, issues, bytes, mix, new, peak: self.running.peak_rss(), postgres_peak: memory.peak() })
    }

    /// CPU seconds per 1,000 events of Bugle and of Postgres, and how many are finished in a second.
    async fn load(&mut self, shape: Shape) -> anyhow::Result<[f64; 3]> {
        let bodies = Arc::new(events::numbered(shape, 1_000_000 + self.sent_count, SENT));
        let already = usize::try_from(target::stored(&mut self.db).await?)?;
        let (before, began) = (self.running.usage(&mut self.db).await?, Instant::now());
        let sent = client::send(&self.running.target, &bodies, None).await?;
        wait_visible(&mut self.db, &sent, already, began).await?;
        let (after, took) = (self.running.usage(&mut self.db).await?, began.elapsed());
        self.sent_count += sent.accepted.len() as u64;
        let count = sent.accepted.len().max(1) as f64;
        let per_1000 = |before: f64, after: f64| (after - before) / count * 1e3;
        Ok([per_1000(before.server, after.server), per_1000(before.postgres, after.postgres), count / took.as_secs_f64()])
    }

    async fn pages(&mut self) -> anyhow::Result<Vec<(&'static str, Duration)>> {
        let big = "SELECT i.id, e.event_id::text FROM issues i JOIN events e ON e.project_id = i.project_id AND e.issue_id = i.id
            ORDER BY i.event_count DESC LIMIT 1";
        let row = self.db.fetch_one(big).await?;
        let (issue, event): (i64, String) = (row.get(0), row.get(1));
        let event = event.replace('-', "");
        let pages = [
            ("issue list", "/shop/issues".to_owned()),
            ("issue list, all projects", "/issues".to_owned()),
            ("search for a text", "/shop/issues?q=payment".to_owned()),
            ("search for a tag", "/shop/issues?q=tenant:value7".to_owned()),
            ("search for an environment", "/shop/issues?q=environment:staging".to_owned()),
            ("issue", format!("/issues/{issue}")),
            ("its events", format!("/issues/{issue}/events")),
            ("one event", format!("/issues/{issue}/events/{event}")),
            ("event by its id", format!("/events/{event}")),
            ("its tags", format!("/issues/{issue}/tags")),
            ("projects", "/projects".to_owned()),
            ("alerts", "/shop/alerts".to_owned()),
            ("settings", "/shop/settings".to_owned()),
            ("health", "/admin".to_owned()),
        ];
        let mut times = Vec::new();
        for (name, path) in pages {
            times.push((name, self.fetch(&path).await.with_context(|| path.clone())?));
        }
        Ok(times)
    }

    /// The median time until the whole page is there.
    async fn fetch(&self, path: &str) -> anyhow::Result<Duration> {
        let mut times = Vec::new();
        for _ in 0..FETCHES {
            let began = Instant::now();
            let answer = self.browser.get(format!("http://{}{path}", self.running.target.address)).send().await?;
            ensure!(answer.status().is_success(), "{}", answer.status());
            answer.bytes().await?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        Ok(times[FETCHES / 2])
    }

    async fn jobs(&mut self) -> anyhow::Result<Vec<(&'static str, Duration)>> {
        let clock = Clock::system();
        let began = Instant::now();
        bugle::jobs::spikes::run_once(&self.pool, &clock).await?;
        let spikes = began.elapsed();
        let began = Instant::now();
        bugle::jobs::trim::run_once(&self.pool, &clock, RETENTION_DAYS).await?;
        let trim = began.elapsed();
        let began = Instant::now();
        bugle::jobs::partitions::run_once(&self.pool, &clock, RETENTION_DAYS).await?;
        Ok(vec![("job: spikes", spikes), ("job: trim", trim), ("job: partitions", began.elapsed())])
    }

    /// Nothing was lost or counted twice.
    async fn verify(mut self) -> anyhow::Result<()> {
        target::counted(&mut self.db).await?.verify(usize::try_from(self.sent_count + self.seeded_count)?)
    }
}

async fn sign_in(pool: &Db) -> anyhow::Result<reqwest::Client> {
    let clock = Clock::system();
    bugle::actions::users::create(pool, &clock, "owner@shop.example", "Owner", Role::Owner, Some(PASSWORD)).await?;
    let user: i64 = pool.fetch_one("SELECT max(id) FROM users").await?.get(0);
    let mut tx = bugle::store::begin(pool).await?;
    let token = sessions::open(&mut tx, UserId(user), &Client { user_agent: "growth", address: "127.0.0.1" }, clock.now()).await?;
    tx.commit().await?;
    let cookie = format!("{}={token}", bugle::http::web::cookies::SESSION);
    let headers = [(reqwest::header::COOKIE, cookie.parse()?)].into_iter().collect();
    Ok(reqwest::Client::builder().default_headers(headers).timeout(Duration::from_secs(60)).build()?)
}

/// At one size.
struct Cost {
    size: u64,
    issues: i64,
    bytes: i64,
    mix: [f64; 3],
    new: [f64; 3],
    peak: u64,
    postgres_peak: u64,
}

fn print_costs(costs: &[Cost]) {
    println!(
        "\n| stored events | issues | database GB | mix: CPU s per 1,000, Bugle + Postgres | mix finished/s | new: the same | new finished/s | \
         peak MB Bugle, Postgres |\n|---|---|---|---|---|---|---|---|"
    );
    for cost in costs {
        println!(
            "| {} | {} | {:.2} | {:.2} + {:.3} | {:.0} | {:.2} + {:.3} | {:.0} | {:.0}, {:.0} |",
            cost.size,
            cost.issues,
            cost.bytes as f64 / 1e9,
            cost.mix[0],
            cost.mix[1],
            cost.mix[2],
            cost.new[0],
            cost.new[1],
            cost.new[2],
            cost.peak as f64 / 1e6,
            cost.postgres_peak as f64 / 1e6,
        );
    }
}

fn print_times(times: &[(u64, Vec<(&'static str, Duration)>)]) {
    let sizes: Vec<String> = times.iter().map(|(size, _)| size.to_string()).collect();
    println!("\n| ms at stored events | {} |\n|---|{}", sizes.join(" | "), "---|".repeat(sizes.len()));
    let names: Vec<&str> = times.first().map(|(_, times)| times.iter().map(|(name, _)| *name).collect()).unwrap_or_default();
    for (row, name) in names.iter().enumerate() {
        let cells: Vec<String> = times.iter().map(|(_, times)| format!("{:.1}", times[row].1.as_secs_f64() * 1e3)).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
}
