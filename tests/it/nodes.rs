//! Three Bugle processes on one Postgres, each with its own data directory: any of them accepts, digests and shows; one may die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bugle::clock::Clock;
use bugle::jobs::{partitions, trim};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::ConnectOptions;

use crate::harness::{Bugle, OWNER_PASSWORD, Project, Sdk, Setup, Site, TestApp, disagreements, eventually, exception};

/// Bugs that all nodes meet at the same time.
const BUGS: usize = 30;
/// Signs links the same way on all nodes.
const SECRET: &str = "the same secret on every node, 32 characters or more";

/// Three processes. The app beside them gives the database, the mail server and the people; its own workers never run.
struct Installation {
    app: TestApp,
    sites: [Site; 3],
    nodes: Vec<Bugle>,
}

impl Installation {
    async fn start() -> Self {
        let app = TestApp::start_with(Setup { at: Clock::system().now(), ..Setup::default() }).await;
        app.owner().await;
        let database = app.database_options().to_url_lossy();
        let site = || Site::node_on(database.as_str()).with("BUGLE_SMTP_URL", &app.mail_server().url()).with("BUGLE_SECRET_KEY", SECRET);
        let sites = [site(), site(), site()];
        // At the same time, so that migrations, partitions and keys are met by all at once.
        let nodes = std::thread::scope(|scope| {
            let starts: Vec<_> = sites.iter().map(|site| scope.spawn(|| site.serve())).collect();
            starts.into_iter().map(|start| start.join().expect("it starts")).collect()
        });
        Self { app, sites, nodes }
    }

    async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
    }

    async fn stored_ids(&self) -> BTreeSet<String> {
        let ids: Vec<String> = sqlx::query_scalar("SELECT replace(event_id::text, '-', '') FROM event_ids")
            .fetch_all(&self.app.db)
            .await
            .expect("the ids are readable");
        ids.into_iter().collect()
    }
}

fn bug(n: usize, id: &str) -> Value {
    let mut event = exception("ValueError", "bad value", &format!("view_{n}"));
    event["event_id"] = json!(id);
    event["environment"] = json!(format!("env{}", n % 3));
    event["release"] = json!(format!("shop@{}", n % 4));
    event["user"] = json!({ "id": id });
    event
}

/// Sends every event to its end, whoever dies meanwhile; answers the ids that were receipted.
async fn send_all(sdk: Sdk, events: Vec<Value>) -> BTreeSet<String> {
    send_counting(sdk, events, Arc::default()).await
}

