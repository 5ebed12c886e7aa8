//! Secrets planted in every part of an event, each with a name of its own: after the digest none is in the database, a mail, a page, an
//! answer or a log line.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bugle::store::payload;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};
use tracing_subscriber::EnvFilter;

use crate::harness::{Project, TestApp};

/// Begins every planted secret; what follows says where it was planted.
const SECRET: &str = "S3cretPlant";

/// A secret planted at a place.
fn plant(place: &str) -> String {
    format!("{SECRET}-{place}-9Zq7")
}

/// What a Django project with a careless developer sends.
fn event() -> Value {
    let frame = |n: &str| {
        json!({
            "function": "login", "module": "shop.views", "filename": "shop/views.py", "abs_path": format!("https://cdn.shop.example/v.js?token={}", plant("abs-path")),
            "lineno": 42, "in_app": true,
            "pre_context": [format!("    API_KEY = \"{}\"", plant("pre-context"))],
            "context_line": format!("    client.login(user, password='{}')", plant("context-line")),
            "post_context": [format!("    auth_token: str = '{}'", plant("post-context"))],
            "vars": {
                "password": format!("'{}'", plant(n)),
                "request": format!("<WSGIRequest: POST '/login/?next=/&token={}'>", plant("local-request-repr")),
                "form": format!("{{'user': 'ada', 'password': '{}', 'remember': 'on'}}", plant("local-dict-repr")),
                "credentials": { "user": "ada", "pw": plant("local-object") },
                "config": { "deep": [{ "deeper": { "secret_key": plant("local-deep") } }] },
                "account": format!("Account(name='ada', api_token='{}', n=1)", plant("local-dataclass-repr")),
                "headers": format!("{{'Authorization': 'Bearer {}'}}", plant("local-headers-repr")),
                "dsn": format!("postgres://app:{}@db.internal:5432/shop", plant("local-url-password")),
                "argv": ["manage.py", "--password", plant("local-argv"), format!("--token={}", plant("local-argv-tight"))],
                "raw": format!("b'{{\"password\": \"{}\"}}'", plant("local-bytes-json")),
                "escaped": format!("\"{{\\\"api_key\\\": \\\"{}\\\"}}\"", plant("local-escaped-json")),
            },
            "extra_of_frame": { "session_key": plant("frame-other") },
        })
    };
    json!({
        "platform": "python", "level": "error", "environment": "production", "release": "shop@1.0",
        "logger": format!("shop.auth token={}", plant("logger")),
        "server_name": format!("web-1 password={}", plant("server-name")),
        "transaction": format!("/login/?token={}", plant("transaction")),
        "culprit": format!("shop.views in login token={}", plant("culprit")),
        "fingerprint": ["{{ default }}", format!("password={}", plant("fingerprint"))],
        "logentry": {
            "message": "login failed password=%s for %s", "params": [plant("logentry-param"), "ada"],
            "formatted": format!("login failed password={} for ada", plant("logentry-param")),
        },
        "exception": { "values": [
            {
                "type": "KeyError", "value": format!("{{'token': '{}'}}", plant("cause-value")), "module": "builtins",
                "mechanism": { "type": "chained", "handled": false, "exception_id": 1, "parent_id": 0, "source": "__cause__",
                               "data": { "api_key": plant("mechanism-data") }, "meta": { "secret": plant("mechanism-meta") } },
                "stacktrace": { "frames": [frame("cause-local")], "registers": { "auth": plant("registers") } },
                "extra_of_exception": { "pwd": plant("exception-other") },
            },
            {
                "type": format!("LoginError token={}", plant("exception-type")),
                "value": format!("could not connect to amqp://shop:{}@mq/ with password={}", plant("value-url"), plant("value")),
                "mechanism": { "type": "django", "handled": false, "exception_id": 0, "help_link": format!("https://shop.example/?api_key={}", plant("help-link")) },
                "stacktrace": { "frames": [frame("raised-local")] },
            },
        ] },
        "threads": { "values": [{ "id": 1, "name": format!("worker token={}", plant("thread-name")), "crashed": true, "stacktrace": { "frames": [frame("thread-local")] } }] },
        "request": {
            "method": "POST", "url": format!("https://ada:{}@shop.example/login/?token={}", plant("url-userinfo"), plant("url-query")),
            "query_string": format!("page=2&access_token={}&user%5Bpassword%5D={}", plant("query"), plant("query-nested")),
            "cookies": { "sessionid": plant("cookie-session"), "shop_login": plant("cookie-other-name-0123456789"), "csrftoken": plant("cookie-csrf") },
            "headers": {
                "Cookie": format!("sessionid={}; theme=dark", plant("header-cookie")), "Authorization": format!("Basic {}", plant("header-authorization")),
                "X-Api-Key": plant("header-api-key"), "X-Forwarded-Access-Token": plant("header-forwarded"), "X-CSRFToken": plant("header-csrf"),
                "Referer": format!("https://shop.example/reset/?token={}", plant("header-referer")), "Accept": "text/html",
            },
            "data": {
                "username": "ada", "password": plant("form"), "password1": [plant("form-list")], "csrfmiddlewaretoken": plant("form-csrf"),
                "card": { "number": 4_111_111_111_111_111_u64, "cvc": plant("form-cvc"), "card_number": plant("form-card") },
                "payload": json!({ "user": "ada", "client_secret": plant("form-json-in-string") }).to_string(),
                // What a JSON body becomes that was sent as a form: one key without a value.
                json!({ "user": "ada", "password": plant("form-json-as-key") }).to_string(): "",
            },
            "env": { "DATABASE_URL": format!("postgres://app:{}@db/shop", plant("env-url")), "SECRET_KEY": plant("env"), "REMOTE_ADDR": "203.0.113.7" },
            "extra_of_request": { "auth": plant("request-other") },
        },
        "user": { "id": "7", "username": format!("ada token={}", plant("username")), "email": "ada@shop.example", "password": plant("user-password"), "data": { "jwt": plant("user-data") } },
        "tags": { "api_key": plant("tag"), "callback": format!("https://shop.example/cb?token={}", plant("tag-url")), "color": "red" },
        "breadcrumbs": { "values": [
            { "category": "query", "message": format!("UPDATE users SET password = '{}' WHERE id = 7", plant("crumb-sql")), "timestamp": 1_795_175_000 },
            { "category": "http", "type": "http", "data": { "url": format!("https://api.example/?api_key={}", plant("crumb-url")), "http.query": format!("token={}", plant("crumb-query")), "headers": { "authorization": plant("crumb-header") } } },
            { "category": format!("auth token={}", plant("crumb-category")), "message": json!({ "refresh_token": plant("crumb-json") }).to_string() },
        ] },
        "contexts": { "auth": { "type": "auth", "value": plant("context-name") }, "shop": { "session": plant("context"), "note": format!("password: {}", plant("context-text")) } },
        "extra": {
            "sys.argv": ["manage.py", format!("--api-key={}", plant("extra-argv"))], "stripe": { "secret": plant("extra") },
            "pairs": [["token", plant("extra-pair")]], "fields": [{ "name": "password", "value": plant("extra-named-value") }],
            "pem": format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", plant("extra-pem")),
            format!("password={}", plant("extra-key")): 1,
        },
        "modules": { "django": "5.2", "shop-auth": format!("git+https://ada:{}@git.example/auth.git", plant("module")) },
        "sdk": { "name": "sentry.python.django", "version": "2.44.0", "settings": { "auth_token": plant("sdk") } },
        "debug_meta": { "images": [{ "code_file": format!("https://cdn.example/app.js?token={}", plant("debug-meta")) }] },
        "template": { "filename": "login.html", "lineno": 3, "context_line": format!("{{% url 'login' password='{}' %}}", plant("template")) },
        "_meta": { "extra": { "password": { "": { "rem": [["!config", "s"]], "val": plant("client-meta") } } } },
        "something_new": { "access_key": plant("other"), "list": [{ "private_key": plant("other-deep") }] },
    })
}

