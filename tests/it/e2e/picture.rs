//! The picture in the README: an issue on a bad morning. Every run draws it into `screenshots/readme.png`; copy it to `docs/issue.png`
//! when the page has changed.

use super::chromium::Chromium;
use super::shop;
use crate::harness::TestApp;

/// Payments that fail in each hour of the bad morning.
const RUSH: u32 = 118;
/// More would make the README slow.
const BYTES_MAX: u64 = 250_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_in_the_readme_is_an_issue_on_a_bad_morning() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now() - shop::PAST).await;
    let project = app.project("shop").await;
    sqlx::query("UPDATE projects SET name = 'Harbour & Pine'").execute(&app.db).await.expect("a project has a name");
    shop::two_days(&app, &project, RUSH).await;
    let issue: i64 =
        sqlx::query_scalar("SELECT id FROM issues ORDER BY event_count DESC LIMIT 1").fetch_one(&app.db).await.expect("there is one");
    let chromium = Chromium::open(true, false).await;
    chromium.sign_in(&app).await;
    chromium.show(1440, 960).await;
    chromium.goto(&format!("{}/issues/{issue}", app.url())).await;
    assert!(chromium.shows(".ih .badge.hot").await, "the rush is a spike");
    chromium.shoot("readme").await;
    chromium.close().await;

    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots/readme.png");
    let size = std::fs::metadata(picture).expect("the picture was taken").len();
    assert!(size <= BYTES_MAX, "{size} bytes are too many for a README");
}
