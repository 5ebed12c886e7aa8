//! `bugle check --counts`: every counter against the rows it summarizes, while the server runs.

use std::collections::BTreeMap;

use anyhow::{Context, bail};

use super::table;
use crate::app::installation::Installation;
use crate::cli::say::say;
use crate::clock::Clock;
use crate::domain::project::Project;
use crate::jobs::trim;
use crate::store;
use crate::store::proof::{self, Pair};

/// Differences that are named, of one counter; the others are counted.
const NAMED_MAX: usize = 20;

/// What was found about one counter.
#[derive(Default)]
struct Found {
    compared: u64,
    differing: u64,
    named: Vec<String>,
}

/// Compares, prints what was compared, and fails where anything differs.
pub async fn prove(installation: &Installation, clock: &Clock) -> anyhow::Result<String> {
    let since = trim::untouched_since(clock.now(), installation.config.retention_days);
    let mut tx = proof::snapshot(&installation.db).await.context("taking a snapshot")?;
    let projects = store::projects::list(&mut *tx).await.context("listing the projects")?;
    let mut all: BTreeMap<String, Found> = BTreeMap::new();
    for project in &projects {
        let each = &mut |pair: Pair| note(&mut all, project, &pair);
        proof::compare(&mut tx, project.id, since, each).await.with_context(|| format!("comparing the counters of {}", project.slug))?;
    }
    tx.rollback().await.context("letting go of the snapshot")?;
    print(&all);
    let (compared, differing) = all.values().fold((0, 0), |sum, found| (sum.0 + found.compared, sum.1 + found.differing));
    if differing > 0 {
        bail!("{differing} of {compared} do not equal the rows they summarize; see above, and please report it");
    }
    Ok(format!("{compared} counters of {} projects equal the rows they summarize", projects.len()))
}

fn note(all: &mut BTreeMap<String, Found>, project: &Project, pair: &Pair) {
    if !all.contains_key(&pair.counter) {
        all.insert(pair.counter.clone(), Found::default());
    }
    let Some(found) = all.get_mut(&pair.counter) else { return };
    found.compared += 1;
    if pair.counted != pair.found {
        found.differing += 1;
        if found.named.len() < NAMED_MAX {
            found.named.push(format!("{}, {}: the counter says {}, the rows say {}", project.slug, pair.row, pair.counted, pair.found));
        }
    }
}

fn print(all: &BTreeMap<String, Found>) {
    let rows: Vec<_> =
        all.iter().map(|(counter, found)| [counter.clone(), found.compared.to_string(), found.differing.to_string()]).collect();
    if !rows.is_empty() {
        say!("{}", table::render(["counter", "compared", "different"], &rows).trim_end());
    }
    for (counter, found) in all.iter().filter(|(_, found)| found.differing > 0) {
        for row in &found.named {
            say!("{counter}: {row}");
        }
        let more = found.differing - found.named.len() as u64;
        if more > 0 {
            say!("{counter}: and {more} more");
        }
    }
}
