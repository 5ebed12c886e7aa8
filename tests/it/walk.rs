//! Every route of Bugle, walked by people who may not: a member of another project, somebody signed out, a reader, another site.
//! The table is checked against the routers: a route that is not in it fails the first test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use reqwest::{Method, RequestBuilder, StatusCode};
use sqlx::AssertSqlSafe;

use crate::harness::{Browser, Page, Project, TestApp, attachment};

/// Stands in the type and the message of the only event of the foreign project.
const MARK: &str = "VaultDoorError";

/// What becomes of somebody without the right to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// For everybody, signed out too.
    Open,
    /// For whoever is signed in, about themselves or what they may see.
    Own,
    /// Names something of a project: it does not exist for strangers.
    Project,
    /// As `Project`; members read only may not do it.
    Work,
    /// As `Project`; only administrators may do it.
    ProjectAdmin,
    /// Only administrators.
    Admin,
}
use Guard::{Admin, Open, Own, ProjectAdmin, Work};

/// Fields of a form with their values.
pub type Form = &'static [(&'static str, &'static str)];

/// Method, route as in the router, guard, form.
pub const WEB: &[(&str, &str, Guard, Form)] = &[
    ("GET", "/", Own, &[]),
    ("GET", "/projects", Own, &[]),
    ("GET", "/projects/new", Admin, &[]),
    ("POST", "/projects/new", Admin, &[("name", "Mine"), ("platform", "django")]),
    ("GET", "/{project}", Guard::Project, &[]),
    ("GET", "/{project}/setup", Guard::Project, &[]),
    ("GET", "/{project}/setup/first", Guard::Project, &[]),
    ("GET", "/{project}/setup/arrived", Guard::Project, &[]),
    ("POST", "/{project}/setup/test", Work, &[]),
    ("GET", "/{project}/settings", Guard::Project, &[]),
    ("POST", "/{project}/settings", ProjectAdmin, &[("name", "Mine"), ("platform", "node")]),
    ("GET", "/{project}/settings/outcomes", Guard::Project, &[]),
    ("GET", "/{project}/settings/filters", Guard::Project, &[]),
    ("POST", "/{project}/settings/filters", ProjectAdmin, &[("crawler", "on")]),
    ("GET", "/{project}/settings/discards", Guard::Project, &[]),
    ("POST", "/{project}/settings/discards/{discard}/accept", Work, &[]),
    ("GET", "/{project}/settings/scrubbing", Guard::Project, &[]),
    ("POST", "/{project}/settings/scrubbing", ProjectAdmin, &[("defaults", "on"), ("names", "iban"), ("addresses", "keep")]),
    ("GET", "/{project}/settings/grouping", Guard::Project, &[]),
    ("POST", "/{project}/settings/grouping", ProjectAdmin, &[("fingerprint", "type:X -> x"), ("base", "0"), ("do", "save")]),
    ("POST", "/{project}/settings/limits", ProjectAdmin, &[("minute_limit", "100")]),
    ("POST", "/{project}/settings/keys/{key}/limits", ProjectAdmin, &[("minute_limit", "100")]),
    ("POST", "/{project}/settings/retention", ProjectAdmin, &[("days", "14")]),
    ("POST", "/{project}/settings/keys", ProjectAdmin, &[("label", "Mine")]),
    ("POST", "/{project}/settings/keys/{key}", ProjectAdmin, &[("to", "off")]),
    ("POST", "/{project}/settings/members", ProjectAdmin, &[("user", "{stranger}")]),
    ("POST", "/{project}/settings/members/{user}/remove", ProjectAdmin, &[]),
    ("GET", "/{project}/issues", Guard::Project, &[]),
    ("GET", "/issues", Own, &[]),
    ("POST", "/issues/bulk", Own, &[("do", "resolve"), ("id", "{issue}")]),
    ("GET", "/issues/delete", Own, &[]),
    ("POST", "/issues/delete", Own, &[("id", "{issue}"), ("future", "discard")]),
    ("POST", "/issues/undo/{at}", Own, &[]),
    ("GET", "/issues/{id}", Guard::Project, &[]),
    ("GET", "/issues/{id}/events", Guard::Project, &[]),
    ("GET", "/issues/{id}/events/{event}", Guard::Project, &[]),
    ("GET", "/issues/{id}/events/{event}/why", Guard::Project, &[]),
    ("GET", "/issues/{id}/events/{event}/attachments/{attachment}", Guard::Project, &[]),
    ("GET", "/issues/{id}/events/{event}/attachments/{attachment}/view", Guard::Project, &[]),
    ("GET", "/issues/{id}/tags", Guard::Project, &[]),
    ("POST", "/issues/{id}/merge", Work, &[("with", "{issue}")]),
    ("GET", "/issues/{id}/merged", Guard::Project, &[]),
    ("POST", "/issues/{id}/split", Work, &[("hash", "00000000000000000000000000000000")]),
    ("POST", "/issues/{id}/{verb}", Work, &[]),
    ("GET", "/events/{event}", Guard::Project, &[]),
    ("GET", "/{project}/feedback", Guard::Project, &[]),
    ("GET", "/{project}/feedback/{feedback}/attachments/{attachment}", Guard::Project, &[]),
    ("GET", "/{project}/feedback/{feedback}/attachments/{attachment}/view", Guard::Project, &[]),
    ("POST", "/{project}/feedback/{feedback}/{verb}", Work, &[]),
    ("GET", "/{project}/alerts", Guard::Project, &[]),
    ("GET", "/alerts/{id}", Guard::Project, &[]),
    ("POST", "/alerts/{id}", Work, &[("name", "Mine"), ("min_level", "fatal"), ("who", "members")]),
    ("POST", "/alerts/{id}/pause", Work, &[("enabled", "false")]),
    ("GET", "/alerts/sent/{id}", Guard::Project, &[]),
    ("GET", "/admin", Admin, &[]),
    ("POST", "/admin/dead-letters/retry", Admin, &[]),
    ("POST", "/admin/dead-letters/drop", Admin, &[]),
    ("POST", "/admin/dead-letters/{id}/retry", Admin, &[]),
    ("POST", "/admin/dead-letters/{id}/drop", Admin, &[]),
    ("GET", "/admin/mail", Admin, &[]),
    ("POST", "/admin/mail/test", Admin, &[]),
    ("GET", "/admin/mail/{id}", Admin, &[]),
    ("POST", "/admin/mail/{id}/retry", Admin, &[]),
    ("GET", "/members", Own, &[]),
    ("POST", "/members/invite", Admin, &[("email", "mine@shop.example"), ("role", "owner"), ("project", "vault-keys")]),
    ("POST", "/members/{id}/renew", Admin, &[]),
    ("POST", "/members/{id}/withdraw", Admin, &[]),
    ("POST", "/members/{id}/role", Admin, &[("role", "viewer")]),
    ("POST", "/members/{id}/disable", Admin, &[]),
    ("POST", "/members/{id}/enable", Admin, &[]),
    ("GET", "/account", Own, &[]),
    ("POST", "/account/profile", Own, &[("name", "Eve"), ("theme", "dark")]),
    ("POST", "/account/theme", Own, &[("theme", "dark")]),
    ("POST", "/account/password", Own, &[("current", "wrong"), ("new", "another long password")]),
    ("POST", "/account/tokens", Own, &[("name", "mine")]),
    // Of somebody else: as with projects.
    ("POST", "/account/tokens/{id}/revoke", Guard::Project, &[]),
    ("POST", "/account/sessions/end", Own, &[]),
    ("GET", "/help", Own, &[]),
    ("GET", "/login", Open, &[]),
    ("POST", "/login", Open, &[("email", "nobody@shop.example"), ("password", "wrong")]),
    ("GET", "/setup", Open, &[]),
    ("POST", "/setup", Open, &[("token", "guess"), ("email", "mine@shop.example"), ("password", "a long enough password")]),
    ("GET", "/reset", Open, &[]),
    ("POST", "/reset", Open, &[("email", "nobody@shop.example")]),
    ("GET", "/reset/{token}", Open, &[]),
    ("POST", "/reset/{token}", Open, &[("password", "a long enough password")]),
    ("GET", "/invite/{token}", Open, &[]),
    ("POST", "/invite/{token}", Open, &[("password", "a long enough password")]),
    ("GET", "/a/{token}/{action}", Open, &[]),
    ("POST", "/a/{token}/{action}", Open, &[]),
    ("GET", "/static/{file}", Open, &[]),
    ("GET", "/favicon.ico", Open, &[]),
    ("GET", "/healthz", Open, &[]),
    ("GET", "/readyz", Open, &[]),
    ("GET", "/metrics", Open, &[]),
    // Last: it ends the session of whoever may.
    ("POST", "/logout", Own, &[]),
];