/// Places whose secret is in the text.
fn leaks(text: &str) -> Vec<String> {
    let mut places: Vec<String> = text.match_indices(SECRET).map(|(at, _)| text[at + SECRET.len()..].chars().take(90).collect()).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[track_caller]
fn assert_clean(text: &str, what: &str) {
    let found = leaks(text);
    assert!(found.is_empty(), "{} secrets in {what}: {found:#?}", found.len());
}

/// Every row of every table as text, bytes spelled out, payloads unpacked.
async fn whole_database(app: &TestApp) -> Vec<(String, String)> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c \
         JOIN pg_class t ON t.relname = c.table_name AND t.relkind IN ('r', 'p') AND NOT t.relispartition \
         WHERE c.table_schema = 'public' AND c.data_type = 'bytea'",
    )
    .fetch_all(&app.db)
    .await
    .expect("the catalog is readable");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&app.db)
    .await
    .expect("the catalog is readable");
    let mut found = Vec::new();
    for table in tables {
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(format!("SELECT t::text FROM {table} t"))).fetch_all(&app.db).await.expect("rows");
        found.push((table, rows.join("\n")));
    }
    for (table, column) in columns {
        let sql = format!("SELECT coalesce({column}, '') FROM {table}");
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&app.db).await.expect("rows") {
            let bytes: Vec<u8> = row.get(0);
            let plain = payload::decode(&bytes).unwrap_or(bytes);
            found.push((format!("{table}.{column}"), String::from_utf8_lossy(&plain).into_owned()));
        }
    }
    found
}

