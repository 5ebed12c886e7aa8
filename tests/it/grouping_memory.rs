//! What the digest remembers of earlier events: names in messages, rewritten lines, and how many issues there were.

use bugle::domain::ids::ProjectId;
use bugle::store;
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Node, Project, Setup, TestApp, disagreements, exception};

const NAMES: &[&str] = &["Ann", "Bob Miller", "Carla", "Dmitri Petrov", "Elena", "Farid", "Grace"];

fn message(text: &str) -> Value {
    json!({ "platform": "python", "logger": "shop.mail", "message": text, "level": "error", "user": { "id": text } })
}

/// Number and text of each issue, oldest first.
async fn issues(app: &TestApp, project: &Project) -> Vec<(i64, i64, String)> {
    sqlx::query_as("SELECT id, event_count, value FROM issues WHERE project_id = $1 ORDER BY id")
        .bind(project.id)
        .fetch_all(&app.db)
        .await
        .expect("the issues are readable")
}

async fn assert_counts_agree(app: &TestApp) {
    let mut connection = app.db.acquire().await.expect("a connection");
    assert_eq!(disagreements(&mut connection).await, [""; 0]);
}

#[tokio::test]
async fn issues_of_messages_that_differ_in_a_name_become_one() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    for name in &NAMES[..4] {
        app.sdk(&project).capture(message(&format!("Welcome mail to {name} bounced"))).await;
        app.settle().await;
    }
    let before = issues(&app, &project).await;
    assert_eq!(before.len(), 4, "four names may be four constants: {before:?}");
    let mail_count = app.mails().len();
    for name in &NAMES[4..] {
        app.sdk(&project).capture(message(&format!("Welcome mail to {name} bounced"))).await;
        app.settle().await;
    }
    let after = issues(&app, &project).await;
    assert_eq!(after, [(before[0].0, 7, "Welcome mail to … bounced".to_owned())]);
    app.advance(Duration::minutes(30)).await;
    assert!(app.mails()[mail_count..].iter().all(|mail| !mail.text.contains("bounced")), "nobody is mailed about the join");
    assert_counts_agree(&app).await;
    let users: i64 = sqlx::query_scalar("SELECT user_count FROM issues").fetch_one(&app.db).await.expect("one");
    assert_eq!(users, 7);
    let page = browser.open(&format!("/issues/{}", before[2].0)).await;
    assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, format!("/issues/{}", before[0].0).as_str()));
    let origins: Vec<Option<i64>> =
        sqlx::query_scalar("SELECT DISTINCT origin_id FROM issue_hashes ORDER BY 1").fetch_all(&app.db).await.expect("hashes");
    assert_eq!(origins, [Some(before[1].0), Some(before[2].0), Some(before[3].0), None], "every hash knows where it comes from");
    app.sdk(&project).capture(message("Welcome mail to 17 bounced")).await;
    app.settle().await;
    assert_eq!(issues(&app, &project).await.len(), 1, "the sentence with a number there is the same");
}

#[tokio::test]
async fn a_batch_that_brings_all_the_names_makes_one_issue() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    for name in NAMES {
        app.sdk(&project).capture(message(&format!("Welcome mail to {name} bounced"))).await;
    }
    app.settle().await;
    let after = issues(&app, &project).await;
    assert_eq!((after.len(), after[0].1, after[0].2.as_str()), (1, 7, "Welcome mail to … bounced"));
    assert_counts_agree(&app).await;
}

#[tokio::test]
async fn constants_that_look_like_names_stay_apart() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let few = ["Redis", "Postgres", "Kafka"];
    for _ in 0..3 {
        for service in few {
            app.sdk(&project).capture(message(&format!("Cannot reach {service} now"))).await;
            app.settle().await;
        }
    }
    assert_eq!(issues(&app, &project).await.iter().map(|issue| issue.1).collect::<Vec<_>>(), [3, 3, 3]);
}

fn failing(release: Option<&str>, lines: [&str; 3], failing: usize, value: &str) -> Value {
    let mut event = json!({
        "platform": "python",
        "exception": { "values": [{ "type": "LedgerClosed", "value": value, "stacktrace": { "frames": [{
            "module": "shop.billing", "function": "book", "filename": "shop/billing.py", "abs_path": "/app/shop/billing.py", "in_app": true,
            "pre_context": lines[..failing], "context_line": lines[failing], "post_context": lines[failing + 1..], "lineno": 7,
        }] } }] },
    });
    if let Some(release) = release {
        event["release"] = json!(release);
    }
    event
}

const BOOK: [&str; 3] = ["account = accounts[number]", "ledger.book(account, amount)", "account.balance -= amount"];
const EDITED: [&str; 3] = ["account = accounts[number]", "ledger.book(account, amount, memo='web')", "account.balance -= amount"];

#[tokio::test]
async fn an_issue_goes_on_when_a_release_rewrites_its_line() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    for event in [
        failing(Some("1"), BOOK, 1, "ledger of ann is closed"),
        failing(Some("1"), BOOK, 1, "ledger of bob is closed"),
        failing(Some("2"), EDITED, 1, "ledger of carla is closed"),
        failing(Some("1"), BOOK, 1, "ledger of dmitri is closed"),
        failing(None, EDITED, 1, "ledger of elena is closed"),
    ] {
        app.sdk(&project).capture(event).await;
        app.settle().await;
    }
    assert_eq!(issues(&app, &project).await.iter().map(|issue| issue.1).collect::<Vec<_>>(), [5]);
    assert_counts_agree(&app).await;
}