/// Routes of the Web API below `/api/0/`, and whether they name something of a project.
pub const API: &[(&str, bool)] = &[
    ("", false),
    ("organizations", false),
    ("organizations/{org}", false),
    ("organizations/{org}/projects", false),
    ("organizations/{org}/issues", false),
    ("organizations/{org}/issues/{issue}", true),
    ("organizations/{org}/issues/{issue}/events", true),
    ("organizations/{org}/issues/{issue}/events/{event}", true),
    ("organizations/{org}/eventids/{event}", true),
    ("organizations/{org}/shortids/{short_id}", true),
    ("organizations/{org}/monitors", false),
    ("organizations/{org}/monitors/{monitor}/checkins", true),
    ("organizations/{org}/sessions", false),
    ("projects", false),
    ("projects/{org}/{project}", true),
    ("projects/{org}/{project}/keys", true),
    ("projects/{org}/{project}/issues", true),
    ("projects/{org}/{project}/events", true),
    ("projects/{org}/{project}/events/{event}", true),
    ("projects/{org}/{project}/events/{event}/attachments", true),
    ("projects/{org}/{project}/events/{event}/attachments/{attachment}", true),
    ("projects/{org}/{project}/user-feedback", true),
    ("issues/{issue}", true),
    ("issues/{issue}/hashes", true),
    ("issues/{issue}/events", true),
    ("issues/{issue}/events/{event}", true),
];

