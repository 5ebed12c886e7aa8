//! Every page in Chromium, in both themes, on a desk and on a phone: nothing wider than its window, nothing that axe finds at level AA,
//! nothing that the content policy has to refuse. The pictures are kept under `screenshots/` for people to look at.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bugle::actions::setup;
use serde_json::{Value, json};

use super::chromium::Chromium;
use super::shop;
use crate::harness::{OWNER_EMAIL, Project, TestApp, exception, fixture};

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

/// The event of the captured body with attachments.
const ATTACHED: &str = "817fa74e5e7a4fafa4e869b494ded363";

const DESK: (u32, u32) = (1440, 900);
const TABLET: (u32, u32) = (900, 900);
const PHONE: (u32, u32) = (390, 844);

/// A page as visited: what to call it, where it is, and what to do before looking.
struct View {
    name: String,
    url: String,
    first: &'static str,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_sound_in_both_themes_on_a_desk_and_on_a_phone() {
    let now = bugle::clock::Clock::system().now();
    let (empty, app) = (TestApp::start_at(now).await, TestApp::start_at(now - shop::PAST).await);
    a_lived_in_installation(&app).await;
    let mut outside = vec![setup_page(&empty).await];
    outside.extend(pages_for_anybody(&app).await);
    let inside = pages_for_members(&app).await;
    let mut faults = Vec::new();
    for dark in [false, true] {
        let chromium = Chromium::open(true, dark).await;
        for view in &outside {
            faults.extend(look(&chromium, view, dark).await);
        }
        chromium.sign_in(&app).await;
        for view in &inside {
            faults.extend(look(&chromium, view, dark).await);
        }
        faults.extend(look_at_a_broken_page(&app, &chromium, dark).await);
        chromium.close().await;
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Looks at a page from three distances; answers what is wrong with it.
async fn look(chromium: &Chromium, view: &View, dark: bool) -> Vec<String> {
    let mut faults = Vec::new();
    chromium.resize(DESK.0, DESK.1).await;
    chromium.goto(&view.url).await;
    chromium.run(view.first, vec![]).await;
    chromium.run(axe(), vec![]).await;
    for (form, (width, height)) in [("desk", DESK), ("tablet", TABLET), ("phone", PHONE)] {
        // What is between desk and phone differs in width alone; so do more issues of the same page, in the other theme.
        if form == "tablet" && dark || form == "phone" && dark && view.name.starts_with("issue-body") {
            continue;
        }
        chromium.resize(width, height).await;
        let seen = format!("{}-{form}-{}", view.name, if dark { "dark" } else { "light" });
        let mut found = too_wide(chromium).await;
        if form != "tablet" {
            found.extend(faults_of(chromium).await);
            chromium.shoot_whole(&seen, width).await;
        }
        faults.extend(found.into_iter().map(|fault| format!("{seen}: {fault}")));
    }
    faults
}

/// Two projects, one with two busy days behind it, one without events; a rule's history; mails; a colleague; a dead letter.
async fn a_lived_in_installation(app: &TestApp) {
    let shop = app.project("shop").await;
    app.project("stock-sync").await;
    let colleague = app.person("tom@shop.example", "member").await;
    app.join(&shop, &colleague).await;
    shop::two_days(app, &shop, 60).await;
    app_sessions_and_a_report(app, &shop).await;
    for body in BODIES {
        app.sdk(&shop).send_fixture(body).await;
    }
    extremes(app, &shop).await;
    said_and_attached(app, &shop).await;
    a_browser_and_a_place(app, &shop).await;
    let front = app.project("front").await;
    sqlx::query("UPDATE projects SET platform = 'browser' WHERE slug = $1").bind(&front.slug).execute(&app.db).await.expect("it is there");
    app.settle().await;
    app.live_through(time::Duration::minutes(5)).await;
    sqlx::query("ALTER TABLE events ADD CONSTRAINT poison CHECK (environment <> 'poison')").execute(&app.db).await.expect("it is added");
    app.sdk(&shop).capture(json!({ "environment": "poison", "message": "cannot be stored" })).await;
    app.settle().await;
}

async fn setup_page(app: &TestApp) -> View {
    let token = setup::new_link(&app.db, &app.clock).await.expect("the link is stored").expect("there is no user yet");
    View { name: "setup".to_owned(), url: format!("{}/setup?token={token}", app.url()), first: "" }
}

/// What can be seen without signing in.
async fn pages_for_anybody(app: &TestApp) -> Vec<View> {
    let owner = app.sign_in_owner().await;
    owner.submit("/members/invite", &[("email", "sam@shop.example"), ("role", "member")]).await;
    app.browser().submit("/reset", &[("email", OWNER_EMAIL)]).await;
    app.settle().await;
    let link = |part: &str| {
        let mails = app.mails();
        let found = mails.iter().rev().find_map(|mail| mail.text.split_whitespace().find(|word| word.contains(part)).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no mail has a link to {part}"))
    };
    let pages = [
        ("login", format!("{}/login", app.url())),
        ("reset", format!("{}/reset", app.url())),
        ("reset-link", link("/reset/")),
        ("invite", link("/invite/")),
        ("mail-resolve", link("/resolve")),
        ("mail-mute", link("/mute")),
    ];
    pages.into_iter().map(|(name, url)| View { name: name.to_owned(), url, first: "" }).collect()
}

async fn pages_for_members(app: &TestApp) -> Vec<View> {
    let fixed = [
        ("projects", "/projects", ""),
        ("project-new", "/projects/new", ""),
        ("onboarding-waiting", "/stock-sync/setup", ""),
        ("onboarding-done", "/shop/setup", ""),
        ("onboarding-browser", "/front/setup", "document.querySelectorAll('.steps details').forEach(one => one.open = true)"),
        ("issues", "/shop/issues", ""),
        ("issues-selected", "/shop/issues", "document.querySelector('.iss input').click()"),
        ("issues-all", "/issues", ""),
        ("issues-none", "/stock-sync/issues", ""),
        ("issues-no-match", "/shop/issues?query=is:unresolved+nothinglikethis", ""),
        ("issues-bad-query", "/shop/issues?query=colour:red", ""),
        ("feedback", "/shop/feedback", ""),
        ("feedback-handled", "/shop/feedback?show=handled", ""),
        ("feedback-deleting", "/shop/feedback", "document.querySelector('article .menu').open = true"),
        ("feedback-none", "/stock-sync/feedback", ""),
        ("alerts", "/shop/alerts", ""),
        ("alert-rule", "/alerts/1", ""),
        ("alert-sent", "/alerts/sent/1", ""),
        ("settings", "/shop/settings", ""),
        ("scrubbing", "/shop/settings/scrubbing", ""),
        ("filters", "/shop/settings/filters", ""),
        ("discards", "/shop/settings/discards", ""),
        ("discards-none", "/stock-sync/settings/discards", ""),
        ("delete", "/issues/delete?id=1", ""),
        ("grouping", "/shop/settings/grouping?add=error.type:*Error%20-%3E%20errors,%20%7B%7B%20transaction%20%7D%7D", ""),
        ("why", "/issues/1/events/latest/why", ""),
        ("outcomes", "/shop/settings/outcomes", ""),
        ("outcomes-none", "/stock-sync/settings/outcomes?period=90d", ""),
        ("members", "/members", ""),
        ("account", "/account", ""),
        ("account-menu", "/projects", "document.querySelector('.top .menu.right').open = true"),
        ("admin", "/admin", ""),
        ("mails", "/admin/mail", ""),
        ("mail", "/admin/mail/1", ""),
        ("help", "/help", ""),
        ("not-found", "/shop/nowhere/at/all", ""),
    ];
    let view = |name: &str, path: &str, first| View { name: name.to_owned(), url: format!("{}{path}", app.url()), first };
    let mut pages: Vec<View> = fixed.into_iter().map(|(name, path, first)| view(name, path, first)).collect();
    let busy: i64 = sqlx::query_scalar("SELECT id FROM issues ORDER BY event_count DESC LIMIT 1").fetch_one(&app.db).await.expect("issues");
    pages.push(view("issue-events", &format!("/issues/{busy}/events"), ""));
    pages.push(view("issue-merged", &format!("/issues/{busy}/merged"), ""));
    pages.push(view("issue-tags", &format!("/issues/{busy}/tags"), ""));
    let attached: (i64, uuid::Uuid) = sqlx::query_as(
        "SELECT e.issue_id, a.attachment_id FROM attachments a JOIN events e USING (project_id, event_id) WHERE a.name = 'import.log'",
    )
    .fetch_one(&app.db)
    .await
    .expect("a file");
    pages.push(view("issue-attached", &format!("/issues/{}/events/{ATTACHED}", attached.0), ""));
    pages.push(view("attachment", &format!("/issues/{}/events/{ATTACHED}/attachments/{}/view", attached.0, attached.1.simple()), ""));
    let report: i64 = sqlx::query_scalar("SELECT id FROM issues WHERE value LIKE '%tracker.example%'")
        .fetch_one(&app.db)
        .await
        .expect("a report of a browser");
    pages.push(view("issue-report", &format!("/issues/{report}"), ""));
    pages.push(view("issue-busy", &format!("/issues/{busy}"), ""));
    pages.push(view("issue-ignoring", &format!("/issues/{busy}"), "document.querySelector('.acts .menu').open = true"));
    // One of each captured body, and the extremes: they came last.
    let last: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM issues ORDER BY id DESC LIMIT 13").fetch_all(&app.db).await.expect("issues are listed");
    pages.extend(last.iter().rev().enumerate().map(|(n, id)| view(&format!("issue-body-{n}"), &format!("/issues/{id}"), "")));
    pages
}

/// Takes a table away for a moment.
async fn look_at_a_broken_page(app: &TestApp, chromium: &Chromium, dark: bool) -> Vec<String> {
    sqlx::query("ALTER TABLE alert_rules RENAME TO alert_rules_away").execute(&app.db).await.expect("a table can be renamed");
    let view = View { name: "broken".to_owned(), url: format!("{}/shop/alerts", app.url()), first: "" };
    let faults = look(chromium, &view, dark).await;
    sqlx::query("ALTER TABLE alert_rules_away RENAME TO alert_rules").execute(&app.db).await.expect("and back");
    faults
}

/// An event with files and a word of somebody, one report with a screenshot and one that is handled.
async fn said_and_attached(app: &TestApp, project: &Project) {
    let sdk = app.sdk(project);
    sdk.envelope(fixture("python-2.75.0-attachments")).await;
    let png: &[u8] = include_bytes!("../../../docs/issue.png");
    sdk.envelope(
        [
            format!(
                "{{\"event_id\":\"{ATTACHED}\"}}\n{{\"type\":\"attachment\",\"filename\":\"screenshot.png\",\"length\":{}}}\n",
                png.len()
            )
            .as_bytes(),
            png,
        ]
        .concat(),
    )
    .await;
    let about = json!({ "message": "I cannot import my orders.\nIt says “failed”, and nothing else.", "name": "Ada Lovelace", "contact_email": "ada@example.test", "associated_event_id": ATTACHED, "url": "https://shop.example.test/import" });
    sdk.envelope(format!(
        "{{}}\n{{\"type\":\"feedback\"}}\n{}",
        json!({ "event_id": "f".repeat(32), "environment": "production", "release": "shop@2.3.1", "contexts": { "feedback": about } })
    ))
    .await;
    for name in ["js-browser-11.12.0-feedback.feedback", "python-2.75.0-user-feedback.user_report"] {
        sdk.envelope(fixture(name)).await;
    }
    sdk.envelope([format!("{{\"event_id\":\"3b8a6daa4e3e45dc9e4646b5d5d88d55\"}}\n{{\"type\":\"attachment\",\"filename\":\"screenshot.png\",\"length\":{}}}\n", png.len()).as_bytes(), png].concat()).await;
    app.settle().await;
    app.sign_in_owner().await.submit(&format!("/shop/feedback/{}/handle", "f".repeat(32)), &[]).await;
}

/// What a browser reports of a policy, and an event of somebody of whom it is known where they are.
async fn a_browser_and_a_place(app: &TestApp, project: &Project) {
    let sdk = app.sdk(project);
    let policy = "default-src 'self'; script-src 'self' https://cdn.shop.example.test; img-src 'self' data:; report-uri /csp";
    let report = json!({ "csp-report": {
        "document-uri": "https://shop.example.test/cart", "effective-directive": "script-src-elem", "violated-directive": "script-src-elem",
        "blocked-uri": "https://tracker.example.test/t.js", "original-policy": policy, "disposition": "enforce",
        "source-file": "https://shop.example.test/cart", "line-number": 12, "column-number": 7, "status-code": 200,
    } });
    sdk.send(sdk.request("security").header("content-type", "application/csp-report").body(report.to_string())).await;
    let mut event = exception("KeyError", "cart", "show_cart");
    event["user"] =
        json!({ "id": "7", "ip_address": "203.0.113.9", "geo": { "city": "Reveille", "region": "Hornshire", "country_code": "XB" } });
    event["request"] = json!({ "url": "https://shop.example.test/cart", "method": "GET", "headers": { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0" } });
    event["extra"] = json!({ "password": "hunter2", "note": "x".repeat(20_000), "when": "yesterday" });
    event["timestamp"] = json!("yesterday");
    event["tags"] = json!({ "plain": "yes", "nested": { "a": 1 } });
    sdk.capture(event).await;
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

/// What an application and a browser tell on their own.
async fn app_sessions_and_a_report(app: &TestApp, project: &Project) {
    for name in ["js-node-11.11.0-session.session", "python-2.75.0-sessions-aggregates.sessions", "rust-0.49.5-session.session"] {
        let text = String::from_utf8(fixture(name)).expect("text");
        app.sdk(project).envelope(text).await;
    }
    let now = app.now().format(&time::format_description::well_known::Rfc3339).expect("a time");
    let buckets =
        json!({ "attrs": { "release": "shop@2.3.1" }, "aggregates": [{ "started": now, "exited": 12_480, "errored": 31, "crashed": 4 }] });
    app.sdk(project).envelope(format!("{{}}\n{{\"type\":\"sessions\"}}\n{buckets}")).await;
    let report = json!({ "csp-report": {
        "document-uri": "https://shop.example.test/cart?step=2", "referrer": "https://shop.example.test/", "effective-directive": "script-src-elem",
        "violated-directive": "script-src-elem", "original-policy": "default-src 'self'; script-src 'self' https://js.stripe.example; report-uri /csp",
        "disposition": "enforce", "blocked-uri": "https://cdn.tracker.example/pixel.js", "status-code": 200, "line-number": 41, "column-number": 9,
        "source-file": "https://shop.example.test/assets/app.js",
    } });
    app.sdk(project).envelope(format!("{{}}\n{{\"type\":\"raw_security\"}}\n{report}")).await;
    app.settle().await;
}

async fn too_wide(chromium: &Chromium) -> Vec<String> {
    let mut faults = Vec::new();
    let wider = chromium.run("return document.documentElement.scrollWidth - window.innerWidth", vec![]).await;
    if wider.as_i64().is_none_or(|pixels| pixels > 0) {
        faults.push(format!("the page is {wider} pixels wider than its window"));
    }
    faults
}

async fn faults_of(chromium: &Chromium) -> Vec<String> {
    let mut faults = Vec::new();
    let inline = chromium.run("return document.querySelectorAll('[style], script:not([src]), style').length", vec![]).await;
    if inline != json!(0) {
        faults.push(format!("{inline} inline styles or scripts"));
    }
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
fn axe() -> &'static str {
    static SOURCE: LazyLock<String> = LazyLock::new(|| {
        let folder = super::django::python_home().join("lib");
        let path = find_axe(&folder).unwrap_or_else(|| panic!("`make test` installs axe-core-python below {}", folder.display()));
        std::fs::read_to_string(path).expect("the package is readable")
    });
    &SOURCE
}

fn find_axe(lib: &Path) -> Option<PathBuf> {
    let pythons = std::fs::read_dir(lib).ok()?;
    pythons.filter_map(Result::ok).map(|python| python.path().join("site-packages/axe_core_python/axe.min.js")).find(|path| path.is_file())
}
