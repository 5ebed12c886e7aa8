//! Grouping, measured on real events with labels, and pinned.
//!
//! `tests/data/grouping` holds events of a Django shop and an Express service in several deployments and versions of their source,
//! with the bug each of them is. What is asserted is a floor: a rule that only helps here is a rule to distrust.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use bugle::domain::fingerprint::Hash;
use bugle::pipeline::normalize::{self, Arrival};
use bugle::pipeline::{fingerprint, title};
use bugle::protocol::{self, event::Event};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// B-cubed F1, every bug weighing the same, that version 1 reaches without memory of other events. The four bugs it splits need that:
/// two messages with a varying plain word, and two statements that a release rewrote.
const F1_FLOOR: f64 = 0.985;

const ARRIVAL: Arrival = Arrival { received_at: OffsetDateTime::UNIX_EPOCH, sent_at: None, client_ip: None, user_agent: None };

#[derive(Deserialize)]
struct Labels {
    events: HashMap<String, Label>,
    lookalikes: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct Label {
    bug: String,
    #[serde(default)]
    entry: String,
}

fn training_events() -> Vec<(String, Event<'static>)> {
    let packed: &[u8] = include_bytes!("../data/grouping/events.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("the file is gzip of UTF-8");
    // The events are slices of the text, which is needed as long as the tests run.
    text.leak().lines().map(read).collect()
}

fn read(line: &str) -> (String, Event<'_>) {
    let mut event = protocol::event::read(line.as_bytes()).expect("a line is an event");
    normalize::event(&mut event, &ARRIVAL);
    (event.event_id.expect("every event has an id").to_string(), event)
}

/// As the store does it: the first known hash decides, the others are attached.
fn group(events: &[(String, Event<'_>)]) -> HashMap<String, usize> {
    let mut issue_of: HashMap<Hash, usize> = HashMap::new();
    let mut groups = HashMap::new();
    for (id, event) in events {
        let hashes = fingerprint::compute(event).hashes;
        let next = groups.len();
        let issue = hashes.iter().find_map(|hash| issue_of.get(hash).copied()).unwrap_or(next);
        for hash in hashes {
            issue_of.entry(hash).or_insert(issue);
        }
        groups.insert(id.clone(), issue);
    }
    groups
}

/// Precision and recall per event, averaged over bugs. Pairs of one bug with different entry points are neither right nor wrong.
fn b_cubed(labels: &Labels, groups: &HashMap<String, usize>) -> (f64, f64) {
    let mut cells: HashMap<(usize, &str, &str), f64> = HashMap::new();
    let mut in_group: HashMap<usize, f64> = HashMap::new();
    let mut in_bug_of_group: HashMap<(usize, &str), f64> = HashMap::new();
    let mut in_unit: HashMap<(&str, &str), f64> = HashMap::new();
    for (id, label) in &labels.events {
        let group = groups[id];
        *cells.entry((group, &label.bug, &label.entry)).or_default() += 1.0;
        *in_group.entry(group).or_default() += 1.0;
        *in_bug_of_group.entry((group, &label.bug)).or_default() += 1.0;
        *in_unit.entry((&label.bug, &label.entry)).or_default() += 1.0;
    }
    let mut per_bug: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
    for (id, label) in &labels.events {
        let group = groups[id];
        let good = cells[&(group, label.bug.as_str(), label.entry.as_str())];
        let soft = in_bug_of_group[&(group, label.bug.as_str())] - good;
        let sums = per_bug.entry(&label.bug).or_default();
        sums.0 += good / (in_group[&group] - soft);
        sums.1 += good / in_unit[&(label.bug.as_str(), label.entry.as_str())];
        sums.2 += 1.0;
    }
    let count = per_bug.len() as f64;
    let precision = per_bug.values().map(|(precision, _, events)| precision / events).sum::<f64>() / count;
    let recall = per_bug.values().map(|(_, recall, events)| recall / events).sum::<f64>() / count;
    (precision, recall)
}

fn lookalikes_merged(labels: &Labels, groups: &HashMap<String, usize>) -> Vec<(String, String)> {
    let mut groups_of: HashMap<&str, Vec<usize>> = HashMap::new();
    for (id, label) in &labels.events {
        groups_of.entry(&label.bug).or_default().push(groups[id]);
    }
    let share = |a: &str, b: &str| groups_of[a].iter().any(|group| groups_of[b].contains(group));
    let pairs = labels.lookalikes.iter().flat_map(|set| set.iter().enumerate().flat_map(|(n, a)| set[n + 1..].iter().map(move |b| (a, b))));
    pairs.filter(|(a, b)| share(a, b)).map(|(a, b)| (a.clone(), b.clone())).collect()
}

fn labels() -> Labels {
    serde_json::from_str(include_str!("../data/grouping/labels.json")).expect("the labels have their form")
}

#[test]
fn labelled_events_are_grouped_as_people_would() {
    let (labels, events) = (labels(), training_events());
    let groups = group(&events);
    if let Ok(path) = std::env::var("BUGLE_GROUPS_OUT") {
        std::fs::write(path, serde_json::to_vec(&groups).expect("numbers are JSON")).expect("the path can be written");
    }
    let (precision, recall) = b_cubed(&labels, &groups);
    let f1 = 2.0 * precision * recall / (precision + recall);
    let lookalikes = lookalikes_merged(&labels, &groups);
    println!("precision {precision:.4}, recall {recall:.4}, F1 {f1:.4}, lookalikes merged {}", lookalikes.len());
    assert!(f1 >= F1_FLOOR, "precision {precision:.4}, recall {recall:.4}, F1 {f1:.4}");
    assert!(precision > 0.999, "two bugs share an issue: precision {precision:.4}");
    assert_eq!(lookalikes, []);
}

#[test]
fn the_order_of_arrival_changes_no_group() {
    let mut events = training_events();
    let forward = group(&events);
    events.reverse();
    let backward = group(&events);
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
        let found = fingerprint::compute(&event);
        assert!(!found.hashes.is_empty() && found.explanation.parts.len() <= 60);
        assert_eq!(found, fingerprint::compute(&event));
        let title = title::of(&event);
        assert!(!format!("{}{}", title.kind, title.value).is_empty());
    }
}

/// Version 1 is frozen: what is stored under its hashes must be found again. If this fails, make a version 2 instead.
#[test]
fn the_hashes_of_version_1_never_change() {
    let labels = labels();
    let mut pinned: BTreeMap<&str, (String, Value)> = BTreeMap::new();
    for (id, event) in training_events() {
        let found = fingerprint::v1::compute(&event);
        let hashes: Vec<String> = found.hashes.iter().map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
        let shown = json!({ "event": id, "rung": found.explanation.rung, "hashes": hashes, "parts": found.explanation.parts });
        let bug = labels.events[&id].bug.as_str();
        pinned
            .entry(bug)
            .and_modify(|pin| {
                if id < pin.0 {
                    *pin = (id.clone(), shown.clone())
                }
            })
            .or_insert((id.clone(), shown.clone()));
    }
    let every_fourth: BTreeMap<&str, Value> = pinned.into_iter().step_by(4).map(|(bug, (_, shown))| (bug, shown)).collect();
    insta::assert_json_snapshot!(every_fourth);
}