/// Routes of the Web API that change something.
const WRITTEN: &[(&str, &str)] = &[
    ("POST", "projects/{org}/{project}/user-feedback"),
    ("PUT", "projects/{org}/{project}/issues"),
    ("DELETE", "projects/{org}/{project}/issues"),
    ("PUT", "issues/{issue}"),
    ("DELETE", "issues/{issue}"),
    ("PUT", "organizations/{org}/issues/{issue}"),
    ("DELETE", "organizations/{org}/issues/{issue}"),
    ("DELETE", "issues/{issue}/hashes"),
];

/// What is sent to, with and without a slash at the end: answered to keys, not to people (`accept_credentials`).
const INGEST: &[&str] = &[
    "/api/{project_id}/envelope",
    "/api/{project_id}/store",
    "/api/store",
    "/api/tunnel",
    "/api/{project_id}/security",
    "/api/{project_id}/csp-report",
    "/api/{project_id}/nel",
    "/api/{project_id}/minidump",
    "/api/{project_id}/events/{event_id}/attachments",
    "/api/{project_id}/cron/{slug}",
    "/api/{project_id}/cron/{slug}/{key}",
    "/api/relay/healthcheck/live",
    "/api/relay/healthcheck/ready",
];

/// Tables that change by being looked at.
const RESTLESS: &[&str] = &["_sqlx_migrations", "login_failures"];

