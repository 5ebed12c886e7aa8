//! Everything real SDKs send, from the door to the database: nothing unaccounted for, nothing given up, nothing counted twice.

use sqlx::Row;

use crate::harness::{TestApp, fixture};

fn envelopes() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/envelopes");
    let names = std::fs::read_dir(folder).expect("the fixtures are there").flatten();
    let mut names: Vec<String> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".envelope"));
    names.sort();
    assert!(names.len() > 20, "only {} envelopes", names.len());
    names
}

async fn outcomes(app: &TestApp) -> Vec<(String, i64)> {
    let rows = sqlx::query(
        "SELECT outcome, sum(item_count)::int8 FROM project_outcomes WHERE outcome <> 'client_discard' GROUP BY outcome ORDER BY outcome",
    )
    .fetch_all(&app.db)
    .await
    .expect("outcomes are readable");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

#[tokio::test]
async fn every_item_that_real_sdks_send_ends_in_exactly_one_outcome() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let (sdk, mut item_count) = (app.sdk(&project), 0);
    for name in envelopes() {
        let body = fixture(&name);
        let sent = sdk.envelope(body.clone()).await;
        if sent.status == 200 {
            let envelope = bugle::protocol::envelope::parse(&body).expect("what was accepted can be taken apart");
            item_count += i64::try_from(envelope.items.len()).expect("few items");
        }
    }
    app.settle().await;

    let first = outcomes(&app).await;
    assert_eq!(first.iter().map(|(_, count)| count).sum::<i64>(), item_count, "{first:?}");
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 0);
    let stored = number(&app, "SELECT count(*) FROM events").await;
    assert!(stored > 20, "{stored} events");

    for name in envelopes() {
        sdk.envelope(fixture(&name)).await;
    }
    app.settle().await;
    assert_eq!(number(&app, "SELECT sum(event_count)::int8 FROM issues").await, number(&app, "SELECT count(*) FROM event_ids").await);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, stored, "events with an id of their own count once");
}

#[tokio::test]
async fn the_event_page_can_read_back_what_was_stored() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let id = app.sdk(&project).raise("PaymentError", "card declined", "charge").await;
    app.settle().await;
    let row = sqlx::query("SELECT title, dictionary_id, payload FROM events WHERE event_id = $1::uuid")
        .bind(&id)
        .fetch_one(&app.db)
        .await
        .expect("the event is stored");
    assert_eq!(row.get::<String, _>(0), "PaymentError: card declined");
    let json = bugle::store::payload::decode(row.get(2)).expect("it unpacks");
    let event = bugle::protocol::event::from_stored(&json).expect("it is an event");
    assert_eq!(event.event_id.map(|id| id.to_string()), Some(id));
    assert_eq!(event.received, Some(app.now()));
    assert_eq!(event.exceptions[0].kind.as_deref(), Some("PaymentError"));
}
