//! Every page, every call of the Web API, the digest and every job on tables that are large enough for the planner to care: nothing reads a large
//! part of one. Postgres counts what it reads, by scan or by index; the counts of what a step did are there once its connections are closed.

use std::collections::BTreeMap;

use bugle::clock::Clock;
use bugle::jobs::{feedback, partitions, removal, spikes, trim};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::harness::{Browser, Node, Project, TestApp, exception};
use crate::walk;

#[path = "../../benches/load/seed.rs"]
mod seed;

const EVENTS: u64 = 60_000;
/// More than the views of the list count at most, several times.
const ISSUES: u64 = 45_000;
/// Rows from which a table counts as large.
const LARGE: f64 = 1_000.0;
/// Reading a larger part of a large table than this is a scan, whatever the plan calls it.
const PART_MAX: f64 = 0.25;
const RETENTION_DAYS: u32 = 90;

/// What may be read of a table whatever its part: a page counts up to 10,000 issues in each of its views; no project has more than 10,000 dead
/// letters; and what the rules of a project did lately is counted from its alerts.
const READS_MAX: &[(&str, f64)] = &[("issues", 40_000.0), ("dead_letters", 10_000.0), ("alerts", 200_000.0)];

/// Tables that must be large here, so that the test cannot pass by having nothing to scan.
const GROWING: &[&str] = &[
    "activities",
    "alerts",
    "attachments",
    "app_session_hours",
    "app_sessions",
    "check_ins",
    "dead_letters",
    "event_ids",
    "feedback",
    "issue_environments",
    "issue_hashes",
    "issue_hours",
    "issue_minutes",
    "issue_people",
    "issue_quarter_people",
    "issue_releases",
    "issue_tags",
    "issues",
    "mails",
    "project_outcomes",
];

/// The event that has files and of which people speak: the one the pages are opened for.
const ATTACHED: &str = "SELECT e.event_id::text FROM events e JOIN issues i ON i.project_id = e.project_id AND i.id = e.issue_id
    ORDER BY i.event_count DESC, i.id, e.event_id LIMIT 1";

/// What a load does not make: operation, mails, files and feedback. `{event}` is [`ATTACHED`].
const BESIDE: &[&str] = &[
    // Of three reports one is about an event that is there, one about an event that never came, one about nothing; few are handled, all long ago.
    "INSERT INTO feedback (project_id, feedback_id, received_at, event_id, issue_id, name, email, message, url, environment, release,
        handled_at)
     SELECT 1, gen_random_uuid(), now() - n * interval '2 minutes', CASE n % 3 WHEN 0 THEN e.event_id WHEN 1 THEN gen_random_uuid() END,
        CASE n % 3 WHEN 0 THEN e.issue_id END, '', '', 'seeded', '', '', '', CASE WHEN n > 9990 THEN now() END
     FROM generate_series(1, 10000) AS n
     JOIN (SELECT event_id, issue_id, row_number() OVER () AS n FROM events WHERE project_id = 1) AS e USING (n)",
    "INSERT INTO feedback (project_id, feedback_id, received_at, event_id, name, email, message, url, environment, release)
     VALUES (1, '{event}', now() - interval '1 hour', '{event}', '', '', 'seeded', '', '', '')",
    "INSERT INTO attachments (project_id, event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count, chunk_count,
        sha256)
     SELECT project_id, event_id, gen_random_uuid(), received_at, 'seeded.txt', 'event.attachment', '', 'text/plain', 6, 1, ''
     FROM events WHERE project_id = 1 LIMIT 10000",
    "INSERT INTO attachments (project_id, event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count, chunk_count,
        sha256)
     VALUES (1, '{event}', gen_random_uuid(), now(), 'opened.txt', 'event.attachment', '', 'text/plain', 6, 1, '')",
    "INSERT INTO attachment_chunks (project_id, attachment_id, number, received_at, is_packed, content)
     SELECT project_id, attachment_id, 0, CASE name WHEN 'opened.txt' THEN received_at ELSE now() END, false, 'seeded' FROM attachments",
    "INSERT INTO mails (project_id, user_id, recipient, subject, text_body, html_body, message_id, created_at, next_try_at, state, sent_at)
     SELECT 1, 1, 'owner@shop.example', 'seeded', repeat('text ', 100), '', 'seeded-' || n, at, at, 'sent', at
     FROM generate_series(1, 5000) AS n CROSS JOIN LATERAL (SELECT now() - sqrt(n / 5000.0) * interval '29 days' AS at) AS t",
    "INSERT INTO dead_letters (project_id, received_at, failed_at, item_type, reason, receipt, body)
     SELECT 1, now() - n * interval '1 minute', now() - n * interval '1 minute', 'event', 'seeded', '{}', 'body' FROM generate_series(1, 2000) AS n",
    "INSERT INTO project_outcomes (project_id, hour, category, outcome, reason, item_count)
     SELECT p, date_trunc('hour', now(), 'UTC') - n * interval '1 hour', 'error', 'invalid', 'seeded', 1
     FROM generate_series(1, 1000) AS n CROSS JOIN generate_series(101, 110) AS p",
    "INSERT INTO app_session_hours (project_id, hour, release, environment, session_count)
     SELECT p, date_trunc('hour', now(), 'UTC') - n * interval '1 hour', 'shop@1', 'production', 9
     FROM generate_series(0, 999) AS n CROSS JOIN generate_series(101, 110) AS p",
    "INSERT INTO app_sessions (project_id, session_id, hour, release, environment, state, expires_at)
     SELECT 1, gen_random_uuid(), now(), 'shop@1', 'production', 0, now() + n * interval '1 minute' FROM generate_series(1, 5000) AS n",
    "INSERT INTO monitors (project_id, slug, config, created_at, updated_at) SELECT id, 'nightly', '{}', now(), now() FROM projects",
    "INSERT INTO check_ins (project_id, check_in_id, slug, environment, status, started_at, updated_at)
     SELECT 1, gen_random_uuid(), CASE WHEN n % 20 = 0 THEN 'nightly' ELSE 'other' END, 'production', 'ok', at, at
     FROM generate_series(1, 5000) AS n CROSS JOIN LATERAL (SELECT now() - n * interval '20 minutes' AS at) AS t",
    "INSERT INTO issue_quarter_people (project_id, issue_id, quarter, person, event_count, last_seen_at)
     SELECT project_id, issue_id, date_bin('15 minutes', now(), '2000-01-01'), person, 1, now() FROM issue_people LIMIT 20000",
];

