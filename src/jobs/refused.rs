//! Writes what was refused at the door to the accounting of its projects. Each node writes its own.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::domain::accounting::{Accounting, Refused};
use crate::domain::ids::ProjectId;
use crate::store::outcomes::{self, Tally};
use crate::store::{self, Db, counters};

/// To be called every few seconds, and once at the end. Tells how many sums were written; an error leaves them to the next run.
pub async fn run_once(db: &Db, accounting: &Accounting) -> anyhow::Result<usize> {
    let refused = accounting.take();
    if refused.is_empty() {
        return Ok(0);
    }
    let count = refused.len();
    if let Err(problem) = write(db, &refused).await {
        accounting.give_back(refused);
        return Err(problem);
    }
    Ok(count)
}

async fn write(db: &Db, refused: &BTreeMap<Refused, i64>) -> anyhow::Result<()> {
    let mut tx = store::begin(db).await?;
    let mut projects: Vec<ProjectId> = refused.keys().map(|refused| refused.project_id).collect();
    projects.dedup();
    let projects = counters::projects::hold(&mut tx, &projects).await.context("holding the projects")?;
    let known = refused.iter().filter(|(refused, _)| projects.contains_key(&refused.project_id));
    let tallies: Vec<Tally> = known
        .map(|(refused, count)| Tally {
            project_id: refused.project_id,
            at: refused.hour,
            category: refused.category.to_owned(),
            outcome: refused.outcome.clone(),
            count: *count,
        })
        .collect();
    outcomes::add(&mut tx, &tallies).await.context("adding to the accounting")?;
    tx.commit().await?;
    Ok(())
}
