//! Grouping through the real digest, which remembers: what the issues of the database are worth, whatever the order and the batches.

use std::collections::HashMap;

use serde_json::Value;

use crate::grouping_score::{HEAD, Labels, Score, labels, training_lines};
use crate::harness::{TestApp, disagreements};

/// B-cubed F1 in the order of arrival.
const F1_FLOOR: f64 = 0.99;
/// In any order. Words that vary are noticed earlier or later, and a rewritten line may come before the old one.
const SHUFFLED_FLOOR: f64 = 0.985;

/// Sends the events, `at_once` between two runs of the digest, and answers the issue of each.
async fn issues(events: &[Value], at_once: usize) -> HashMap<String, i64> {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let sdk = app.sdk(&project);
    for some in events.chunks(at_once) {
        for event in some {
            sdk.capture(event.clone()).await;
        }
        app.settle().await;
    }
    let rows: Vec<(uuid::Uuid, i64)> =
        sqlx::query_as("SELECT event_id, issue_id FROM events").fetch_all(&app.db).await.expect("the events are readable");
    assert_eq!(rows.len(), events.len());
    let mut connection = app.db.acquire().await.expect("a connection");
    let wrong = disagreements(&mut connection).await;
    assert!(wrong.is_empty(), "{wrong:?}");
    rows.into_iter().map(|(event, issue)| (event.simple().to_string(), issue)).collect()
}

fn in_order_of(seed: u64, events: &[Value]) -> Vec<Value> {
    let mut events = events.to_vec();
    let mut state = seed;
    for at in (1..events.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        events.swap(at, usize::try_from(state >> 33).unwrap_or_default() % (at + 1));
    }
    events
}

fn training() -> (Labels, Vec<Value>) {
    (labels(), training_lines().lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect())
}

#[tokio::test]
async fn labelled_events_are_grouped_as_people_would() {
    let (labels, events) = training();
    println!("{HEAD}");
    for (name, events, at_once, floor) in [
        ("as they came, in batches of 60", events.clone(), 60, F1_FLOOR),
        ("as they came, all at once", events.clone(), 2_000, F1_FLOOR),
        ("shuffled, in batches of 60", in_order_of(1, &events), 60, SHUFFLED_FLOOR),
        ("shuffled otherwise, in batches of 7", in_order_of(2, &events), 7, SHUFFLED_FLOOR),
    ] {
        let groups = issues(&events, at_once).await;
        if let Ok(path) = std::env::var("BUGLE_GROUPS_OUT") {
            let path = format!("{path}.{}.json", name.replace([' ', ','], "_"));
            std::fs::write(path, serde_json::to_vec(&groups).expect("numbers are JSON")).expect("the path can be written");
        }
        let score = Score::of(&labels, &groups);
        println!("{}", score.row(name));
        assert!(score.f1() >= floor && score.apart.0 == score.apart.1, "{name}: {score:?}");
        assert!(score.precision > 0.999, "{name}: two bugs share an issue: {score:?}");
    }
}
