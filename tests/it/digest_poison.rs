//! What cannot be digested: kept with its reason, without secrets, never in the way of others, and digested after all once it can be.

use bugle::actions::dead_letters::{self, Which};
use bugle::domain::ids::ProjectId;
use bugle::protocol::receipt::BodyForm;
use bugle::store::dead_letters as letters;
use bugle::store::sealing::SealKey;
use serde_json::{Value, json};

use crate::harness::{Node, TestApp, exception};

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

fn with_secret(function: &str) -> Value {
    let mut event = exception("ValueError", "x", function);
    event["extra"] = json!({ "password": "hunter2" });
    event
}

/// Makes the database refuse events in this environment, as if their data could not be stored.
async fn refuse(app: &TestApp, environment: &str) {
    let sql = format!("ALTER TABLE events ADD CONSTRAINT poison CHECK (environment <> '{environment}')");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&app.db).await.expect("the constraint is added");
}

#[tokio::test]
async fn a_poisonous_event_between_good_ones_becomes_a_dead_letter_and_the_others_are_stored() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    refuse(&app, "poison").await;
    for n in 0..20 {
        let mut event = with_secret(&format!("view{n}"));
        if n % 7 == 3 {
            event["environment"] = json!("poison");
        }
        node.accept(&project, &event).await;
    }
    assert_eq!(node.digest_all().await, 20);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 17);
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issues").await, 17);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE reason LIKE '%poison%'").await, 3);
    assert_eq!(number(&app, "SELECT count(*) FROM issue_environments").await, 0, "nothing of what was refused was counted");

    let letter = letters::list(&app.db, None, None, 10).await.expect("letters are listed").remove(0);
    let contents = letters::find_contents(&app.db, letter.id).await.expect("it is readable").expect("it exists");
    let body = contents.open(&SealKey::of(b"of no other letter")).expect("what is scrubbed is not sealed");
    assert!(!String::from_utf8_lossy(&body).contains("hunter2"), "a secret in a dead letter");
}

#[tokio::test]
async fn a_dead_letter_is_digested_once_its_cause_is_gone() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    refuse(&app, "poison").await;
    let mut event = with_secret("pay");
    event["environment"] = json!("poison");
    event["event_id"] = json!("000000000000000000000000000000aa");
    node.accept(&project, &event).await;
    node.digest_all().await;

    assert_eq!(dead_letters::retry(&app.db, &app.clock, Which::All).await.expect("the action works"), 1);
    assert_eq!(node.digest_all().await, 1);
    assert_eq!(number(&app, "SELECT retry_count::int8 FROM dead_letters").await, 1, "in vain, it stays");

    sqlx::query("ALTER TABLE events DROP CONSTRAINT poison").execute(&app.db).await.expect("the constraint is dropped");
    dead_letters::retry(&app.db, &app.clock, Which::All).await.expect("the action works");
    assert_eq!(node.digest_all().await, 1);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM events WHERE event_id = '00000000-0000-0000-0000-0000000000aa'").await, 1);
    assert_eq!(number(&app, "SELECT sum(item_count)::int8 FROM project_outcomes WHERE outcome = 'invalid'").await, 0);
    assert_eq!(number(&app, "SELECT sum(item_count)::int8 FROM project_outcomes").await, 1);
}

#[tokio::test]
async fn garbage_is_kept_as_it_came_and_can_be_dropped() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    node.accept_body(&project, BodyForm::Store, b"{\"message\": tru".to_vec()).await;
    node.accept_body(&project, BodyForm::Envelope, b"no header".to_vec()).await;
    node.spool.append(0, b"no receipt", b"body".as_slice().into()).await.expect("the spool takes it");
    node.accept(&project, &exception("ValueError", "x", "pay")).await;
    assert_eq!(node.digest_all().await, 4);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 1);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 3);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE is_sealed").await, 3, "what cannot be read cannot be scrubbed");
    let broken = letters::list(&app.db, Some(ProjectId(project.id)), None, 10).await.expect("letters are listed");
    let broken = broken.into_iter().find(|letter| letter.item_type == "event").expect("the event");
    let contents = letters::find_contents(&app.db, broken.id).await.expect("it is readable").expect("it exists");
    assert!(contents.clone().open(&SealKey::of(b"another secret of thirty-two bytes")).is_none());
    assert_eq!(contents.open(&SealKey::of(b"a secret of thirty-two bytes or more")).as_deref(), Some(b"{\"message\": tru".as_slice()));

    assert_eq!(dead_letters::retry(&app.db, &app.clock, Which::All).await.expect("the action works"), 3);
    assert_eq!(node.digest_all().await, 3, "each is tried once");
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE retry_count = 1 AND retry_at IS NULL").await, 3);
    assert_eq!(dead_letters::drop(&app.db, Which::All).await.expect("the action works"), 3);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test]