/// An installation with a project that holds something of everything, a stranger to it, and somebody who may only read it.
struct Scene {
    app: TestApp,
    vault: Project,
    /// What stands for the names in braces, by route prefix.
    names: BTreeMap<&'static str, String>,
}

impl Scene {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let vault = app.project("vault-keys").await;
        let event = app.sdk(&vault).raise(MARK, &format!("{MARK}: opening the safe"), "open").await;
        let sent = app.sdk(&vault).envelope(attachment(&event, "vault.txt", b"VaultDoorError: combination")).await;
        assert_eq!(sent.status, StatusCode::OK);
        let said = serde_json::json!({ "contexts": { "feedback": { "message": "VaultDoorError: it does not open" } } });
        let sent = app.sdk(&vault).envelope(format!("{{\"event_id\":\"{event}\"}}\n{{\"type\":\"feedback\"}}\n{said}")).await;
        assert_eq!(sent.status, StatusCode::OK);
        app.settle().await;
        let file: uuid::Uuid = sqlx::query_scalar("SELECT attachment_id FROM attachments").fetch_one(&app.db).await.expect("it is stored");
        sqlx::query("INSERT INTO monitors (project_id, slug, config, created_at, updated_at) VALUES ($1, 'vault-job', '{}', $2, $2)")
            .bind(vault.id)
            .bind(app.now())
            .execute(&app.db)
            .await
            .expect("a monitor is stored");
        let token = app.token(&app.owner().await, &["event:read"]).await;
        assert!(!token.is_empty());
        sqlx::query(
            "INSERT INTO dead_letters (project_id, received_at, failed_at, item_type, reason, receipt, body) \
             VALUES ($1, $2, $2, 'event', 'VaultDoorError', '{}', '')",
        )
        .bind(vault.id)
        .bind(app.now())
        .execute(&app.db)
        .await
        .expect("a dead letter is stored");
        sqlx::query(
            "INSERT INTO discards (project_id, issue_id, title, culprit, event_count, discarded_at) VALUES ($1, 77, 'VaultDoorError', '', 1, $2)",
        )
        .bind(vault.id)
        .bind(app.now())
        .execute(&app.db)
        .await
        .expect("a discarded issue is stored");
        let id = async |sql: &'static str| -> String {
            let id: i64 = sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"));
            id.to_string()
        };
        let shop = app.project("shop-web").await;
        let stranger = app.person("eve@shop.example", "member").await;
        app.join(&shop, &stranger).await;
        let reader = app.person("vic@shop.example", "viewer").await;
        app.join(&vault, &reader).await;
        let issue = id("SELECT id FROM issues").await;
        let names = BTreeMap::from([
            ("/{project}", vault.slug.clone()),
            ("{key}", vault.key.clone()),
            ("{user}", app.owner().await.id.to_string()),
            ("{stranger}", stranger.id.to_string()),
            ("{feedback}", event.clone()),
            ("{event}", event),
            ("{monitor}", "vault-job".to_owned()),
            ("{discard}", "77".to_owned()),
            ("{attachment}", file.simple().to_string()),
            ("{issue}", issue.clone()),
            ("/issues/{id}", issue),
            ("/alerts/{id}", id("SELECT min(id) FROM alert_rules").await),
            ("/alerts/sent/{id}", id("SELECT id FROM alerts").await),
            ("/admin/dead-letters/{id}", id("SELECT id FROM dead_letters").await),
            ("/admin/mail/{id}", id("SELECT id FROM mails").await),
            ("/members/{id}", app.owner().await.id.to_string()),
            ("/account/tokens/{id}", id("SELECT id FROM api_tokens").await),
            ("{at}", (app.now().unix_timestamp_nanos() / 1_000).to_string()),
        ]);
        Self { app, vault, names }
    }

    /// The route with the ids of the foreign project.
    fn address(&self, route: &str) -> String {
        let of = |name: &str| self.names[name].clone();
        let mut path = route.to_owned();
        for prefix in ["/issues/", "/alerts/sent/", "/alerts/", "/admin/dead-letters/", "/admin/mail/", "/members/", "/account/tokens/"] {
            if route.starts_with(&format!("{prefix}{{id}}")) {
                path = path.replace("{id}", &of(&format!("{prefix}{{id}}")));
            }
        }
        for name in ["{key}", "{user}", "{event}", "{at}", "{issue}", "{attachment}", "{feedback}", "{monitor}", "{discard}"] {
            path = path.replace(name, &of(name));
        }
        let short_id = format!("VAULT-{}", self.names["{issue}"]);
        path.replace("{project}", &self.vault.slug)
            .replace("{short_id}", &short_id)
            .replace("{org}", "bugle")
            .replace("{verb}", "resolve")
            .replace("{token}", "1-1-99999999999-guess")
            .replace("{action}", "resolve")
            .replace("{file}", "app.css")
    }

    fn form(&self, fields: &[(&str, &str)]) -> Vec<(String, String)> {
        let fill = |value: &str| value.replace("{stranger}", &self.names["{stranger}"]).replace("{issue}", &self.names["{issue}"]);
        fields.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect()
    }

    /// Everything in the database, as one number per table.
    async fn everything(&self) -> BTreeMap<String, String> {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace",
        )
        .fetch_all(&self.app.db)
        .await
        .expect("the catalog is readable");
        let mut sums = BTreeMap::new();
        for table in tables.into_iter().filter(|table| !RESTLESS.contains(&table.as_str())) {
            let sql = format!("SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t");
            let sum: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.app.db).await.expect("the table is readable");
            sums.insert(table, sum);
        }
        sums
    }

    /// Sends what a form of our own page would send.
    fn request(&self, browser: &Browser, method: &str, route: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let method: Method = method.parse().expect("a method");
        let request = browser.request(method.clone(), &self.address(route)).header("accept", "text/html");
        if method == Method::GET { request } else { request.form(&self.form(fields)) }
    }
}