struct Scene {
    app: TestApp,
    shop: Project,
    browser: Browser,
    token: String,
    names: BTreeMap<&'static str, String>,
    faults: Vec<String>,
}

impl Scene {
    /// An installation with a month behind it. Its clock shows the time of the database, by which the rows are made.
    async fn start() -> Self {
        let app = TestApp::start_at(Clock::system().now()).await;
        partitions::run_once(&app.db, &app.clock, RETENTION_DAYS).await.expect("the days are made");
        let shop = app.project("shop").await;
        let browser = app.sign_in_owner().await;
        let token = app.token(&app.owner().await, &["event:read", "project:read", "org:read"]).await;
        app.sdk(&shop).raise("ValueError", "x", "pay").await;
        app.settle().await;
        let mut db = PgConnection::connect_with(&app.database_options()).await.expect("the database answers");
        seed::grow(&mut db, EVENTS, ISSUES).await.expect("the events are made");
        let attached: String = db.fetch_one(ATTACHED).await.expect("an event of the largest issue").get(0);
        for statement in BESIDE {
            let statement = statement.replace("{event}", &attached);
            db.execute(AssertSqlSafe(statement.clone())).await.unwrap_or_else(|problem| panic!("{statement}: {problem}"));
        }
        db.execute("VACUUM ANALYZE").await.expect("the tables are analyzed");
        let mut scene = Self { app, shop, browser, token, names: BTreeMap::new(), faults: vec![] };
        scene.names = scene.names(&mut db).await;
        scene
    }

