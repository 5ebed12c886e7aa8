//! Reads the labelled series: per-issue counts of several projects, one row per minute in which something arrived.

use std::collections::{BTreeMap, HashMap, HashSet};

/// The counts of one issue in one minute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    pub minute: i64,
    /// Without duplicates and old events.
    pub clean: i64,
    /// The same, one person at most 5 times per quarter of an hour.
    pub capped: i64,
    /// People not seen in the hour before.
    pub fresh: i64,
}

pub struct IssueSeries {
    pub name: String,
    pub project: String,
    /// -1: older than the series.
    pub first_seen: i64,
    pub has_users: bool,
    pub rows: Vec<Row>,
    pub resolves: Vec<i64>,
}

pub struct Series {
    /// Name and length in minutes.
    pub projects: Vec<(String, i64)>,
    pub issues: Vec<IssueSeries>,
    /// Project and hour in which events were refused.
    pub cut: HashSet<(String, i64)>,
    /// `labels.csv` and `regions.csv`, for the score.
    pub labels: Vec<Record>,
    pub regions: Vec<Record>,
}

/// A line of a CSV file by column name.
pub type Record = HashMap<String, String>;

/// Column `name` as a number; empty is `None`.
pub fn number(record: &Record, name: &str) -> Option<i64> {
    record.get(name).filter(|raw| !raw.is_empty()).map(|raw| raw.parse().expect("a number"))
}

fn records(text: &str) -> Vec<Record> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a head line").split(',').collect();
    lines.map(|line| names.iter().map(|name| (*name).to_owned()).zip(line.split(',').map(str::to_owned)).collect()).collect()
}

impl Series {
    /// From the files of the folder; `events` is the text of `events.csv`.
    pub fn read(dir: &str, events: &str) -> Self {
        let file = |name: &str| records(&std::fs::read_to_string(format!("{dir}/{name}")).expect("the file is there"));
        let mut rows = events_by_issue(events);
        let mut resolves: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for action in file("actions.csv") {
            resolves.entry(action["issue"].clone()).or_default().push(number(&action, "minute").expect("a minute"));
        }
        let issues = file("issues.csv").into_iter().map(|issue| IssueSeries {
            project: issue["project"].clone(),
            first_seen: number(&issue, "first_seen").expect("a minute"),
            has_users: issue["has_users"] == "1",
            rows: rows.remove(&issue["issue"]).unwrap_or_default(),
            resolves: resolves.remove(&issue["issue"]).unwrap_or_default(),
            name: issue["issue"].clone(),
        });
        let projects = file("projects.csv");
        Self {
            issues: issues.collect(),
            projects: projects.into_iter().map(|one| (one["project"].clone(), number(&one, "minutes").expect("a length"))).collect(),
            cut: file("dropped.csv").iter().map(|one| (one["project"].clone(), number(one, "minute").expect("a minute") / 60)).collect(),
            labels: file("labels.csv"),
            regions: file("regions.csv"),
        }
    }
}

/// `issue,minute,n,old,dup,users,fresh,capped`; empty `old` and `dup` are 0, empty `capped` is `n - old - dup`.
fn events_by_issue(text: &str) -> HashMap<String, Vec<Row>> {
    let mut found: HashMap<String, Vec<Row>> = HashMap::new();
    for line in text.lines().skip(1) {
        let mut cells = line.split(',');
        let issue = cells.next().expect("an issue");
        let mut next = || cells.next().filter(|raw| !raw.is_empty()).map(|raw| raw.parse::<i64>().expect("a number"));
        let (minute, n, old, dup) = (next().expect("a minute"), next().unwrap_or(0), next().unwrap_or(0), next().unwrap_or(0));
        let (_users, fresh, capped) = (next(), next().unwrap_or(0), next());
        let clean = n - old - dup;
        let row = Row { minute, clean, fresh, capped: capped.unwrap_or(clean) };
        match found.get_mut(issue) {
            Some(rows) => rows.push(row),
            None => drop(found.insert(issue.to_owned(), vec![row])),
        }
    }
    found
}