async fn answer(request: RequestBuilder) -> Page {
    Page::read(request.send().await.expect("the server answers")).await
}

/// What every answer of every door has, errors included.
#[track_caller]
fn assert_guarded(page: &Page, what: &str) {
    let header = |name: &str| page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    if header("content-type").starts_with("text/html") {
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
        assert!(!policy.contains("unsafe"), "{what}: {policy}");
        assert_eq!(header("x-frame-options"), "DENY", "{what}");
        assert_eq!(header("cache-control"), "no-store", "{what}");
    }
    for leak in ["sqlx", "panicked", "src/", "SELECT ", "/tmp/"] {
        assert!(!page.html.contains(leak), "“{leak}” in {what}: {}", page.html);
    }
}

fn sources(dir: &Path, found: &mut String) {
    for entry in fs::read_dir(dir).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push_str(&fs::read_to_string(&path).expect("a source file"));
        }
    }
}

/// Methods and paths of every `.route("…", …)`, and the paths given to `both(below, "…", …)`.
fn declared() -> (BTreeSet<(String, String)>, BTreeSet<String>) {
    let mut text = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut text);
    let mut routes = BTreeSet::new();
    for call in text.split(".route(").skip(1) {
        let Some((path, rest)) = call.trim_start().strip_prefix('"').and_then(|call| call.split_once('"')) else { continue };
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        let handlers = &rest[..end.expect("the call is closed")];
        for (word, method) in [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("delete(", "DELETE"), ("any(", "ANY")] {
            let is_word = |at: usize| !handlers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if handlers.match_indices(word).any(|(at, _)| is_word(at)) {
                routes.insert((method.to_owned(), path.to_owned()));
            }
        }
        if handlers.contains("endpoint(") {
            routes.insert(("INGEST".to_owned(), path.to_owned()));
        }
    }
    let api = text.split("both(below, \"").skip(1).filter_map(|call| Some(call.split_once('"')?.0.to_owned())).collect();
    (routes, api)
}