async fn nul_surrogates_and_invalid_text_are_stored_with_their_event() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let raw = br#"{"exception":{"values":[{"type":"Na\u0000me","value":"lone \ud83d and nul \u0000"}]},"environment":"pro\u0000d","release":"1\u0000",
        "user":{"id":"\u0000","email":"a\u0000@b"},"tags":{"k\u0000ey":"va\u0000lue"},"transaction":"/\u0000","logger":"\u0000","extra":{"\u0000":"\u0000"}}"#;
    node.accept_body(&project, BodyForm::Store, raw.to_vec()).await;
    node.accept_body(&project, BodyForm::Store, b"{\"message\":\"latin \xe9 and \xff\"}".to_vec()).await;
    assert_eq!(node.digest_all().await, 2);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 2);
    assert_eq!(number(&app, "SELECT count(*) FROM issue_environments WHERE environment LIKE 'pro_d'").await, 1);
}

#[tokio::test]
async fn an_event_that_is_too_large_is_kept_aside_and_its_siblings_are_stored() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let large = json!({ "message": "x".repeat(1_100_000), "extra": { "password": "hunter2" } }).to_string();
    let good = exception("ValueError", "x", "pay").to_string();
    let item = |payload: &str| format!("{{\"type\":\"event\",\"length\":{}}}\n{payload}\n", payload.len());
    node.accept_body(&project, BodyForm::Envelope, format!("{{}}\n{}{}", item(&large), item(&good)).into_bytes()).await;
    node.digest_all().await;
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 1);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters WHERE body::text NOT LIKE '%' || encode('hunter2', 'hex') || '%'").await, 1);
}

#[tokio::test]
async fn nesting_without_end_and_cycles_hurt_nobody() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let deep =
        |open: &str, close: &str| format!("{{\"message\":\"deep\",\"extra\":{{\"x\":{}1{}}}}}", open.repeat(10_000), close.repeat(10_000));
    node.accept_body(&project, BodyForm::Store, deep("[", "]").into_bytes()).await;
    node.accept_body(&project, BodyForm::Store, deep("{\"a\":", "}").into_bytes()).await;
    let link = |id: i64, parent: i64| json!({ "type": "E", "value": "v", "mechanism": { "type": "chained", "exception_id": id, "parent_id": parent } });
    node.accept(&project, &json!({ "exception": { "values": [link(0, 1), link(1, 0), link(2, 2)] } })).await;
    node.accept(&project, &exception("ValueError", "x", "pay")).await;
    assert_eq!(node.digest_all().await, 4);
    assert_eq!(number(&app, "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM dead_letters)").await, 4);
    assert!(number(&app, "SELECT count(*) FROM events").await >= 2, "cycles and good events are stored");
}

#[tokio::test]
async fn a_session_and_a_check_in_that_the_database_refuses_are_accounted_for_and_hold_up_nobody() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    for sql in [
        "ALTER TABLE app_session_hours ADD CONSTRAINT poison CHECK (release <> 'poison')",
        "ALTER TABLE check_ins ADD CONSTRAINT poison CHECK (environment <> 'poison')",
    ] {
        sqlx::query(sql).execute(&app.db).await.expect("the constraint is added");
    }
    let started = app.now().format(&time::format_description::well_known::Rfc3339).expect("a time");
    for n in 0..9_u32 {
        let name = if n % 4 == 1 { "poison" } else { "sound" };
        let session = json!({ "sid": format!("{n:032x}"), "init": true, "started": started, "status": "ok", "attrs": { "release": name } });
        let run = json!({ "check_in_id": format!("{n:032x}"), "monitor_slug": "nightly", "status": "ok", "environment": name,
                          "monitor_config": { "schedule": { "type": "interval", "value": 1, "unit": "day" } } });
        let event = with_secret(&format!("view{n}"));
        let body =
            format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n{{\"type\":\"session\"}}\n{session}\n{{\"type\":\"check_in\"}}\n{run}\n");
        node.accept_body(&project, BodyForm::Envelope, body.into_bytes()).await;
    }
    assert_eq!(node.digest_all().await, 9);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 9, "no event is lost for a session");
    assert_eq!(number(&app, "SELECT sum(session_count)::int8 FROM app_session_hours").await, 7);
    assert_eq!(number(&app, "SELECT count(*) FROM check_ins").await, 7);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 0);
    let of = |category: &str, outcome: &str| {
        format!("SELECT coalesce(sum(item_count), 0)::int8 FROM project_outcomes WHERE category = '{category}' AND outcome = '{outcome}'")
    };
    for category in ["session", "monitor"] {
        let (stored, refused) = (of(category, "stored"), of(category, "invalid"));
        let count = async |sql: String| -> i64 {
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&app.db).await.expect("the accounting is readable")
        };
        assert_eq!((count(stored).await, count(refused).await), (7, 2), "{category}");
    }
}
