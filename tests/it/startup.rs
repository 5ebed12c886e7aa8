//! The first minutes of an installation, with the real binary: who gets in, and what is refused with a sentence.

use reqwest::StatusCode;

use crate::harness::{Browser, Site, eventually, exception};

const EMAIL: &str = "maya@shop.example";
const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn the_first_start_prints_a_link_that_makes_the_owner_and_works_once() {
    let site = Site::new();
    let bugle = site.serve();
    let link = setup_link(&bugle.said).unwrap_or_else(|| panic!("no link in\n{}", bugle.said));
    let browser = Browser::new(&bugle.url);
    let page = browser.open(&link).await;
    page.assert_shows("Welcome");
    let token = link.split_once("token=").expect("a token").1;
    let fields = [("token", token), ("name", "Maya"), ("email", EMAIL), ("password", PASSWORD)];
    let made = browser.submit("/setup", &fields).await;
    assert_eq!(made.path, "/projects/new", "{}", made.text());
    assert_eq!(Browser::new(&bugle.url).open(&link).await.status, StatusCode::NOT_FOUND);

    assert!(bugle.terminate().success());
    assert_eq!(setup_link(&site.serve().said), None, "there is an owner now");
}

#[tokio::test]
async fn the_admin_variables_make_the_first_owner_and_nobody_after_that() {
    let site = Site::new();
    let first = site.serve_with(&[("BUGLE_ADMIN_EMAIL", EMAIL), ("BUGLE_ADMIN_PASSWORD", PASSWORD)]);
    assert_eq!(setup_link(&first.said), None);
    assert!(signs_in(&first.url, EMAIL, PASSWORD).await);
    assert!(first.terminate().success());

    let other = "another password altogether";
    let second = site.serve_with(&[("BUGLE_ADMIN_EMAIL", "tom@shop.example"), ("BUGLE_ADMIN_PASSWORD", other)]);
    assert!(!signs_in(&second.url, "tom@shop.example", other).await);
    assert!(signs_in(&second.url, EMAIL, PASSWORD).await);
}

#[tokio::test]
async fn an_older_bugle_does_not_touch_the_data_of_a_newer_one() {
    let site = Site::new();
    let bugle = site.serve();
    let mut connection = site.connect().await.expect("its Postgres answers");
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', true, '', 0)";
    sqlx::query(newer).execute(&mut connection).await.expect("a row");
    drop(connection);
    assert!(bugle.terminate().success());

    let refused = site.run(&["serve"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("the database was written by a newer Bugle") && said.contains("9999"), "{said}");
}

#[tokio::test]
async fn without_postgres_it_names_what_to_install() {
    let site = Site::new();
    let empty = tempfile::tempdir().expect("the temporary folder is writable");
    let refused = site.run(&["--pg-bindir", empty.path().to_str().expect("a path of plain characters"), "serve"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("BUGLE_PG_BINDIR") && said.contains("postgresql"), "{said}");
}

#[tokio::test]
async fn its_own_dsn_as_its_own_reporter_makes_no_loop() {
    let site = Site::new();
    let first = site.serve();
    let project = site.project("Shop");
    let port = first.url.rsplit(':').next().expect("a port").to_owned();
    assert!(first.terminate().success());
    let bind = format!("127.0.0.1:{port}");
    let dsn = format!("http://{}@{bind}/{}", project.key, project.id);
    let bugle = site.serve_with(&[("SENTRY_DSN", &dsn), ("BUGLE_BIND", &bind), ("BUGLE_LOG", "debug")]);
    let sdk = bugle.sdk(&project);
    // Something to complain about at every stage: the door, the digest, a page.
    assert_eq!(sdk.envelope("broken").await.status.as_u16(), 400);
    assert_eq!(sdk.send(sdk.request("store").body("{\"message\":")).await.status.as_u16(), 400);
    assert_eq!(sdk.envelope("{}\n{\"type\":\"event\"}\n{\"message\":\n").await.status.as_u16(), 200);
    sdk.capture(exception("ValueError", "the only one", "view")).await;
    let mut connection = site.connect().await.expect("Postgres answers");
    eventually("both to be digested", async || {
        let sql = "SELECT (SELECT count(*) FROM event_ids) + (SELECT count(*) FROM dead_letters)";
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.ok()?;
        (count >= 2).then_some(())
    })
    .await;
    let metrics = bugle.browser().open("/metrics").await.html;
    assert!(metrics.lines().any(|line| line == "bugle_ingest_requests_total{status=\"200\"} 2"), "{metrics}");
    assert!(metrics.lines().any(|line| line == "bugle_ingest_requests_total{status=\"400\"} 2"), "{metrics}");
}

/// Path and query of the one-time link in a log.
fn setup_link(said: &str) -> Option<String> {
    let at = said.find("/setup?token=")?;
    Some(said[at..].split_whitespace().next()?.to_owned())
}

async fn signs_in(url: &str, email: &str, password: &str) -> bool {
    let page = Browser::new(url).submit("/login", &[("email", email), ("password", password)]).await;
    page.status == StatusCode::OK && !page.path.starts_with("/login")
}
