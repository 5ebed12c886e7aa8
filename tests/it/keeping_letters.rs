//! Dead letters: of one project or of all, bounded in number and in bytes, in nobody's way.

use bugle::actions::dead_letters::{self, Which};
use bugle::domain::ids::ProjectId;
use bugle::jobs::trim;
use bugle::protocol::receipt::BodyForm;
use reqwest::StatusCode;
use time::Duration;

use crate::harness::{Node, TestApp, exception};

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

#[tokio::test]
async fn letters_of_one_project_are_shown_retried_and_dropped_without_the_others() {
    let app = TestApp::start().await;
    let (shop, blog) = (app.project("shop").await, app.project("blog").await);
    let node = Node::start(&app);
    for project in [&shop, &shop, &blog] {
        node.accept_body(project, BodyForm::Store, format!("{{\"broken of {}", project.slug).into_bytes()).await;
    }
    node.digest_all().await;
    let browser = app.sign_in_owner().await;
    browser.open("/admin").await.assert_shows("Retry all 3");
    browser.open("/admin?project=shop").await.assert_shows("Drop all 2");
    assert_eq!(browser.open("/admin?project=nope").await.status, StatusCode::NOT_FOUND);

    assert_eq!(dead_letters::retry(&app.db, &app.clock, Which::Of(ProjectId(shop.id))).await.expect("the action works"), 2);
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE retry_count = 1").await, 2);
    assert_eq!(browser.submit("/admin/dead-letters/drop", &[("project", "nope")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 3, "a name that is wrong never means all");
    browser.submit("/admin/dead-letters/drop", &[("project", "shop")]).await;
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 1);
    browser.submit("/admin/dead-letters/drop", &[("project", "")]).await;
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test]
async fn letters_are_bounded_in_number_and_in_bytes() {
    let app = TestApp::start().await;
    let insert = "INSERT INTO dead_letters (project_id, received_at, failed_at, item_type, reason, receipt, body)
        SELECT $1, $2, $2 + n * interval '1 ms', 'event', 'x', '{}', repeat('x', $4)::bytea FROM generate_series(1, $3) AS n";
    for (project, count, bytes) in [(1_i64, 10_050, 10), (2, 140, 2 << 20), (3, 5, 10)] {
        sqlx::query(insert).bind(project).bind(app.now()).bind(count).bind(bytes).execute(&app.db).await.expect("inserted");
    }
    trim::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE project_id = 1").await, 10_000);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE project_id = 2").await, 128, "256 MiB of the newest");
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE project_id = 3").await, 5);
    let oldest = "SELECT extract(milliseconds FROM min(failed_at) - date_trunc('minute', min(failed_at)))::int8 FROM dead_letters WHERE project_id = 2";
    assert_eq!(number(&app, oldest).await, 13, "the oldest went");
}

/// One that the database refuses is found by halving its batch; everything before and after it is stored in the same run.
#[tokio::test]
async fn poison_never_delays_what_came_with_it() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    sqlx::query("ALTER TABLE events ADD CONSTRAINT refuses CHECK (title NOT LIKE '%poison%') NOT VALID")
        .execute(&app.db)
        .await
        .expect("added");
    for n in 0..60 {
        let value = if n % 20 == 7 { "poison" } else { "fine" };
        node.accept(&project, &exception("ValueError", value, &format!("view{}", n % 5))).await;
    }
    assert_eq!(node.digest_all().await, 60);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 57);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 3);
    let retried = dead_letters::retry(&app.db, &app.clock, Which::All).await.expect("the action works");
    node.accept(&project, &exception("ValueError", "fine", "later")).await;
    node.digest_all().await;
    assert_eq!((retried, number(&app, "SELECT count(*) FROM events").await), (3, 58), "letters that fail again hold up nobody");
    app.clock.advance(Duration::seconds(1));
    assert_eq!(crate::keeping_counts::differences(&app).await, [""; 0]);
}
