//! Dictionaries of payloads: made of what is stored, used for what comes, found by every node, gone when nothing refers to them.

use bugle::domain::ids::ProjectId;
use bugle::jobs::{dictionaries, partitions, trim};
use bugle::store::payload::library::Library;
use serde_json::{Value, json};
use sqlx::Row;
use time::Duration;
use uuid::Uuid;

use crate::harness::{Node, Page, Project, TestApp, exception};

/// Events of a few issues with stacks that recur and locals that do not.
fn event(number: usize) -> Value {
    let frames: Vec<Value> = (0..12)
        .map(|depth| {
            let issue = number % 5;
            json!({
                "function": format!("charge_{issue}_{depth}"), "module": format!("shop.payments.step{depth}"), "lineno": 10 + depth,
                "pre_context": [format!("    def charge_{issue}_{depth}(self, order, *, retries=3):"), "        order.lock()"],
                "context_line": format!("        return self.gateway_{issue}.charge(order.total, step={depth})"), "in_app": true,
                "vars": {"order": format!("<Order: {}>", number * 7919), "total": format!("Decimal('{}.99')", number * 31)},
            })
        })
        .collect();
    let mut event = exception("PaymentError", &format!("order {number} was declined"), "charge");
    event["exception"]["values"][0]["stacktrace"]["frames"] = Value::Array(frames);
    event
}

async fn store(node: &Node, project: &Project, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut ids = Vec::new();
    for number in numbers {
        let mut event = event(number);
        let id = Uuid::new_v4().simple().to_string();
        event["event_id"] = id.clone().into();
        node.accept(project, &event).await;
        ids.push(id);
    }
    node.digest_all().await;
    ids
}

async fn job(app: &TestApp, node: &Node) -> usize {
    dictionaries::run_once(&app.db, &app.clock, node.digest.packer()).await.expect("the job works")
}

/// Payload bytes and dictionary of an event.
async fn stored(app: &TestApp, id: &str) -> (usize, i32) {
    let row = sqlx::query("SELECT length(payload), dictionary_id FROM events WHERE event_id = $1::uuid").bind(id);
    let row = row.fetch_one(&app.db).await.expect("the event is stored");
    (usize::try_from(row.get::<i32, _>(0)).expect("a length"), row.get(1))
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

async fn page(app: &TestApp, id: &str) -> Page {
    let issue: i64 = sqlx::query_scalar("SELECT issue_id FROM events WHERE event_id = $1::uuid")
        .bind(id)
        .fetch_one(&app.db)
        .await
        .expect("it has an issue");
    app.sign_in_owner().await.open(&format!("/issues/{issue}/events/{id}")).await
}

#[tokio::test]
async fn events_shrink_once_there_is_a_dictionary_and_all_stay_readable() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let early = store(&node, &project, 0..99).await;
    assert_eq!(job(&app, &node).await, 0, "too few");
    store(&node, &project, 99..101).await;
    assert_eq!(job(&app, &node).await, 1);
    let late = store(&node, &project, 101..103).await;

    let ((early_len, none), (late_len, first)) = (stored(&app, &early[7]).await, stored(&app, &late[0]).await);
    assert_eq!(none, 0);
    assert!(first > 0);
    assert!(late_len * 3 < early_len, "{early_len} bytes became {late_len}");
    for (id, number) in [(&early[7], 7), (&late[0], 101), (&late[1], 102)] {
        let page = page(&app, id).await;
        page.assert_shows(&format!("order {number} was declined"));
        page.assert_shows(&format!("<Order: {}>", number * 7919));
    }
}

#[tokio::test]
async fn a_dictionary_that_does_as_well_as_ever_is_kept() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let mut ids = store(&node, &project, 0..100).await;
    assert_eq!(job(&app, &node).await, 1);
    ids.extend(store(&node, &project, 100..380).await);
    assert_eq!(job(&app, &node).await, 0, "it does what it did at first");
    assert_eq!(number(&app, "SELECT count(*) FROM dictionaries").await, 1);
    let library = Library::default();
    for id in ids.iter().step_by(97) {
        let row = sqlx::query("SELECT dictionary_id, payload FROM events WHERE event_id = $1::uuid").bind(id).fetch_one(&app.db).await;
        let row = row.expect("the event is stored");
        let json = library.open(&app.db, ProjectId(project.id), row.get(0), row.get(1)).await.expect("it can be unpacked");
        let event: Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(event["event_id"].as_str(), Some(id.as_str()));
    }
}

#[tokio::test]
async fn two_nodes_make_one_dictionary_and_both_use_it() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let (one, other) = (Node::start(&app), Node::start(&app));
    store(&one, &project, 0..300).await;
    store(&other, &project, 300..600).await;
    let (first, second) = tokio::join!(job(&app, &one), job(&app, &other));
    assert_eq!(first + second, 1, "made by {first} and {second}");
    assert_eq!(job(&app, &one).await + job(&app, &other).await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM dictionaries").await, 1);
    for node in [&one, &other] {
        let ids = store(node, &project, 600..601).await;
        assert!(stored(&app, &ids[0]).await.1 > 0);
    }
}

#[tokio::test]
async fn a_node_that_begins_anew_takes_up_the_dictionary_there_is() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    store(&node, &project, 0..300).await;
    assert_eq!(job(&app, &node).await, 1);
    let node = node.restart().await;
    let first = store(&node, &project, 300..301).await;
    assert!(stored(&app, &first[0]).await.1 > 0, "taken up before the first batch");
    assert_eq!(job(&app, &node).await, 0, "there is one");
}

