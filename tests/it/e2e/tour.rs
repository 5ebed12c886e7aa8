//! Every page in Chromium, in both themes, on a desk and on a phone: nothing wider than its window, nothing that axe finds at level AA,
//! nothing that the content policy has to refuse. The pictures are kept under `screenshots/` for people to look at.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::chromium::Chromium;
use crate::harness::{OWNER_EMAIL, OWNER_PASSWORD, Project, TestApp};

/// Captured bodies of real SDKs that between them fill every block of the issue page.
const BODIES: [&str; 9] = [
    "python-2.75.0-unhandled-view-pii",
    "python-2.75.0-exception-group",
    "python-2.75.0-chained-cause",
    "python-2.75.0-big-locals",
    "python-2.75.0-long-values-150-crumbs",
    "python-2.75.0-capture-message",
    "js-browser-11.12.0-error",
    "js-node-11.11.0-aggregate",
    "rust-0.49.5-panic",
];

const DESK: (u32, u32) = (1440, 900);
const PHONE: (u32, u32) = (390, 844);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_sound_in_both_themes_on_a_desk_and_on_a_phone() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let pages = a_lived_in_installation(&app).await;
    let mut faults = Vec::new();
    for dark in [false, true] {
        let chromium = Chromium::open(true, dark).await;
        sign_in(&app, &chromium).await;
        for (name, path) in &pages {
            for (form, (width, height)) in [("desk", DESK), ("phone", PHONE)] {
                chromium.resize(width, height).await;
                chromium.goto(&format!("{}{path}", app.url())).await;
                let view = format!("{name}-{form}-{}", if dark { "dark" } else { "light" });
                chromium.shoot(&view).await;
                faults.extend(faults_of(&chromium).await.into_iter().map(|fault| format!("{view}: {fault}")));
            }
        }
        chromium.close().await;
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Two projects, one of them busy, one without events; a rule's history; mails; a colleague.
async fn a_lived_in_installation(app: &TestApp) -> Vec<(&'static str, String)> {
    let shop = app.project("shop").await;
    app.project("stock-sync").await;
    let colleague = app.person("tom@shop.example", "member").await;
    app.join(&shop, &colleague).await;
    for body in BODIES {
        app.sdk(&shop).send_fixture(body).await;
    }
    extremes(app, &shop).await;
    app.settle().await;
    app.live_through(time::Duration::minutes(5)).await;

    let issues: Vec<i64> = sqlx::query_scalar("SELECT id FROM issues ORDER BY id").fetch_all(&app.db).await.expect("issues");
    let mut pages: Vec<(&'static str, String)> = [
        ("projects", "/projects"),
        ("project-new", "/projects/new"),
        ("onboarding-waiting", "/stock-sync/setup"),
        ("onboarding-done", "/shop/setup"),
        ("issues", "/shop/issues"),
        ("issues-all", "/issues"),
        ("issues-none", "/stock-sync/issues"),
        ("issues-no-match", "/shop/issues?query=is:unresolved+nothinglikethis"),
        ("issues-bad-query", "/shop/issues?query=colour:red"),
        ("alerts", "/shop/alerts"),
        ("alert-rule", "/alerts/1"),
        ("alert-sent", "/alerts/sent/1"),
        ("settings", "/shop/settings"),
        ("members", "/members"),
        ("account", "/account"),
        ("admin", "/admin"),
        ("mails", "/admin/mail"),
        ("mail", "/admin/mail/1"),
        ("help", "/help"),
        ("not-found", "/shop/nowhere/at/all"),
        ("login", "/login"),
        ("reset", "/reset"),
    ]
    .map(|(name, path)| (name, path.to_owned()))
    .to_vec();
    let names = ["issue-1", "issue-2", "issue-3", "issue-4", "issue-5", "issue-6", "issue-7", "issue-8", "issue-9", "issue-10", "issue-11"];
    pages.extend(names.into_iter().zip(&issues).map(|(name, id)| (name, format!("/issues/{id}"))));
    pages.push(("issue-events", format!("/issues/{}/events", issues[0])));
    pages.push(("issue-tags", format!("/issues/{}/tags", issues[0])));
    pages
}

/// What a page must survive: a name without a break, a release of forty characters, next to nothing at all.
async fn extremes(app: &TestApp, project: &Project) {
    let long = "UnbreakableName".repeat(14);
    app.sdk(project)
        .capture(json!({
            "level": "fatal", "release": "0123456789abcdef0123456789abcdef01234567", "environment": "production-eu-north-1-blue",
            "exception": { "values": [{ "type": long, "value": "x".repeat(600) }] },
            "tags": { "a_long_tag_name_that_goes_on": "v".repeat(190) },
        }))
        .await;
    app.sdk(project).capture(json!({ "level": "info" })).await;
}

async fn sign_in(app: &TestApp, chromium: &Chromium) {
    chromium.goto(&format!("{}/login", app.url())).await;
    chromium.fill("[name=email]", OWNER_EMAIL).await;
    chromium.fill("[name=password]", OWNER_PASSWORD).await;
    chromium.click("main form .btn.go").await;
    chromium.until_shows("header.top").await;
}

async fn faults_of(chromium: &Chromium) -> Vec<String> {
    let mut faults = Vec::new();
    let wider = chromium.run("return document.documentElement.scrollWidth - window.innerWidth", vec![]).await;
    if wider.as_i64().is_none_or(|pixels| pixels > 0) {
        faults.push(format!("the page is {wider} pixels wider than its window"));
    }
    let inline = chromium.run("return document.querySelectorAll('[style], script:not([src]), style').length", vec![]).await;
    if inline != json!(0) {
        faults.push(format!("{inline} inline styles or scripts"));
    }
    chromium.run(&axe(), vec![]).await;
    let found = chromium.run_async(AXE_RUN, vec![]).await;
    faults.extend(found.as_array().into_iter().flatten().map(violation));
    faults
}

/// WCAG 2.2 AA, as far as a machine can tell.
const AXE_RUN: &str = "const done = arguments[arguments.length - 1];
    axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'] })
       .then(r => done(r.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))])));";

fn violation(found: &Value) -> String {
    let nodes: Vec<_> = found[2].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    format!("{} ({}): {}", found[0].as_str().unwrap_or_default(), found[1].as_str().unwrap_or_default(), nodes.join(" | "))
}

/// The checker's source, out of the Python package that `make test` installs beside Django.
fn axe() -> String {
    let folder = super::django::python_home().join("lib");
    let path = find_axe(&folder).unwrap_or_else(|| panic!("`make test` installs axe-core-python below {}", folder.display()));
    std::fs::read_to_string(path).expect("the package is readable")
}

fn find_axe(lib: &Path) -> Option<PathBuf> {
    let pythons = std::fs::read_dir(lib).ok()?;
    pythons.filter_map(Result::ok).map(|python| python.path().join("site-packages/axe_core_python/axe.min.js")).find(|path| path.is_file())
}
