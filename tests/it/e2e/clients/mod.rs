//! Real clients in processes of their own, all at once, each with a project: what they report is in the Web API and on the issue page, what
//! comes with it ends as it should, and `docs/compatibility.md` says so.
//!
//! The programs are in `tests/clients`; all tell the same story: a cart is opened, the stock is low, the cart cannot be closed.

mod browser;
mod findings;
mod program;

use bugle::clock::Clock;
use futures_util::future::{join, join_all};

use crate::compatibility::Table;
use crate::harness::{Project, TestApp};
use findings::Findings;
use program::Program;

/// A client of the table.
struct Client {
    /// The project it reports to.
    slug: &'static str,
    /// What it is called in the table.
    name: &'static str,
    /// The pinned Python package whose version is worth saying.
    package: Option<&'static str>,
    /// What it sends beside events, as data categories, sorted.
    companions: &'static [&'static str],
    /// How it is started, unless it runs in a browser.
    programs: fn() -> Vec<Program>,
}

const ALL: &[&str] = &["attachment", "feedback", "log_item", "monitor", "session", "transaction"];

const CLIENTS: &[Client] = &[
    Client {
        slug: "django",
        name: "sentry_sdk in Django",
        package: Some("Django"),
        companions: ALL,
        programs: || vec![Program::python("django_client.py")],
    },
    Client {
        slug: "flask",
        name: "sentry_sdk in Flask",
        package: Some("Flask"),
        companions: ALL,
        programs: || vec![Program::python("flask_client.py")],
    },
    Client {
        slug: "celery",
        name: "sentry_sdk in Celery",
        package: Some("celery"),
        companions: &["attachment", "feedback", "log_item", "monitor", "transaction"],
        programs: || vec![Program::python("celery_client.py")],
    },
    Client {
        slug: "sdk-1-45",
        name: "sentry_sdk 1.x",
        package: None,
        companions: &["attachment", "session", "transaction"],
        programs: || vec![Program::old_python("sentry-sdk-1", "sdk1_client.py")],
    },
    Client {
        slug: "sdk-1-5",
        name: "sentry_sdk 1.x, before envelopes",
        package: None,
        companions: &["attachment", "session", "transaction"],
        programs: || vec![Program::old_python("sentry-sdk-1.5", "sdk1_client.py")],
    },
    Client {
        slug: "raven",
        name: "raven",
        package: None,
        companions: &[],
        programs: || vec![Program::old_python("raven", "raven_client.py")],
    },
    Client {
        slug: "node",
        name: "@sentry/node",
        package: None,
        companions: &["attachment", "feedback", "log_item", "monitor", "session", "span"],
        programs: || vec![Program::node("@sentry/node")],
    },
    Client {
        slug: "node-7",
        name: "@sentry/node 7",
        package: None,
        companions: &["attachment", "monitor", "session", "transaction"],
        programs: || vec![Program::node("sentry-node-7")],
    },
    Client {
        slug: "browser",
        name: "@sentry/browser in Chromium",
        package: None,
        companions: &["attachment", "feedback", "log_item", "session", "span"],
        programs: Vec::new,
    },
    Client {
        slug: "rust",
        name: "the Rust crate",
        package: None,
        companions: &["attachment", "log_item", "session", "transaction"],
        programs: || vec![Program::rust()],
    },
    Client { slug: "sentry-cli", name: "sentry-cli", package: Some("sentry_cli"), companions: &["monitor"], programs: Program::sentry_cli },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_shows_what_it_reports() {
    let app = TestApp::start_at(Clock::system().now()).await;
    let mut reporting = Vec::new();
    for client in CLIENTS {
        reporting.push((client, app.project(client.slug).await));
    }
    let programs = join_all(reporting.iter().map(|(client, project)| run(client, project)));
    let (_, ()) =
        join(programs, browser::tell_the_story(&reporting.iter().find(|(client, _)| client.slug == "browser").expect("it is one").1.dsn))
            .await;
    app.settle().await;

    let mut columns = vec!["client", "version"];
    columns.extend(findings::FEATURES.map(|(name, ..)| name));
    let mut table = Table::new("live clients", &columns);
    let findings = Findings::of(&app).await;
    for (client, project) in &reporting {
        table.row(&findings.row(client, project).await);
    }
    assert!(findings.faults().is_empty(), "{}", findings.faults().join("\n"));
    table.insist();
}

async fn run(client: &Client, project: &Project) {
    for program in (client.programs)() {
        program.run(&project.dsn).await;
    }
}
