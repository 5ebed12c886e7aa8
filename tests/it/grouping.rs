//! The fingerprint of single events: measured, pinned, and given garbage.

use std::collections::{BTreeMap, HashMap};

use bugle::domain::fingerprint::Hash;
use bugle::pipeline::fingerprint::{self, Version};
use bugle::pipeline::normalize::{self, Arrival};
use bugle::pipeline::title;
use bugle::protocol::{self, event::Event};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::grouping_score::{HEAD, Score, labels, training_lines};

const ARRIVAL: Arrival = Arrival { received_at: OffsetDateTime::UNIX_EPOCH, sent_at: None, client_ip: None, user_agent: None };

fn training_events() -> Vec<(String, Event<'static>)> {
    training_lines().lines().map(read).collect()
}

fn read(line: &str) -> (String, Event<'_>) {
    let mut event = protocol::event::read(line.as_bytes()).expect("a line is an event");
    normalize::event(&mut event, &ARRIVAL);
    (event.event_id.expect("every event has an id").to_string(), event)
}

/// As the store does it: the first known hash decides, the others are attached.
fn group(events: &[(String, Event<'_>)], version: Version) -> HashMap<String, i64> {
    let mut issue_of: HashMap<Hash, i64> = HashMap::new();
    let mut groups = HashMap::new();
    for (id, event) in events {
        let hashes = fingerprint::compute(event, version).hashes;
        let next = i64::try_from(groups.len()).expect("few");
        let issue = hashes.iter().find_map(|hash| issue_of.get(hash).copied()).unwrap_or(next);
        for hash in hashes {
            issue_of.entry(hash).or_insert(issue);
        }
        groups.insert(id.clone(), issue);
    }
    groups
}

/// Without memory of other events: a floor for each version.
#[test]
fn single_events_are_grouped_as_people_would() {
    let (labels, events) = (labels(), training_events());
    for (version, floor) in [(Version::One, 0.985), (Version::Two, 0.985)] {
        let score = Score::of(&labels, &group(&events, version));
        println!("{HEAD}\n{}", score.row(&format!("{version:?}, without memory")));
        assert!(score.f1() >= floor && score.precision > 0.999 && score.apart.0 == score.apart.1, "{version:?}: {score:?}");
    }
}

#[test]
fn the_order_of_arrival_changes_no_group() {
    let mut events = training_events();
    let forward = group(&events, Version::NEWEST);
    events.reverse();
    let backward = group(&events, Version::NEWEST);
    let mut renamed = HashMap::new();
    for (id, issue) in &forward {
        assert_eq!(*renamed.entry(issue).or_insert(backward[id]), backward[id], "{id}");
    }
}

/// Whatever is missing, of the wrong type, huge or circular: an event has a hash and a name.
#[test]
fn garbage_gets_an_issue_all_the_same() {
    let openings = json!({ "message": "'a[{<".repeat(4_000) }).to_string();
    let frames: Vec<Value> = (0..5_000).map(|n| json!({ "function": format!("f{n}"), "module": "m" })).collect();
    let stack = json!({ "exception": [{ "type": "E", "stacktrace": { "frames": frames } }] }).to_string();
    let chain = json!({ "exception": (0..5_000).map(|n| json!({ "type": format!("E{n}") })).collect::<Vec<_>>() }).to_string();
    let circle = r#"{"exception":[{"type":"G","mechanism":{"exception_id":0,"parent_id":1,"is_exception_group":true}},
        {"type":"G","mechanism":{"exception_id":1,"parent_id":0,"is_exception_group":true}}]}"#;
    let wrong = r#"{"exception":{"values":[null,7,"x",{"type":9,"value":{},"stacktrace":{"frames":[null,"f",{"module":7,"vars":3}]}}]},
        "fingerprint":[1,null,true,"{{","}}{{ }}"],"logentry":[],"threads":"no","template":4}"#;
    for raw in ["{}", &openings, &stack, &chain, circle, wrong] {
        let mut event = protocol::event::read(raw.as_bytes()).expect("it is an object");
        normalize::event(&mut event, &ARRIVAL);
        let found = fingerprint::compute(&event, Version::NEWEST);
        assert!(!found.hashes.is_empty() && found.explanation.parts.len() <= 60);
        assert_eq!(found, fingerprint::compute(&event, Version::NEWEST));
        let title = title::of(&event);
        assert!(!format!("{}{}", title.kind, title.value).is_empty());
    }
}

/// Version 1 is frozen: what is stored under its hashes must be found again. If this fails, make a version 2 instead.
#[test]
fn the_hashes_of_version_1_never_change() {
    let every_fourth = pinned(Version::One);
    insta::assert_json_snapshot!(every_fourth);
}

/// The same of version 2, and of both a digest over all events.
#[test]
fn the_hashes_of_version_2_never_change() {
    let every_fourth = pinned(Version::Two);
    insta::assert_json_snapshot!(every_fourth);
    insta::assert_json_snapshot!("all_hashes_of_each_version", [Version::One, Version::Two].map(all_hashes));
}

fn pinned(version: Version) -> BTreeMap<String, Value> {
    let labels = labels();
    let mut pinned: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for (id, event) in training_events() {
        let found = fingerprint::compute(&event, version);
        let hashes: Vec<String> = found.hashes.iter().map(hex).collect();
        let shown = json!({ "event": id, "rung": found.explanation.rung, "hashes": hashes, "parts": found.explanation.parts });
        let pin = pinned.entry(labels.events[&id].bug.clone()).or_insert_with(|| (id.clone(), shown.clone()));
        if id < pin.0 {
            *pin = (id, shown);
        }
    }
    pinned.into_iter().step_by(4).map(|(bug, (_, shown))| (bug, shown)).collect()
}

fn all_hashes(version: Version) -> String {
    let mut all = Sha256::new();
    for (_, event) in training_events() {
        fingerprint::compute(&event, version).hashes.iter().for_each(|hash| all.update(hash));
    }
    hex(all.finalize())
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
