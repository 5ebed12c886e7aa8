//! How well events are grouped, on real ones with labels: `tests/data/grouping` holds events of a Django shop and an Express service in several
//! deployments and versions of their source, with the bug each of them is.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use serde::Deserialize;

/// What people say the events are.
#[derive(Deserialize)]
pub struct Labels {
    /// By event id.
    pub events: HashMap<String, Label>,
    /// Bugs that are easily taken for one.
    pub lookalikes: Vec<Vec<String>>,
}

/// Of one event.
#[derive(Deserialize)]
pub struct Label {
    /// Which bug it is.
    pub bug: String,
    /// The entry point it came through; pairs across are neither right nor wrong.
    #[serde(default)]
    pub entry: String,
}

/// The events as text, one a line, in the order of arrival.
pub fn training_lines() -> &'static str {
    let packed: &[u8] = include_bytes!("../data/grouping/events.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("the file is gzip of UTF-8");
    // The events are slices of the text, which is needed as long as the tests run.
    text.leak()
}

/// What a grouping is worth.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    /// B-cubed, every bug weighing the same.
    pub precision: f64,
    /// The same.
    pub recall: f64,
    /// Bugs that are one group which holds nothing else, by entry point.
    pub exact: (usize, usize),
    /// Pairs of lookalikes kept apart.
    pub apart: (usize, usize),
}

impl Score {
    /// Of groups by event id.
    pub fn of(labels: &Labels, groups: &HashMap<String, i64>) -> Self {
        let (precision, recall) = b_cubed(labels, groups);
        let pairs: usize = labels.lookalikes.iter().map(|set| set.len() * (set.len() - 1) / 2).sum();
        let merged = lookalikes_merged(labels, groups).len();
        Self { precision, recall, exact: exact(labels, groups), apart: (pairs - merged, pairs) }
    }

    /// B-cubed F1.
    pub fn f1(&self) -> f64 {
        2.0 * self.precision * self.recall / (self.precision + self.recall)
    }

    /// One row of the table.
    pub fn row(&self, name: &str) -> String {
        let Self { precision, recall, exact, apart } = self;
        let f1 = self.f1();
        format!("{name:<34} {precision:.4}  {recall:.4}  {f1:.4}  {:>5}/{}  {:>5}/{}", exact.0, exact.1, apart.0, apart.1)
    }
}

/// What stands above the rows.
pub const HEAD: &str = "                              B-cubed P       R      F1   exact bugs  lookalikes apart";

fn exact(labels: &Labels, groups: &HashMap<String, i64>) -> (usize, usize) {
    let mut groups_of: BTreeMap<(&str, &str), BTreeMap<i64, ()>> = BTreeMap::new();
    let mut bugs_in: HashMap<i64, BTreeMap<&str, ()>> = HashMap::new();
    for (id, label) in &labels.events {
        groups_of.entry((&label.bug, &label.entry)).or_default().insert(groups[id], ());
        bugs_in.entry(groups[id]).or_default().insert(&label.bug, ());
    }
    let whole = |groups: &&BTreeMap<i64, ()>| groups.len() == 1 && groups.keys().all(|group| bugs_in[group].len() == 1);
    (groups_of.values().filter(whole).count(), groups_of.len())
}

/// The labels.
pub fn labels() -> Labels {
    serde_json::from_str(include_str!("../data/grouping/labels.json")).expect("the labels have their form")
}

/// Precision and recall per event, averaged over bugs. Pairs of one bug with different entry points are neither right nor wrong.
fn b_cubed(labels: &Labels, groups: &HashMap<String, i64>) -> (f64, f64) {
    let mut cells: HashMap<(i64, &str, &str), f64> = HashMap::new();
    let mut in_group: HashMap<i64, f64> = HashMap::new();
    let mut in_bug_of_group: HashMap<(i64, &str), f64> = HashMap::new();
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

fn lookalikes_merged(labels: &Labels, groups: &HashMap<String, i64>) -> Vec<(String, String)> {
    let mut groups_of: HashMap<&str, Vec<i64>> = HashMap::new();
    for (id, label) in &labels.events {
        groups_of.entry(&label.bug).or_default().push(groups[id]);
    }
    let share = |a: &str, b: &str| groups_of[a].iter().any(|group| groups_of[b].contains(group));
    let pairs = labels.lookalikes.iter().flat_map(|set| set.iter().enumerate().flat_map(|(n, a)| set[n + 1..].iter().map(move |b| (a, b))));
    pairs.filter(|(a, b)| share(a, b)).map(|(a, b)| (a.clone(), b.clone())).collect()
}