#[test]
fn the_table_names_every_route_there_is() {
    let (mut routes, api) = declared();
    assert!(routes.remove(&("GET".to_owned(), "/api/0/".to_owned())), "the root of the Web API");
    for path in INGEST.iter().flat_map(|path| [(*path).to_owned(), format!("{path}/")]) {
        assert!(routes.remove(&("INGEST".to_owned(), path.clone())), "{path}");
    }
    let table: BTreeSet<_> = WEB.iter().map(|(method, route, ..)| ((*method).to_owned(), (*route).to_owned())).collect();
    let missing: Vec<_> = routes.difference(&table).collect();
    assert!(missing.is_empty(), "not walked: {missing:?}");
    let known: BTreeSet<_> = API.iter().map(|(path, _)| (*path).to_owned()).filter(|path| !path.is_empty()).collect();
    assert_eq!(api, known);
}

#[tokio::test]
async fn a_stranger_gets_nothing_of_a_project_by_any_route() {
    let scene = Scene::start().await;
    let stranger = scene.app.person("eve@shop.example", "member").await;
    let browser = scene.app.sign_in(&stranger).await;
    for (method, route, guard, fields) in WEB {
        let what = format!("{method} {route}");
        let before = scene.everything().await;
        let page = answer(scene.request(&browser, method, route, fields)).await;
        assert_guarded(&page, &what);
        assert!(!page.html.contains(MARK), "{what} tells of the project: {}", page.text());
        match guard {
            Guard::Project | Work | ProjectAdmin => assert_eq!(page.status, StatusCode::NOT_FOUND, "{what}: {}", page.text()),
            Admin => assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}: {}", page.text()),
            Open | Own => assert!(!page.status.is_server_error(), "{what}: {}", page.text()),
        }
        let harmless = ["/account/profile", "/account/theme", "/account/tokens", "/account/sessions/end", "/logout"];
        if !harmless.contains(route) {
            assert_eq!(scene.everything().await, before, "{what} changed something");
        }
    }
}