#[tokio::test]
async fn what_has_nothing_in_common_gets_no_dictionary() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    for number in 0..120_u32 {
        let noise = || (0..20).map(|_| Uuid::new_v4().to_string()).collect::<Vec<_>>().join("/");
        let noise: serde_json::Map<String, Value> = (0..40).map(|key| (format!("noise{key}"), noise().into())).collect();
        let mut event = exception("NoiseError", &format!("{number}"), "noise");
        event["extra"] = noise.into();
        node.accept(&project, &event).await;
    }
    node.digest_all().await;
    let project = ProjectId(project.id);
    assert_eq!(node.digest.packer().due(app.clock.now()), [(project, None)], "there are enough events to try");
    assert_eq!(job(&app, &node).await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM dictionaries").await, 0);
    assert_eq!(number(&app, "SELECT max(dictionary_id)::int8 FROM events").await, 0);
    assert_eq!(node.digest.packer().due(app.clock.now()), [], "not again before as many more have come");
}

#[tokio::test]
async fn an_event_whose_dictionary_is_missing_costs_its_own_content_only() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    let early = store(&node, &project, 0..300).await;
    job(&app, &node).await;
    let late = store(&node, &project, 300..301).await;
    sqlx::query("DELETE FROM dictionaries").execute(&app.db).await.expect("deleted by hand");

    let broken = page(&app, &late[0]).await;
    assert_eq!(broken.status, 500);
    broken.assert_shows("This event cannot be unpacked");
    broken.assert_shows("was declined");
    assert_eq!(page(&app, &early[5]).await.status, 200);

    let owner = app.owner().await;
    let token = app.token(&owner, &["event:read"]).await;
    let answer = app.api(&token).get(&format!("/api/0/projects/bugle/shop/events/{}/", late[0])).await;
    assert_eq!(answer.status, 500);
    assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains("cannot be unpacked")), "{:?}", answer.json);
}

#[tokio::test]
async fn a_dictionary_goes_when_the_last_day_that_may_need_it_is_gone() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    partitions::run_once(&app.db, &app.clock, 30).await.expect("the job works");
    store(&node, &project, 0..300).await;
    assert_eq!(job(&app, &node).await, 1);
    sqlx::query(
        "INSERT INTO dictionaries (project_id, created_at, event_count, content_len, json_bytes, payload_bytes, content)
         SELECT project_id, created_at + interval '1 hour', 800, content_len, json_bytes, payload_bytes, content FROM dictionaries",
    )
    .execute(&app.db)
    .await
    .expect("a newer one");
    for (days, left) in [(29, 2), (4, 1), (400, 1)] {
        app.clock.advance(Duration::days(days));
        partitions::run_once(&app.db, &app.clock, 30).await.expect("the job works");
        trim::run_once(&app.db, &app.clock, 30).await.expect("the job works");
        assert_eq!(number(&app, "SELECT count(*) FROM dictionaries").await, left, "after {days} more days; the newest stays");
    }
}

#[tokio::test]
async fn a_young_one_is_followed_by_a_better_one() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    // The dictionary of the first events knows nothing of the deeper stacks that follow.
    for number in 0..100 {
        let mut event = event(number);
        event["exception"]["values"][0]["stacktrace"]["frames"].as_array_mut().expect("frames").truncate(1);
        event["event_id"] = Uuid::new_v4().simple().to_string().into();
        node.accept(&project, &event).await;
    }
    node.digest_all().await;
    assert_eq!(job(&app, &node).await, 1);
    let before = store(&node, &project, 0..600).await;
    assert_eq!(job(&app, &node).await, 1);
    let after = store(&node, &project, 601..602).await;
    let (old, new) = (stored(&app, &before[1]).await, stored(&app, &after[0]).await);
    assert!(new.1 > old.1 && new.0 < old.0, "{old:?} and then {new:?}");
}

#[tokio::test]
async fn a_dictionary_that_was_damaged_is_not_used() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    store(&node, &project, 0..100).await;
    assert_eq!(job(&app, &node).await, 1);
    let sql = "UPDATE dictionaries SET content = set_byte(content, length(content) / 2, 255 - get_byte(content, length(content) / 2))";
    sqlx::query(sql).execute(&app.db).await.expect("damaged by hand");
    let (library, project_id) = (Library::default(), ProjectId(project.id));
    let id = i32::try_from(number(&app, "SELECT id::int8 FROM dictionaries").await).expect("an id");
    let payload = bugle::store::payload::encode(b"{}");
    assert!(library.open(&app.db, project_id, id, &payload).await.is_err(), "its checksum is wrong");
    let node = node.restart().await;
    let ids = store(&node, &project, 100..101).await;
    assert_eq!(stored(&app, &ids[0]).await.1, 0, "an event is stored nevertheless");
}

#[tokio::test]
async fn a_deleted_project_takes_its_dictionaries_along() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let node = Node::start(&app);
    store(&node, &project, 0..300).await;
    assert_eq!(job(&app, &node).await, 1);
    sqlx::query("DELETE FROM projects WHERE id = $1").bind(project.id).execute(&app.db).await.expect("deleted");
    assert_eq!(number(&app, "SELECT count(*) FROM dictionaries").await, 0);
    assert_eq!(job(&app, &node).await, 0);
}