async fn assert_database_clean(app: &TestApp) {
    let mut found: Vec<(String, String)> = Vec::new();
    for (place, text) in whole_database(app).await {
        found.extend(leaks(&text).into_iter().map(|leak| (place.clone(), leak)));
    }
    assert!(found.is_empty(), "{} secrets in the database: {found:#?}", found.len());
}

/// Log lines of this thread, on which the whole app of a test runs but for reading bodies.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no writer panicked")).into_owned()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Hears until the second part is dropped. The third is a listener more: where there is only one in the process, tracing asks the thread
/// that comes first to a log line, maybe one of another test, whether anybody wants it.
fn listen() -> (Lines, tracing::subscriber::DefaultGuard, tracing::Dispatch) {
    let lines = Lines::default();
    let subscriber = || {
        let writer = lines.clone();
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new("bugle=trace")).with_writer(move || writer.clone()).finish()
    };
    let another = tracing::Dispatch::new(subscriber());
    (lines.clone(), tracing::subscriber::set_default(subscriber()), another)
}

async fn sent_and_digested(app: &TestApp) -> (Project, String, i64) {
    let project = app.project("shop-web").await;
    let id = app.sdk(&project).capture(event()).await;
    app.settle().await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("one issue");
    (project, id, issue)
}

#[test]
fn the_event_is_full_of_secrets() {
    assert!(leaks(&event().to_string()).len() > 75);
}

#[tokio::test]
async fn no_planted_secret_is_in_the_database_a_mail_or_a_log_line() {
    let (lines, _guard, _another) = listen();
    let app = TestApp::start().await;
    sent_and_digested(&app).await;
    assert_database_clean(&app).await;
    let mails = app.mails();
    assert_eq!(mails.len(), 1);
    for part in [&mails[0].raw, &mails[0].text, &mails[0].html, mails[0].subject()] {
        assert_clean(part, "a mail");
    }
    assert!(lines.text().contains("POST /api/{project_id}/envelope/"), "log lines are heard: {}", lines.text());
    assert_clean(&lines.text(), "the log");
}