#[tokio::test]
async fn readers_change_nothing_by_any_route() {
    let scene = Scene::start().await;
    let reader = scene.app.person("vic@shop.example", "viewer").await;
    let browser = scene.app.sign_in(&reader).await;
    let before = scene.everything().await;
    for (method, route, guard, fields) in WEB {
        let what = format!("{method} {route}");
        let page = match guard {
            Work | ProjectAdmin | Admin => answer(scene.request(&browser, method, route, fields)).await,
            Guard::Project if *method == "GET" => answer(scene.request(&browser, method, route, fields)).await,
            _ => continue,
        };
        assert_guarded(&page, &what);
        match guard {
            Guard::Project => assert!(page.status.is_success(), "{what} is readable: {} {}", page.status, page.text()),
            _ => assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}: {}", page.text()),
        }
    }
    let bulk = [("do", "resolve"), ("id", scene.names["{issue}"].as_str())];
    assert_eq!(browser.submit("/issues/bulk", &bulk).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        browser.submit("/issues/bulk", &[("do", "resolve"), ("all", "1"), ("base", "/issues"), ("query", "")]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(scene.everything().await, before);
}

#[tokio::test]
async fn members_administer_nothing_by_any_route() {
    let scene = Scene::start().await;
    let member = scene.app.person("mia@shop.example", "member").await;
    scene.app.join(&scene.vault, &member).await;
    let browser = scene.app.sign_in(&member).await;
    let before = scene.everything().await;
    for (method, route, _, fields) in WEB.iter().filter(|(_, _, guard, _)| matches!(guard, ProjectAdmin | Admin)) {
        let page = answer(scene.request(&browser, method, route, fields)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{method} {route}: {}", page.text());
    }
    assert_eq!(scene.everything().await, before);
}

#[tokio::test]
async fn signed_out_there_is_only_the_way_in() {
    let scene = Scene::start().await;
    let browser = scene.app.browser();
    for (method, route, guard, fields) in WEB {
        let what = format!("{method} {route}");
        let before = scene.everything().await;
        let page = answer(scene.request(&browser, method, route, fields)).await;
        assert_guarded(&page, &what);
        assert!(!page.html.contains(MARK), "{what} tells of the project");
        if *guard != Open {
            assert!(page.path.starts_with("/login"), "{what} leads to {} {}", page.status, page.path);
        }
        assert!(!page.status.is_server_error(), "{what}: {}", page.text());
        assert_eq!(scene.everything().await, before, "{what} changed something");
    }
}

#[tokio::test]
async fn no_form_of_another_site_changes_anything() {
    let scene = Scene::start().await;
    let browser = scene.app.sign_in_owner().await;
    let before = scene.everything().await;
    for (method, route, _, fields) in WEB.iter().filter(|(method, ..)| *method != "GET") {
        for (name, value) in
            [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example"), ("origin", "null")]
        {
            let what = format!("{method} {route} with {name}: {value}");
            let page = answer(scene.request(&browser, method, route, fields).header(name, value)).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}");
            assert_guarded(&page, &what);
        }
        // What a link or an image on another site can do.
        if !WEB.iter().any(|(other, path, ..)| *other == "GET" && path == route) {
            let page = answer(scene.request(&browser, "GET", route, &[])).await;
            assert!(page.status.is_client_error(), "GET {route}: {}", page.status);
            assert_guarded(&page, route);
        }
    }
    assert_eq!(scene.everything().await, before);
}

#[tokio::test]
async fn the_web_api_knows_nothing_of_foreign_projects_and_changes_nothing() {
    let scene = Scene::start().await;
    let stranger = scene.app.person("eve@shop.example", "member").await;
    let reader = scene.app.person("vic@shop.example", "viewer").await;
    let scopes = ["org:read", "project:read", "project:write", "event:read", "event:write", "event:admin"];
    let tokens = [scene.app.token(&stranger, &scopes).await, scene.app.token(&reader, &scopes).await];
    let client = reqwest::Client::new();
    let ask = async |method: Method, path: &str, token: Option<&str>| {
        let request = client.request(method, format!("{}{path}", scene.app.url()));
        answer(if let Some(token) = token { request.bearer_auth(token) } else { request }).await
    };
    for token in &tokens {
        ask(Method::GET, "/api/0/", Some(token)).await;
    }
    let before = scene.everything().await;
    for (route, foreign) in API {
        for slash in ["", "/"].iter().filter(|slash| !(route.is_empty() && slash.is_empty())) {
            let path = format!("/api/0/{}{slash}", scene.address(route).trim_start_matches('/')).replace("//", "/");
            let path = if route.is_empty() { "/api/0/".to_owned() } else { path };
            let page = ask(Method::GET, &path, Some(&tokens[0])).await;
            assert_guarded(&page, &path);
            assert!(!page.html.contains(MARK) && !page.html.contains("vault"), "{path}: {}", page.html);
            let wanted = if *foreign { StatusCode::NOT_FOUND } else { StatusCode::OK };
            assert_eq!(page.status, wanted, "{path}: {}", page.html);
            assert_eq!(ask(Method::GET, &path, Some(&tokens[1])).await.status, StatusCode::OK, "{path} of somebody who may read");
            if !route.is_empty() {
                let page = ask(Method::GET, &path, None).await;
                assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
                assert_guarded(&page, &path);
            }
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                let page = ask(method.clone(), &path, Some(&tokens[1])).await;
                let is_written = WRITTEN.contains(&(method.as_str(), route));
                let refused = if is_written { StatusCode::FORBIDDEN } else { StatusCode::METHOD_NOT_ALLOWED };
                assert_eq!(page.status, refused, "{method} {path}");
            }
        }
    }
    assert_eq!(scene.everything().await, before);
}
