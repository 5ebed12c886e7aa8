//! The picture in the README. `cargo test --test it e2e::picture -- --ignored` draws it anew.

use super::chromium::Chromium;
use super::shop;
use crate::harness::{OWNER_EMAIL, OWNER_PASSWORD, TestApp};

/// Payments that fail in each hour of the bad morning.
const RUSH: u32 = 118;
/// More would make the README slow.
const BYTES_MAX: u64 = 250_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "writes docs/issue.png"]
async fn the_picture_in_the_readme_is_an_issue_on_a_bad_morning() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now() - shop::PAST).await;
    let project = app.project("shop").await;
    sqlx::query("UPDATE projects SET name = 'Harbour & Pine'").execute(&app.db).await.expect("a project has a name");
    shop::two_days(&app, &project, RUSH).await;
    let issue: i64 =
        sqlx::query_scalar("SELECT id FROM issues ORDER BY event_count DESC LIMIT 1").fetch_one(&app.db).await.expect("there is one");
    let chromium = Chromium::open(true, false).await;
    chromium.goto(&format!("{}/login", app.url())).await;
    chromium.fill("[name=email]", OWNER_EMAIL).await;
    chromium.fill("[name=password]", OWNER_PASSWORD).await;
    chromium.click("main form .btn.go").await;
    chromium.until_shows("header.top").await;
    chromium.show(1440, 960).await;
    chromium.goto(&format!("{}/issues/{issue}", app.url())).await;
    chromium.shoot("readme").await;
    chromium.close().await;

    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let size = std::fs::copy(root.join("screenshots/readme.png"), root.join("docs/issue.png")).expect("the checkout is writable");
    assert!(size <= BYTES_MAX, "{size} bytes");
}