    async fn names(&self, db: &mut PgConnection) -> BTreeMap<&'static str, String> {
        let event: String = db.fetch_one(ATTACHED).await.expect("an event of the largest issue").get(0);
        let file = "SELECT attachment_id::text FROM attachments WHERE name = 'opened.txt'";
        let file: String = db.fetch_one(file).await.expect("a file").get(0);
        let mut id = async |sql: &'static str| -> String {
            db.fetch_one(sql).await.unwrap_or_else(|problem| panic!("{sql}: {problem}")).get::<i64, _>(0).to_string()
        };
        BTreeMap::from([
            ("/issues/{id}", id("SELECT id FROM issues ORDER BY event_count DESC, id LIMIT 1").await),
            ("/alerts/{id}", id("SELECT min(id) FROM alert_rules").await),
            ("/alerts/sent/{id}", id("SELECT max(id) FROM alerts").await),
            ("/admin/mail/{id}", id("SELECT max(id) FROM mails").await),
            ("{issue}", id("SELECT id FROM issues ORDER BY event_count DESC, id LIMIT 1").await),
            ("{project}", self.shop.slug.clone()),
            ("{org}", "bugle".to_owned()),
            ("{monitor}", "nightly".to_owned()),
            ("{short_id}", id("SELECT id FROM issues ORDER BY event_count DESC, id LIMIT 1").await),
            ("{event}", event.replace('-', "")),
            ("{feedback}", event.replace('-', "")),
            ("{attachment}", file.replace('-', "")),
        ])
    }

    fn address(&self, route: &str) -> Option<String> {
        let mut path = route.to_owned();
        for (name, value) in &self.names {
            let value = if *name == "{short_id}" { format!("SHOP-{value}") } else { value.clone() };
            if let Some(prefix) = name.strip_suffix("{id}") {
                path = path.replace(name, &format!("{prefix}{value}"));
            } else {
                path = path.replace(name, &value);
            }
        }
        (!path.contains('{')).then_some(path)
    }

    /// Notes every large table of which more than a part was read since `before`.
    async fn look(&mut self, what: &str, before: &BTreeMap<String, Reads>) {
        for (table, now) in self.reads().await {
            let was = before.get(&table).copied().unwrap_or_default();
            let read = (now.scanned - was.scanned).max(now.by_index - was.by_index);
            let most = READS_MAX.iter().find(|(name, _)| *name == table).map_or(now.rows * PART_MAX, |(_, most)| *most);
            if now.rows >= LARGE && read > most {
                let how = if now.scanned > was.scanned { "a scan" } else { "an index" };
                self.faults.push(format!("{what} reads {read:.0} rows of {table}, which has {:.0}, by {how}", now.rows));
            }
        }
    }

    /// What was read of each table so far, by connections that are closed: all are, before this looks.
    async fn reads(&self) -> BTreeMap<String, Reads> {
        let mut db = PgConnection::connect_with(&self.app.database_options()).await.expect("the database answers");
        let close =
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        db.execute(close).await.expect("the others are closed");
        let sql = "SELECT s.relname::text, greatest(c.reltuples, 0)::float8, coalesce(s.seq_tup_read, 0)::float8,
                coalesce((SELECT max(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = s.relid), 0)::float8
            FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid";
        let rows = db.fetch_all(sql).await.expect("the counts are there");
        rows.iter().map(|row| (row.get(0), Reads { rows: row.get(1), scanned: row.get(2), by_index: row.get(3) })).collect()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Reads {
    rows: f64,
    scanned: f64,
    by_index: f64,
}

#[tokio::test]
async fn nothing_reads_a_table_that_grows() {
    let mut scene = Scene::start().await;
    let sizes = scene.reads().await;
    for table in GROWING {
        assert!(sizes.get(*table).is_some_and(|table| table.rows >= LARGE), "{table} is too small to tell: {:?}", sizes.get(*table));
    }
    for path in pages(&scene) {
        let before = scene.reads().await;
        let page = scene.browser.open(&path).await;
        assert!(!page.status.is_server_error() && page.status != 404, "{path}: {} {}", page.status, page.text());
        scene.look(&path, &before).await;
    }
    for path in calls(&scene) {
        let before = scene.reads().await;
        let answer = scene.app.api(&scene.token).get(&path).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        scene.look(&path, &before).await;
    }
    look_at_workers(&mut scene).await;
    assert!(scene.faults.is_empty(), "{:#?}", scene.faults);
}

/// Every page there is, and the searches that an index has to serve. Not among them: a search for a text, which reads the issues of the project
/// from the latest on until the page is full, and ends after its time.
fn pages(scene: &Scene) -> Vec<String> {
    let routes = walk::WEB.iter().filter(|(method, ..)| *method == "GET").filter_map(|(_, route, ..)| scene.address(route));
    let searches = ["tenant:value77", "environment:staging", "release:shop@2.4", "is:resolved", "user:customer77", "has:tenant"];
    let searches = searches.iter().map(|search| format!("/shop/issues?q={search}"));
    routes.filter(|path| !path.starts_with("/static") && path != "/setup").chain(searches).chain(feedback_lists()).collect()
}

/// The views of the list, and pages of them far behind.
fn feedback_lists() -> impl Iterator<Item = String> {
    let far = (Clock::system().now() - time::Duration::days(13)).unix_timestamp_nanos() / 1_000;
    let before = format!("{far}-{}", "f".repeat(32));
    ["open", "handled"]
        .into_iter()
        .flat_map(move |show| [format!("/shop/feedback?show={show}"), format!("/shop/feedback?show={show}&before={before}")])
}

fn calls(scene: &Scene) -> Vec<String> {
    walk::API.iter().filter_map(|(route, _)| scene.address(route)).map(|route| format!("/api/0/{route}")).collect()
}

async fn look_at_workers(scene: &mut Scene) {
    let before = scene.reads().await;
    let node = Node::start(&scene.app);
    for n in 0..300 {
        let mut event = exception("ValueError", &format!("order {n}"), ["pay", "ship", "load"][n % 3]);
        event["user"] = json!({ "id": n.to_string() });
        event["environment"] = json!(["production", "staging"][n % 2]);
        event["fingerprint"] = json!([format!("group {}", n % 100)]);
        node.accept(&scene.shop, &event).await;
    }
    assert_eq!(node.digest_all().await, 300);
    scene.look("the digest", &before).await;
    for round in ["first", "second"] {
        let before = scene.reads().await;
        feedback::run_once(&scene.app.db, &scene.app.clock).await.expect("it looks for issues");
        scene.look(&format!("the {round} look for the issues of feedback"), &before).await;
        let before = scene.reads().await;
        trim::run_once(&scene.app.db, &scene.app.clock, RETENTION_DAYS).await.expect("it trims");
        scene.look(&format!("the {round} trimming"), &before).await;
        let before = scene.reads().await;
        partitions::run_once(&scene.app.db, &scene.app.clock, RETENTION_DAYS).await.expect("it makes days");
        scene.look(&format!("the {round} making of partitions"), &before).await;
        scene.app.clock.advance(time::Duration::MINUTE);
        let before = scene.reads().await;
        spikes::run_once(&scene.app.db, &scene.app.clock).await.expect("it sweeps");
        scene.look(&format!("the {round} sweep"), &before).await;
    }
    let before = scene.reads().await;
    scene.app.settle().await;
    scene.look("folding and delivering", &before).await;
    look_at_a_deletion(scene).await;
}

/// An issue of a few events among all the others, deleted together with its future.
async fn look_at_a_deletion(scene: &mut Scene) {
    let sql = "SELECT id FROM issues WHERE event_count BETWEEN 2 AND 50 ORDER BY event_count DESC, id LIMIT 1";
    let issue: i64 = sqlx::query_scalar(sql).fetch_one(&scene.app.db).await.expect("an issue of a few events");
    let before = scene.reads().await;
    let page = scene.browser.submit("/issues/delete", &[("id", &issue.to_string()), ("future", "discard")]).await;
    page.assert_shows("further events are dropped");
    scene.look("deleting an issue", &before).await;
    let before = scene.reads().await;
    assert!(removal::run_once(&scene.app.db).await.expect("it removes events") > 2);
    scene.look("removing the events of a deleted issue", &before).await;
}

/// So that the test above can fail.
#[tokio::test]
async fn a_scan_is_seen() {
    let scene = TestApp::start_at(Clock::system().now()).await;
    let mut db = PgConnection::connect_with(&scene.database_options()).await.expect("the database answers");
    db.execute(AssertSqlSafe("CREATE TABLE large AS SELECT n FROM generate_series(1, 5000) AS n".to_owned())).await.expect("made");
    db.execute("ANALYZE large").await.expect("analyzed");
    let project = scene.project("shop").await;
    let browser = scene.sign_in_owner().await;
    let mut scene = Scene { app: scene, shop: project, browser, token: String::new(), names: BTreeMap::new(), faults: vec![] };
    let before = scene.reads().await;
    sqlx::query("SELECT count(*) FROM large WHERE n = 7").execute(&scene.app.db).await.expect("read");
    scene.look("this", &before).await;
    assert_eq!(scene.faults, ["this reads 5000 rows of large, which has 5000, by a scan"]);
}
