//! What becomes of every captured request: sent to a running Bugle as its client sent it, answered, digested, and every item accounted for.
//!
//! The snapshots show the end of each item and what a reader of the issue sees. Whoever teaches Bugle another kind of item moves it in
//! [`ends_as`] and looks at the lines that change.

use std::collections::BTreeMap;
use std::fmt::Write;

use bugle::protocol::category::Category;
use bugle::protocol::{client_report, envelope};
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::Row;
use time::Duration;

use crate::captured_bodies::{body, captured, folder, index};
use crate::compatibility::{Table, word};
use crate::harness::{Project, TestApp};

/// Headers that belong to the connection or the encoding of one request, not to what a client says.
const OF_THE_WIRE: [&str; 7] = ["host", "content-length", "content-encoding", "transfer-encoding", "connection", "x-sentry-auth", "origin"];
/// The clients of the snapshots, as file names begin.
const CLIENTS: [&str; 8] = ["js-browser", "js-node", "python-1", "python-2", "raven", "rust", "sentry-cli", "spec"];

/// How an item of this type has to end: what concerns errors is kept, what is of later pillars is counted as unsupported, nothing is an error.
fn ends_as(kind: &str) -> &'static str {
    match kind {
        "event" | "attachment" | "feedback" | "user_report" | "client_report" => "stored",
        _ => "unsupported",
    }
}

/// The columns of the table in `docs/compatibility.md`, with their data categories.
const COLUMNS: [(&str, &str); 13] = [
    ("event", "error"),
    ("attachment", "attachment"),
    ("feedback", "feedback"),
    ("session", "session"),
    ("check-in", "monitor"),
    ("client report", "internal"),
    ("security report", "security"),
    ("transaction", "transaction"),
    ("span", "span"),
    ("log", "log_item"),
    ("metric", "trace_metric"),
    ("profile", "profile"),
    ("replay", "replay"),
];

/// Counts by category and outcome.
type Ends = BTreeMap<(String, String), i64>;

/// A captured request, sent into a project of its own.
struct Replayed {
    file: String,
    entry: Value,
    project: Project,
    status: StatusCode,
}

#[tokio::test]
async fn every_captured_request_is_answered_and_every_item_ends_as_it_should() {
    let app = TestApp::start().await;
    let mut known = Known::new();
    let mut entries: BTreeMap<String, Value> =
        index("envelopes").into_iter().map(|entry| (entry["file"].as_str().expect("a file").to_owned(), entry)).collect();
    for client in CLIENTS {
        let mut replayed = Vec::new();
        for file in captured(client) {
            let entry = entries.remove(&file).expect("an entry of the index belongs to one client");
            replayed.push(replay(&app, "envelopes", file, entry).await);
        }
        // New keys are looked up in the database, and only so many in a while.
        app.advance(Duration::MINUTE).await;
        for request in &replayed {
            check(&app, request).await;
        }
        insta::assert_snapshot!(client, shown(&app, &replayed, &mut known).await);
    }
    assert!(entries.is_empty(), "no snapshot shows {:?}", entries.keys());
    let mut replayed = Vec::new();
    for entry in index("security") {
        let file = entry["file"].as_str().expect("a file").to_owned();
        replayed.push(replay(&app, "security", file, entry).await);
    }
    app.settle().await;
    insta::assert_snapshot!("security", shown(&app, &replayed, &mut known).await);
    let letters: i64 = sqlx::query_scalar("SELECT count(*) FROM dead_letters").fetch_one(&app.db).await.expect("a count");
    assert_eq!(letters, 0, "nothing that clients send is given up");
    table(&known).insist();
}

/// What the requests of each client and version ended as, by category.
type Known = BTreeMap<(String, String), BTreeMap<String, String>>;

async fn shown(app: &TestApp, replayed: &[Replayed], known: &mut Known) -> String {
    let mut view = String::new();
    for request in replayed {
        show(app, request, &mut view).await;
        let name = |key: &str| request.entry[key].as_str().filter(|name| !name.is_empty()).unwrap_or("–").to_owned();
        if name("client") == "specification" {
            continue;
        }
        let of_client = known.entry((name("client"), name("version"))).or_default();
        let ends = ends(app, &request.project).await;
        if ends.is_empty() && !request.status.is_success() {
            of_client.insert("security".to_owned(), "refused".to_owned());
        }
        of_client.extend(ends.into_keys().filter(|(_, outcome)| outcome != "client_discard"));
    }
    view
}

fn table(known: &Known) -> Table {
    let names = COLUMNS.map(|(name, _)| name);
    let mut table = Table::new("captured requests", &[&["client", "version"], &names[..]].concat());
    for ((client, version), ends) in known {
        let cells = COLUMNS.map(|(_, category)| word(ends.get(category).map(String::as_str)));
        table.row(&[&[client.clone(), version.clone()], &cells[..]].concat());
        let unnamed: Vec<_> = ends.keys().filter(|category| COLUMNS.iter().all(|(_, named)| named != category)).collect();
        assert!(unnamed.is_empty(), "the table has no column for {unnamed:?}");
    }
    table
}

