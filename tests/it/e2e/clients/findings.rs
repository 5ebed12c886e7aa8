//! What Bugle shows and counts of a client's story.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::Row;

use super::Client;
use super::program::source;
use crate::compatibility::word;
use crate::harness::{Api, Browser, Project, TestApp};

/// What it is, its data categories, and where a page says what of it.
type Feature = (&'static str, &'static [&'static str], Option<(Place, &'static str)>);

/// What a client can report, under which data categories it is counted, and, where Bugle shows what it keeps of it, on which page and what the
/// page says. Events have no category here: they are looked at closely.
pub const FEATURES: [Feature; 10] = [
    ("exception", &[], None),
    ("message", &[], None),
    ("breadcrumb", &[], None),
    ("user", &[], None),
    ("attachment", &["attachment"], Some((Place::Issue, "cart.txt"))),
    ("feedback", &["feedback"], Some((Place::Feedback, "the cart does not close"))),
    ("session", &["session"], None),
    ("check-in", &["monitor"], None),
    ("transaction", &["transaction", "span"], None),
    ("log", &["log_item"], None),
];
/// Categories that are not items of a client's story: what it says of itself, and the size of its logs.
const ASIDE: [&str; 2] = ["internal", "log_byte"];
/// Never in the document: a fault fails the test before.
const MISSING: &str = "missing";
const TITLE: &str = "CartError: cart 4711 is empty";

/// A page that shows what a client reported.
#[derive(Clone, Copy)]
pub enum Place {
    /// That of the issue, with its latest event.
    Issue,
    /// What people said in the project.
    Feedback,
}

/// Looks, and collects what is wrong.
pub struct Findings<'a> {
    app: &'a TestApp,
    api: Api,
    owner: Browser,
    faults: RefCell<Vec<String>>,
}

impl<'a> Findings<'a> {
    /// As the owner sees it.
    pub async fn of(app: &'a TestApp) -> Self {
        let api = app.api(&app.token(&app.owner().await, &["event:read"]).await);
        Self { app, api, owner: app.sign_in_owner().await, faults: RefCell::default() }
    }

    /// All that is wrong so far.
    pub fn faults(&self) -> Vec<String> {
        self.faults.borrow().clone()
    }

    /// The row of a client in the table.
    pub async fn row(&self, client: &Client, project: &Project) -> Vec<String> {
        let events = self.events(project).await;
        let raised = self.titled(client, &events, TITLE);
        let message = self.titled(client, &events, "stock is low");
        let mut cells = vec![client.name.to_owned(), version(client, raised)];
        cells.push(self.exception(client, raised).await);
        cells.push(self.message(client, message).await);
        cells.push(self.on_the_page(client, raised, "breadcrumb", "cart opened", holds_breadcrumb(raised)).await);
        let known = (raised["user"]["id"].as_str(), raised["user"]["email"].as_str()) == (Some("7"), Some("ada@mail.example"));
        cells.push(self.on_the_page(client, raised, "user", "ada@mail.example", known).await);
        let ends = self.ends(client, project).await;
        for (name, categories, text) in FEATURES.iter().filter(|(_, categories, _)| !categories.is_empty()) {
            let outcome = categories.iter().find_map(|category| ends.get(*category));
            cells.push(match (outcome.map(String::as_str), text) {
                (Some("stored"), Some((Place::Issue, text))) => self.on_the_page(client, raised, name, text, true).await,
                (Some("stored"), Some((Place::Feedback, text))) => {
                    self.shown_at(client, &format!("/{}/feedback", project.slug), name, text).await
                }
                (outcome, _) => word(outcome),
            });
        }
        cells
    }

    async fn events(&self, project: &Project) -> Vec<Value> {
        let list = self.api.get(&format!("/api/0/projects/bugle/{}/events/", project.slug)).await.json;
        let mut events = Vec::new();
        for event in list.as_array().expect("a list of events") {
            let id = event["eventID"].as_str().expect("an id");
            events.push(self.api.get(&format!("/api/0/projects/bugle/{}/events/{id}/", project.slug)).await.json);
        }
        events
    }