/// The same, counting receipts while it sends.
async fn send_counting(sdk: Sdk, events: Vec<Value>, receipt_count: Arc<AtomicUsize>) -> BTreeSet<String> {
    let mut receipted = BTreeSet::new();
    for event in events {
        let id = event["event_id"].as_str().expect("chosen").to_owned();
        if sdk.try_send(event).await {
            receipted.insert(id);
            receipt_count.fetch_add(1, Ordering::Relaxed);
        }
    }
    receipted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_new_bug_on_three_nodes_at_once_is_one_issue_one_alert_and_one_mail() {
    let all = Installation::start().await;
    let project = all.app.project("shop").await;
    let sends = all.nodes.iter().enumerate().map(|(place, node)| {
        let (own, same) = (format!("{:032x}", place + 1), format!("{:032x}", 99));
        tokio::spawn(send_all(node.sdk(&project), vec![bug(0, &own), bug(0, &same)]))
    });
    for sent in sends.collect::<Vec<_>>() {
        assert_eq!(sent.await.expect("no panic").len(), 2);
    }
    eventually("four events and two duplicates", async || {
        let sum = "SELECT coalesce(sum(item_count), 0)::int8 FROM project_outcomes WHERE category = 'error'";
        (all.number(sum).await == 6).then_some(())
    })
    .await;
    assert_eq!(all.number("SELECT count(*) FROM events").await, 4, "one id sent to three nodes counts once");
    assert_eq!(all.number("SELECT count(*) FROM issues").await, 1);
    assert_eq!(all.number("SELECT count(*) FROM alerts WHERE kind = 'new'").await, 1);
    eventually("the mail", async || (!all.app.mails().is_empty()).then_some(())).await;
    for node in all.nodes {
        assert!(node.terminate().success());
    }
    assert_eq!(all.app.mails().len(), 1, "every node looks for mails, one sends it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_nodes_is_killed_under_load_and_nothing_is_lost_or_double() {
    let mut all = Installation::start().await;
    let project = all.app.project("shop").await;
    let mut sent = BTreeMap::new();
    let (mut loads, mut counts) = (Vec::new(), Vec::new());
    for (place, node) in all.nodes.iter().enumerate() {
        // Each meets the bugs in another order; every third event goes to all nodes under the same id.
        let events: Vec<_> = (0..3 * BUGS)
            .map(|n| {
                let number = (n * (2 * place + 1) + place) % BUGS;
                let sender = if n % 3 == 0 { 9 } else { place };
                bug(number, &if sender == 9 { format!("9{number:031x}") } else { format!("{sender}{n:031x}") })
            })
            .collect();
        sent.extend(events.iter().map(|event| (event["event_id"].as_str().expect("chosen").to_owned(), event.clone())));
        let receipt_count = Arc::<AtomicUsize>::default();
        loads.push(tokio::spawn(send_counting(node.sdk(&project), events, receipt_count.clone())));
        counts.push(receipt_count);
    }
    eventually("some of its load", async || (counts[0].load(Ordering::Relaxed) >= BUGS).then_some(())).await;
    all.nodes.remove(0).kill();
    let mut receipted = BTreeSet::new();
    for load in loads {
        receipted.extend(load.await.expect("no panic"));
    }
    assert!(receipted.len() < sent.len(), "it was killed before its load was through");
    all.nodes.insert(0, all.sites[0].serve());
    eventually("every receipt to be honoured", async || receipted.is_subset(&all.stored_ids().await).then_some(())).await;

    // What was never receipted is sent again, as an SDK does, to whoever is there; some of it is known.
    let again: Vec<_> = sent.iter().filter(|(id, _)| !receipted.contains(*id)).map(|(_, event)| event.clone()).collect();
    assert_eq!(send_all(all.nodes[1].sdk(&project), again.clone()).await.len(), again.len());
    let everything: BTreeSet<_> = sent.into_keys().collect();
    eventually("everything", async || (all.stored_ids().await == everything).then_some(())).await;
    let mut db = all.app.db.acquire().await.expect("a connection");
    assert_eq!(disagreements(&mut db).await, [""; 0]);
    assert_eq!(all.number("SELECT count(*) FROM issues").await, i64::try_from(BUGS).expect("small"), "one issue per fingerprint");
    assert_eq!(all.number("SELECT count(*) FROM alerts WHERE kind = 'new'").await, i64::try_from(BUGS).expect("small"));
    assert_eq!(all.number("SELECT count(DISTINCT issue_id) FROM alerts").await, i64::try_from(BUGS).expect("small"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_shows_pages_answers_the_api_and_knows_the_keys_of_the_others() {
    let all = Installation::start().await;
    let owner = all.app.owner().await;
    let token = all.app.token(&owner, &["event:read"]).await;
    let browser = all.nodes[0].browser();
    let page = browser.submit("/login", &[("email", &owner.email), ("password", OWNER_PASSWORD)]).await;
    assert!(!page.path.starts_with("/login"), "{}", page.text());

    // A key made on one node is good on the others at once; they ask the database for keys they do not know.
    let project = all.sites[0].project("Shop");
    for (place, node) in all.nodes.iter().enumerate() {
        let sent = node.sdk(&project).store(&bug(place, &format!("{:032x}", place + 1))).await;
        assert_eq!(sent.status, StatusCode::OK, "node {place}: {:?}", sent.body);
    }
    eventually("the events", async || (all.number("SELECT count(*) FROM events").await == 3).then_some(())).await;
    let issue = all.number("SELECT min(id) FROM issues").await;
    for node in &all.nodes {
        browser.at(&node.url).open(&format!("/issues/{issue}")).await.assert_shows("ValueError");
        let answer = node.api(&token).get(&format!("/api/0/issues/{issue}/")).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.json);
    }
    assert_refused_everywhere_soon(&all, &project).await;
}

/// A key that is disabled on one node works on the others no longer than the five seconds for which they remember it.
async fn assert_refused_everywhere_soon(all: &Installation, project: &Project) {
    sqlx::query("UPDATE project_keys SET disabled_at = now()").execute(&all.app.db).await.expect("the key is disabled");
    for node in &all.nodes {
        let sdk = node.sdk(project);
        eventually("the refusal", async || {
            let status = sdk.store(&bug(0, &uuid::Uuid::new_v4().simple().to_string())).await.status;
            (status == StatusCode::FORBIDDEN || status == StatusCode::UNAUTHORIZED).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn timed_jobs_that_all_nodes_begin_at_once_are_done_once() {
    let app = TestApp::start().await;
    let job = || partitions::run_once(&app.db, &app.clock, 90);
    let (a, b, c) = tokio::join!(job(), job(), job());
    let made = [a, b, c].map(|done| done.expect("the job works"));
    assert_eq!(made.iter().sum::<usize>(), 8, "four days of events and of attachments: {made:?}");

    app.project("shop").await;
    sqlx::query("INSERT INTO login_failures SELECT 'ip:192.0.2.1', $1 FROM generate_series(1, 50)")
        .bind(app.now() - time::Duration::days(30))
        .execute(&app.db)
        .await
        .expect("rows to trim");
    let job = || trim::run_once(&app.db, &app.clock, 90);
    let (a, b, c) = tokio::join!(job(), job(), job());
    let trimmed = [a, b, c].map(|done| done.expect("the job works"));
    assert_eq!(trimmed.iter().sum::<usize>(), 50, "{trimmed:?}");
}