/// Sends the request with the client's own method, path, query and headers, with the address and key of a new project.
async fn replay(app: &TestApp, kind: &str, file: String, entry: Value) -> Replayed {
    let project = app.project(&slug(&file)).await;
    let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let rest = text("path").splitn(4, '/').nth(3).map_or("envelope/".to_owned(), str::to_owned);
    let query = with_key(&text("query"), &project.key);
    let mark = if query.is_empty() { "" } else { "?" };
    // The only captured path that is an application's own; Bugle can be what it leads to.
    let endpoint = if text("path") == "/tunnel" { "tunnel/".to_owned() } else { format!("{}/{rest}", project.id) };
    let address = format!("{}/api/{endpoint}{mark}{query}", app.url());
    let method = if text("method").is_empty() { "POST".to_owned() } else { text("method") };
    let mut request = reqwest::Client::new().request(method.parse().expect("a method"), address);
    for pair in entry["headers"].as_array().into_iter().flatten() {
        let (name, value) = (pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
        if !OF_THE_WIRE.contains(&name.to_lowercase().as_str()) {
            request = request.header(name, value);
        }
    }
    let sent = body(folder(kind).join(&file));
    let with_dsn = with_dsn(&sent, &project.dsn);
    if query.is_empty() && with_dsn.is_none() {
        request = request.header("x-sentry-auth", format!("Sentry sentry_version=7, sentry_key={}", project.key));
    }
    let answer = request.body(with_dsn.unwrap_or(sent)).send().await.expect("the server answers");
    Replayed { status: answer.status(), file, entry, project }
}

fn slug(file: &str) -> String {
    file.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }).collect()
}

/// The query as captured, with this key where it had another.
fn with_key(query: &str, key: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| if pair.starts_with("sentry_key=") { format!("sentry_key={key}") } else { pair.to_owned() });
    pairs.collect::<Vec<_>>().join("&")
}

/// The body with this DSN in its header, where that names one: what comes through a tunnel has no other credentials.
fn with_dsn(body: &[u8], dsn: &str) -> Option<Vec<u8>> {
    let end = body.iter().position(|&byte| byte == b'\n')?;
    let mut header: Value = serde_json::from_slice(&body[..end]).ok()?;
    *header.get_mut("dsn")? = dsn.into();
    Some([header.to_string().as_bytes(), &body[end..]].concat())
}

/// The answer is the one expected, and every item ended, once, as its type should.
async fn check(app: &TestApp, request: &Replayed) {
    let file = &request.file;
    let expected = request.entry["expect"].as_str().unwrap_or("200");
    assert!(expected.starts_with(request.status.as_str()), "{file} is answered {}, not {expected}", request.status);
    assert_eq!(ends(app, &request.project).await, expected_ends(request), "{file}");
}

fn expected_ends(request: &Replayed) -> Ends {
    let mut ends = Ends::new();
    let mut count = |category: Category, outcome: &str, count: i64| {
        *ends.entry((category.name().to_owned(), outcome.to_owned())).or_default() += count;
    };
    if request.status != StatusCode::OK {
        return ends;
    }
    if request.file.ends_with(".json") {
        count(Category::Error, "stored", 1);
        return ends;
    }
    let body = body(folder("envelopes").join(&request.file));
    for item in envelope::parse(&body).expect("what is accepted can be taken apart").items {
        let announces = item.payload.windows(16).any(|window| window == b"\"monitor_config\"");
        match item.kind.as_str() {
            "session" | "sessions" => count(Category::Session, "stored", 1),
            // Each body comes into a project of its own, where no other has announced the job.
            "check_in" => count(Category::Monitor, if announces { "stored" } else { "invalid" }, 1),
            kind => count(Category::of(&item), ends_as(kind), 1),
        }
        if item.kind == "client_report" {
            for discard in client_report::read(item.payload).expect("a captured report is readable") {
                count(discard.category, "client_discard", i64::try_from(discard.quantity).expect("few"));
            }
        }
    }
    ends
}

async fn ends(app: &TestApp, project: &Project) -> Ends {
    let rows = sqlx::query("SELECT category, outcome, sum(item_count)::int8 FROM project_outcomes WHERE project_id = $1 GROUP BY 1, 2");
    let rows = rows.bind(project.id).fetch_all(&app.db).await.expect("outcomes are readable");
    rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect()
}

async fn show(app: &TestApp, request: &Replayed, view: &mut String) {
    writeln!(view, "== {}: {}", request.file, request.status.as_u16()).expect("a string takes everything");
    for ((category, outcome), count) in ends(app, &request.project).await {
        writeln!(view, "{count} {category} {outcome}").expect("a string takes everything");
    }
    let rows = sqlx::query(
        "SELECT e.title, i.culprit, i.level, i.handled, e.environment, e.release, e.transaction, e.user_label,
             ARRAY(SELECT key || '=' || value FROM issue_tags t WHERE t.project_id = i.project_id AND t.issue_id = i.id
                   ORDER BY key COLLATE \"C\", value COLLATE \"C\")
         FROM events e JOIN issues i ON i.project_id = e.project_id AND i.id = e.issue_id
         WHERE e.project_id = $1 ORDER BY e.received_at, e.title",
    );
    for row in rows.bind(request.project.id).fetch_all(&app.db).await.expect("events are readable") {
        let text = |column: usize| row.get::<Option<String>, _>(column).unwrap_or_else(|| "-".to_owned());
        let handled = row.get::<Option<bool>, _>(3).map_or("-", |handled| if handled { "handled" } else { "unhandled" });
        writeln!(view, "  {:?} in {:?}, level {}, {handled}", text(0), text(1), row.get::<i16, _>(2)).expect("a string takes everything");
        let (environment, release, transaction, user) = (text(4), text(5), text(6), text(7));
        writeln!(view, "    environment {environment}, release {release}, transaction {transaction}, user {user}")
            .expect("a string takes everything");
        writeln!(view, "    tags {}", row.get::<Vec<String>, _>(8).join(", ")).expect("a string takes everything");
    }
}
