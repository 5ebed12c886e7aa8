//! What jobs tell: which monitor, which run, how it went.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::failure::Failure;
use super::item::Cx;
use super::reading::Reading;
use crate::domain::ids::ProjectId;
use crate::domain::outcome::Outcome;
use crate::pipeline::scrub;
use crate::protocol::category::Category;
use crate::protocol::check_in::{self, CheckIn};
use crate::store::Tx;
use crate::store::counters::projects::HeldProject;
use crate::store::monitors::{self, Run};
use crate::store::outcomes::Tally;

/// Monitors a project can have; beyond it new ones are refused: somebody makes names up.
const MONITORS_MAX: i64 = 500;
/// Runs of one monitor that can begin within an hour, in all its environments: six every minute, while no schedule asks for more than one.
/// So a project keeps a bounded number of them. What is told of runs that are known already always counts.
const RUNS_PER_HOUR_MAX: i64 = 360;
/// Largest item, in bytes (protocol notes, 5.2).
const BYTES_MAX: usize = 100 * 1_024;

/// A check-in on its way into the database.
#[derive(Clone, Debug)]
pub struct Told {
    project_id: ProjectId,
    received_at: OffsetDateTime,
    check_in: CheckIn,
    /// The id of its run, should it begin one without naming it: the same at every replay.
    new_id: Uuid,
}

/// Reads an item.
pub fn read(payload: &[u8], cx: &Cx<'_>, reading: &mut Reading) {
    let read = if payload.len() > BYTES_MAX { Err("too_large") } else { check_in::read(payload) };
    match read {
        Err(reason) => reading.tally(Category::Monitor, Outcome::Invalid(reason), 1),
        Ok(mut check_in) => {
            scrub_names(&mut check_in, &cx.rules.scrub);
            let seed = Sha256::new().chain_update(cx.receipt.event_id.0.as_bytes()).chain_update(reading.check_ins.len().to_le_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&seed.finalize()[..16]);
            let (project_id, received_at) = (cx.receipt.project_id, cx.receipt.received_at);
            reading.check_ins.push(Told { project_id, received_at, check_in, new_id: Uuid::from_bytes(bytes) });
        }
    }
}

/// The texts that are kept as they come.
fn scrub_names(check_in: &mut CheckIn, rules: &scrub::Rules) {
    check_in.environment = scrub::line(&check_in.environment, rules).into_owned();
    check_in.release = check_in.release.take().map(|release| scrub::line(&release, rules).into_owned());
}

/// Stores what the readings tell, and says how each ended.
pub async fn store(tx: &mut Tx, readings: &[Reading], projects: &HashMap<ProjectId, HeldProject>) -> Result<Vec<Tally>, Failure> {
    let told = readings.iter().flat_map(|reading| &reading.check_ins).filter(|told| projects.contains_key(&told.project_id));
    let mut told: Vec<&Told> = told.collect();
    // Monitors are locked in this order; of one monitor, the order of arrival stays.
    told.sort_by_key(|told| (told.project_id, told.check_in.slug.clone()));
    let mut tallies = Vec::with_capacity(told.len());
    for told in told {
        let outcome = one(tx, told).await?;
        let category = Category::Monitor.name().to_owned();
        tallies.push(Tally { project_id: told.project_id, at: told.received_at, category, outcome, count: 1 });
    }
    Ok(tallies)
}

async fn one(tx: &mut Tx, told: &Told) -> Result<Outcome, Failure> {
    let Told { project_id, received_at, check_in, new_id } = told;
    match (monitors::lock(tx, *project_id, &check_in.slug).await?, &check_in.config) {
        (false, None) => return Ok(Outcome::Invalid("unknown_monitor")),
        (false, Some(_)) if monitors::count(tx, *project_id).await? >= MONITORS_MAX => return Ok(Outcome::Invalid("too_many_monitors")),
        (_, Some(config)) => monitors::upsert(tx, *project_id, &check_in.slug, config, *received_at).await?,
        (true, None) => {}
    }
    let id = match check_in.id {
        Some(id) => id,
        None => monitors::find_in_progress(tx, *project_id, &check_in.slug, &check_in.environment).await?.unwrap_or(*new_id),
    };
    let run = Run {
        check_in_id: id,
        slug: check_in.slug.clone(),
        environment: check_in.environment.clone(),
        status: check_in.status.to_owned(),
        duration_ms: check_in.duration_ms,
        trace_id: check_in.trace_id.clone(),
        release: check_in.release.clone(),
        started_at: *received_at,
        updated_at: *received_at,
    };
    if monitors::is_full(tx, *project_id, &run, *received_at - Duration::HOUR, RUNS_PER_HOUR_MAX).await? {
        return Ok(Outcome::Invalid("too_many_runs"));
    }
    let is_stored = monitors::record(tx, *project_id, &run).await?;
    Ok(if is_stored { Outcome::Stored } else { Outcome::Invalid("other_monitor") })
}