#[tokio::test]
async fn two_lines_of_one_release_another_line_and_another_text_are_other_bugs() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    for event in [
        failing(Some("1"), BOOK, 1, "closed"),
        failing(Some("1"), EDITED, 1, "closed"),
        failing(Some("2"), BOOK, 2, "closed"),
        failing(
            Some("3"),
            ["account = accounts[number]", "ledger.book(account, amount, 'x')", "account.balance -= amount"],
            1,
            "'missing'",
        ),
    ] {
        app.sdk(&project).capture(event).await;
    }
    app.settle().await;
    assert_eq!(issues(&app, &project).await.len(), 4);
}

#[tokio::test]
async fn more_new_issues_than_there_may_be_share_one_that_says_so() {
    let app = TestApp::start_with(Setup { configure: |config| config.new_issues = Some(1), ..Setup::default() }).await;
    let project = app.project("shop").await;
    let flood =
        |n: usize| exception("Flood", "x", &format!("function_{}", "abcdefghijklmnopqrstuvwxyz".repeat(n / 26 + 1).split_at(n % 26 + 1).1));
    for n in 0..30 {
        app.sdk(&project).capture(flood(n)).await;
        if n % 10 == 0 {
            app.settle().await;
        }
    }
    app.settle().await;
    let made = issues(&app, &project).await;
    assert_eq!(made.len(), 21, "twenty that were saved up, and the one for the rest");
    let overflow = made.iter().find(|issue| issue.2.starts_with("Too many new issues")).expect("it says so");
    assert_eq!(overflow.1, 10);
    assert_counts_agree(&app).await;
    app.advance(Duration::minutes(5)).await;
    let told: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM alerts a JOIN issues i ON i.id = a.issue_id WHERE i.kind = 'overflow' AND a.kind = 'new' AND a.held_reason = ''",
    )
    .fetch_one(&app.db)
    .await
    .expect("the alerts are readable");
    assert_eq!(told, 1, "an alert says so, once");
    app.sdk(&project).capture(flood(29)).await;
    app.sdk(&project).capture(flood(0)).await;
    app.settle().await;
    let later = issues(&app, &project).await;
    assert_eq!((later.len(), later.iter().find(|issue| issue.0 == overflow.0).map(|issue| issue.1)), (22, Some(10)), "it has its own now");
    assert_counts_agree(&app).await;
}

#[tokio::test]
async fn moving_on_to_new_rules_splits_nothing_and_joins_from_then_on() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    sqlx::query("UPDATE projects SET grouping_version = 1, grouping_oldest = 1").execute(&app.db).await.expect("as before an upgrade");
    for currency in ["GBP", "USD"] {
        app.sdk(&project).capture(message(&format!("rate for {currency} is too old"))).await;
    }
    app.settle().await;
    let before = issues(&app, &project).await;
    assert_eq!(before.iter().map(|issue| issue.1).collect::<Vec<_>>(), [1, 1], "version 1 does not know currencies");
    let mut tx = store::begin(&app.db).await.expect("a transaction");
    store::grouping_versions::move_to(&mut tx, ProjectId(project.id), 2).await.expect("it moves");
    tx.commit().await.expect("committed");
    app.advance(Duration::days(40)).await;
    for currency in ["GBP", "USD", "EUR"] {
        app.sdk(&project).capture(message(&format!("rate for {currency} is too old"))).await;
        app.settle().await;
    }
    let after = issues(&app, &project).await;
    assert_eq!(after.iter().map(|issue| issue.1).collect::<Vec<_>>(), [4, 1], "the first keeps its issue, and has the new hash");
    let algorithms: Vec<i16> =
        sqlx::query_scalar("SELECT algorithm FROM issue_hashes ORDER BY 1").fetch_all(&app.db).await.expect("the hashes are readable");
    assert_eq!(algorithms, [1, 1, 2]);
    let fresh = app.project("billing").await;
    app.sdk(&fresh).capture(message("rate for GBP is too old")).await;
    app.sdk(&fresh).capture(message("rate for USD is too old")).await;
    app.settle().await;
    assert_eq!(issues(&app, &fresh).await.len(), 1, "new projects begin with the newest rules");
}

#[tokio::test]
async fn thirty_two_first_events_of_one_bug_at_once_make_one_issue() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let mut nodes = Vec::new();
    for _ in 0..8 {
        nodes.push(Node::start(&app));
    }
    for round in 0..4 {
        for node in &nodes {
            node.accept(&project, &exception("Race", &format!("round {round}"), "pay")).await;
        }
    }
    let digested: usize = futures_util::future::join_all(nodes.iter().map(Node::digest_all)).await.into_iter().sum();
    assert_eq!(digested, 32);
    let made = issues(&app, &project).await;
    assert_eq!(made.iter().map(|issue| issue.1).collect::<Vec<_>>(), [32]);
    assert_counts_agree(&app).await;
}
