//! How Postgres carries out what the digest asks: a plan is kept as long as the connection, so it must be good for tables that grow later.

use serde_json::json;
use sqlx::{Connection, PgConnection, Row};

use crate::harness::{Node, TestApp, exception};

/// Postgres makes the plan that it keeps at the sixth execution.
const BATCHES: usize = 9;
const EVENTS: usize = 300;
/// As in an ordinary week, and as when every event is an issue.
const FEW: usize = 200;
const MANY: usize = BATCHES * EVENTS;
/// What one look into an index finds: a row, its versions of before the last vacuum, and a few times all keys of an issue.
const ROWS_PER_LOOK_MAX: i64 = 4;

/// Made while a table is small, a plan may take an index of which a part serves, and later read a whole project for every row. The statistics
/// that make it look good may come at any moment.
#[tokio::test]
async fn whenever_statistics_are_made_nothing_is_looked_up_by_reading_a_project() {
    for (issue_count, analyzed_after) in [(FEW, None), (FEW, Some(0)), (FEW, Some(4)), (MANY, None)] {
        let app = TestApp::start().await;
        let project = app.project("shop").await;
        let node = Node::start(&app);
        for batch in 0..BATCHES {
            for number in 0..EVENTS {
                let number = batch * EVENTS + number;
                let mut event = exception("PlanError", "x", &word(number % issue_count));
                event["tags"] = json!({ "tenant": word(number * 7 % 30), "payment": word(number % 3), "page": word(number % issue_count) });
                event["user"] = json!({ "id": (number * 7_919 % 5_000).to_string() });
                node.accept(&project, &event).await;
            }
            node.digest_all().await;
            if analyzed_after == Some(batch) {
                sqlx::raw_sql("ANALYZE").execute(&app.db).await.expect("statistics are made");
            }
        }
        let looks = looks(&app).await;
        assert!(looks.iter().any(|look| look.index == "issue_minutes_pkey" && look.count > 1_000), "the test tests nothing: {looks:?}");
        let wasteful: Vec<_> = looks.iter().filter(|look| look.rows > look.count * ROWS_PER_LOOK_MAX + 100).collect();
        assert!(wasteful.is_empty(), "{issue_count} issues, statistics after batch {analyzed_after:?}: {wasteful:?}");
    }
}

/// Letters only, so that no two are the same to grouping.
fn word(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

#[derive(Debug)]
struct Look {
    index: String,
    count: i64,
    rows: i64,
}

/// How every index was used.
async fn looks(app: &TestApp) -> Vec<Look> {
    let mut db = PgConnection::connect_with(&app.database_options()).await.expect("the database answers");
    let close =
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::raw_sql(close).execute(&mut db).await.expect("who ends says what it did");
    let sql = "SELECT indexrelname::text, idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE idx_scan > 0";
    let rows = sqlx::raw_sql(sql).fetch_all(&mut db).await.expect("the counts are there");
    rows.iter().map(|row| Look { index: row.get(0), count: row.get(1), rows: row.get(2) }).collect()
}