    fn titled<'e>(&self, client: &Client, events: &'e [Value], title: &str) -> &'e Value {
        let found: Vec<&Value> = events.iter().filter(|event| event["title"] == title).collect();
        if found.len() != 1 {
            let titles: Vec<_> = events.iter().map(|event| event["title"].to_string()).collect();
            self.fault(client, &format!("{} events are called “{title}”; all: {}", found.len(), titles.join(", ")));
        }
        found.first().copied().unwrap_or(&Value::Null)
    }

    async fn exception(&self, client: &Client, raised: &Value) -> String {
        let values = &entry(raised, "exception")["values"];
        let last = values.as_array().and_then(|values| values.last()).unwrap_or(&Value::Null);
        let frames = last["stacktrace"]["frames"].as_array().map_or(0, Vec::len);
        let tag = |key: &str| raised["tags"].as_array().into_iter().flatten().find(|tag| tag["key"] == key).map(|tag| tag["value"].clone());
        let whole = last["type"] == "CartError"
            && (frames > 0 || client.slug == "rust")
            && raised["release"]["version"] == "clients@1.0.0"
            && tag("environment") == Some("e2e".into())
            && tag("client").is_some();
        self.on_the_page(client, raised, "exception", "cart 4711 is empty", whole).await
    }

    async fn message(&self, client: &Client, message: &Value) -> String {
        let level = message["tags"].as_array().into_iter().flatten().any(|tag| tag["key"] == "level" && tag["value"] == "warning");
        self.on_the_page(client, message, "message", "stock is low", level).await
    }

    /// “shown” if the Web API has it and a reader of the issue sees it.
    async fn on_the_page(&self, client: &Client, event: &Value, what: &str, text: &str, in_the_api: bool) -> String {
        if !in_the_api {
            self.fault(client, &format!("the Web API does not have its {what}: {event}"));
            return MISSING.to_owned();
        }
        self.shown_at(client, &format!("/issues/{}", event["groupID"].as_str().unwrap_or("0")), what, text).await
    }

    async fn shown_at(&self, client: &Client, path: &str, what: &str, text: &str) -> String {
        let page = self.owner.open(path).await;
        if page.shows(text) {
            return "shown".to_owned();
        }
        self.fault(client, &format!("{path} does not show its {what}, “{text}”:\n{}", page.text()));
        MISSING.to_owned()
    }

    /// How the companions of its events ended, by category; exactly those it sends, none as an error.
    async fn ends(&self, client: &Client, project: &Project) -> BTreeMap<String, String> {
        let rows = sqlx::query(
            "SELECT category, min(outcome), count(DISTINCT outcome) FROM project_outcomes WHERE project_id = $1 AND outcome <> 'client_discard' GROUP BY 1",
        );
        let rows = rows.bind(project.id).fetch_all(&self.app.db).await.expect("outcomes are readable");
        let mut ends = BTreeMap::new();
        for row in rows {
            let (category, outcome, different): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
            if different > 1 || !["stored", "unsupported"].contains(&outcome.as_str()) {
                self.fault(client, &format!("its {category} ended as {outcome}, and in {different} ways"));
            }
            if category != "error" && !ASIDE.contains(&category.as_str()) {
                ends.insert(category, outcome);
            }
        }
        if !ends.keys().eq(client.companions) {
            self.fault(client, &format!("beside events arrived {:?} instead of {:?}", ends.keys(), client.companions));
        }
        ends
    }

    fn fault(&self, client: &Client, what: &str) {
        self.faults.borrow_mut().push(format!("{}: {what}", client.name));
    }
}

/// As the client says of itself; with the framework it runs in. sentry-cli names only the crate it is made of.
fn version(client: &Client, event: &Value) -> String {
    let said = event["sdk"]["version"].as_str().unwrap_or("–");
    match client.package {
        None => said.to_owned(),
        Some("sentry_cli") => pinned("sentry_cli"),
        Some(package) => format!("{said} ({package} {})", pinned(package)),
    }
}

/// The version of a Python package that the tests run with.
fn pinned(package: &str) -> String {
    let all = std::fs::read_to_string(source("python/requirements.txt")).expect("the lock file is there");
    let found = all.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
    found.unwrap_or_else(|| panic!("{package} is not pinned")).to_owned()
}

fn holds_breadcrumb(event: &Value) -> bool {
    entry(event, "breadcrumbs")["values"].as_array().into_iter().flatten().any(|crumb| crumb["message"] == "cart opened")
}

fn entry<'e>(event: &'e Value, kind: &str) -> &'e Value {
    let found = event["entries"].as_array().into_iter().flatten().find(|entry| entry["type"] == kind);
    found.map_or(&Value::Null, |entry| &entry["data"])
}