#[tokio::test]
async fn no_planted_secret_is_on_a_page_or_in_an_answer() {
    let app = TestApp::start().await;
    let (project, event, issue) = sent_and_digested(&app).await;
    let browser = app.sign_in_owner().await;
    for path in [
        format!("/issues/{issue}"),
        format!("/issues/{issue}/events/{event}?exc=0&frames=all&crumbs=all"),
        format!("/issues/{issue}/events/{event}?exc=1&frames=all&crumbs=all"),
        format!("/issues/{issue}/events/{event}.json"),
        format!("/issues/{issue}/events/{event}.txt"),
        format!("/issues/{issue}/events"),
        format!("/issues/{issue}/tags"),
        format!("/{}/issues", project.slug),
        format!("/{}/alerts", project.slug),
        "/alerts/sent/1".to_owned(),
        "/admin".to_owned(),
        "/admin/mail".to_owned(),
        "/admin/mail/1".to_owned(),
    ] {
        let page = browser.open(&path).await;
        assert!(page.status.is_success(), "{path}: {}", page.status);
        assert_clean(&page.html, &path);
    }
    let token = app.token(&app.owner().await, &["org:read", "project:read", "event:read"]).await;
    for path in [
        "organizations/bugle/issues/?query=".to_owned(),
        format!("issues/{issue}/"),
        format!("issues/{issue}/events/?full=true"),
        format!("issues/{issue}/events/{event}/"),
        format!("projects/bugle/{}/events/{event}/", project.slug),
        format!("projects/bugle/{}/events/?full=true", project.slug),
        format!("organizations/bugle/eventids/{event}/"),
    ] {
        let answer = app.api(&token).get(&format!("/api/0/{path}")).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        assert_clean(&answer.json.to_string(), &path);
    }
}

#[tokio::test]
async fn a_dead_letter_of_a_readable_event_holds_no_planted_secret() {
    let app = TestApp::start().await;
    // The database refuses this one event for good, as it would a value it cannot hold.
    sqlx::query("ALTER TABLE events ADD CONSTRAINT refused CHECK (title NOT LIKE 'LoginError%')").execute(&app.db).await.expect("altered");
    let project = app.project("shop-web").await;
    app.sdk(&project).capture(event()).await;
    app.settle().await;
    let letters: i64 = sqlx::query_scalar("SELECT count(*) FROM dead_letters").fetch_one(&app.db).await.expect("a count");
    assert_eq!(letters, 1);
    assert_database_clean(&app).await;

    // Too large to be an event, small enough to be kept beside a good sibling.
    let mut large = event();
    large["extra"]["padding"] = json!("x".repeat(1 << 20));
    let good = json!({ "message": "good" }).to_string();
    let large = large.to_string();
    let body = format!(
        "{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{large}\n{{\"type\":\"event\",\"length\":{}}}\n{good}\n",
        large.len(),
        good.len()
    );
    assert!(app.sdk(&project).envelope(body).await.status.is_success());
    app.settle().await;
    let letters: i64 = sqlx::query_scalar("SELECT count(*) FROM dead_letters").fetch_one(&app.db).await.expect("a count");
    assert_eq!(letters, 2);
    assert_database_clean(&app).await;
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_so_that_the_database_alone_does_not_tell_it() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let broken = format!("{{\"message\": tru, \"password\": \"{}\"", plant("broken-event"));
    for body in [
        format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{broken}\n", broken.len()),
        format!("{{}}\n{{\"type\":\"event\"}}\n[\"{}\"]\n{{\"type\": broken {}\n", plant("list"), plant("broken-header")),
    ] {
        app.sdk(&project).envelope(body).await;
    }
    app.settle().await;
    let letters: i64 = sqlx::query_scalar("SELECT count(*) FROM dead_letters WHERE is_sealed").fetch_one(&app.db).await.expect("a count");
    assert!(letters >= 2, "{letters} letters");
    assert_database_clean(&app).await;
    let page = app.sign_in_owner().await.open("/admin").await;
    assert_clean(&page.html, "the page of the instance");
}

#[tokio::test]
async fn what_is_no_event_keeps_no_planted_secret_either() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let named = |place: &str| format!("postgres://ada:{}@db.shop.example/orders", plant(place));
    let session = json!({ "sid": "5", "init": true, "status": "ok", "did": named("session-person"),
                          "attrs": { "release": named("session-release"), "environment": named("session-environment") } });
    let sums = json!({ "aggregates": [{ "exited": 3 }], "attrs": { "release": named("sums-release"), "environment": "e" } });
    let run = json!({ "monitor_slug": "nightly", "status": "ok", "environment": named("run-environment"), "release": named("run-release"),
                      "monitor_config": { "schedule": { "type": "crontab", "value": "@daily" }, "note": named("run-config") } });
    let report = json!({ "event_id": "a".repeat(32), "name": named("said-name"), "email": "ada@shop.example", "comments": named("said") });
    let file = named("file");
    let items = [("session", session), ("sessions", sums), ("check_in", run), ("user_report", report)];
    let mut body: String = items.iter().map(|(kind, item)| format!("{{\"type\":\"{kind}\"}}\n{item}\n")).collect();
    body += &format!("{{\"type\":\"attachment\",\"filename\":\"a.txt\",\"length\":{}}}\n{file}\n", file.len());
    app.sdk(&project).envelope(format!("{{\"event_id\":\"{}\"}}\n{body}", "a".repeat(32))).await;
    app.settle().await;
    for table in ["app_session_hours", "check_ins", "feedback", "attachments"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&app.db).await.expect("a count");
        assert!(count > 0, "{table} is empty");
    }
    assert_database_clean(&app).await;
}

/// Fields in which an event says what it is, and places of code: nobody puts a secret there.
const STRUCTURE: &[&str] = &[
    "event_id",
    "timestamp",
    "platform",
    "level",
    "filename",
    "abs_path",
    "module",
    "function",
    "raw_function",
    "package",
    "type",
    "method",
    "lineno",
    "trace_id",
    "span_id",
    "parent_span_id",
    "in_app",
    "instruction_addr",
    "image_addr",
    "symbol_addr",
    "ip_address",
    "project",
];
/// Names of packages and of SDKs' parts may sound like secrets and are none.
const DESCRIPTIONS: &[&str] = &["modules", "sdk", "debug_meta", "_meta"];

/// Puts a secret into every text, and one under a telling name into every object.
fn plant_everywhere(value: &mut Value, place: &str) {
    match value {
        // In a line of source only a literal is a value.
        Value::String(text) if place.contains("_context") || place.contains("context_line") => {
            text.push_str(&format!(" password = \"{}\"", plant(place)))
        }
        Value::String(text) => text.push_str(&format!(" password={}", plant(place))),
        Value::Array(items) => items.iter_mut().for_each(|item| plant_everywhere(item, place)),
        Value::Object(fields) => {
            for (key, field) in
                fields.iter_mut().filter(|(key, _)| !STRUCTURE.contains(&key.as_str()) && !DESCRIPTIONS.contains(&key.as_str()))
            {
                plant_everywhere(field, &format!("{place}.{key}"));
            }
            fields.insert("client_secret".to_owned(), plant(&format!("{place}.added")).into());
        }
        _ => {}
    }
}

/// The events that real SDKs sent.
fn captured_events() -> Vec<(String, Value)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/envelopes");
    let mut events = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the fixtures are there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let is_event =
            !name.starts_with("spec-") && (name.contains(".event") || name.contains(".feedback") || name.ends_with(".store.json"));
        let bytes = std::fs::read(&path).expect("readable");
        let mut lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let event = lines.rfind(|line| line.get("event_id").is_some() && line.get("platform").is_some());
        if let Some(event) = event.filter(|_| is_event) {
            events.push((name, event));
        }
    }
    events
}

#[tokio::test]
async fn no_secret_planted_in_what_real_sdks_send_is_kept() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let captured = captured_events();
    assert!(captured.len() > 60, "{} events", captured.len());
    for (name, mut event) in captured {
        plant_everywhere(&mut event, "sent");
        assert!(!leaks(&event.to_string()).is_empty(), "{name}");
        app.sdk(&project).store(&event).await;
    }
    app.settle().await;
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&app.db).await.expect("a count");
    assert!(stored > 55, "{stored} events are stored");
    assert_database_clean(&app).await;
    for mail in app.mails() {
        assert_clean(&mail.raw, "a mail");
    }
}
