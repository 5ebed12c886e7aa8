//! The minute sweep: looks at the issues that got events in each closed minute, begins and ends spikes. One transaction per minute, one
//! node at a time; a restart goes on where it stopped, so that no incident is told twice.
//!
//! A minute is closed when its events are counted, and a digest may be late: the database was away, or a flood waits in the spool. So the
//! digest moves the sweep back to the earliest minute it adds to (`store::spikes::sweep_again`), and no minute is swept while a digest
//! commits (`store::job_locks::share`). Sweeping a minute again tells nothing twice: an incident that is going on is only moved on.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use anyhow::Context;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tracing::info;

use crate::clock::Clock;
use crate::domain::alert::{Kind, Numbers};
use crate::domain::alert_rule::{self, AlertRule, Occasion};
use crate::domain::ids::ProjectId;
use crate::domain::issue::Status;
use crate::domain::spike::bar::Circumstances;
use crate::domain::spike::start::start_of_run;
use crate::domain::spike::{Incident, Sensitivity, Step, Sums, Usual, is_spike, passes_gate, step, traffic};
use crate::store::job_locks::{self, Job};
use crate::store::spike_history::{self, Key, Speaker, Suspect, hour_number};
use crate::store::spikes::{self, NewAlert, minute_number, minute_start};
use crate::store::{Db, Tx, alert_rules};

/// A minute is looked at this long after its end, when the digest has usually counted its events.
const CLOSED_AFTER: Duration = Duration::seconds(5);
/// After a pause of Bugle no more than this many past minutes are looked at.
const CATCH_UP_MINUTES: i64 = 90;

/// Sweeps every minute that is closed and not yet swept; answers how many.
pub async fn run_once(db: &Db, clock: &Clock) -> anyhow::Result<usize> {
    let closed = minute_number(clock.now() - CLOSED_AFTER) - 1;
    let mut swept = 0;
    while sweep_next(db, closed).await? {
        swept += 1;
    }
    Ok(swept)
}

async fn sweep_next(db: &Db, closed: i64) -> anyhow::Result<bool> {
    let mut tx = job_locks::hold(db, Job::Spikes).await.context("waiting for the job of looking for spikes")?;
    let last = spikes::find_swept(&mut tx).await?.map_or(closed - 1, minute_number);
    let minute = (last + 1).max(closed - CATCH_UP_MINUTES);
    if minute > closed {
        tx.rollback().await?; // at once, not when the pool gets round to it: the lock goes with it
        return Ok(false);
    }
    Sweep::new(minute).run(&mut tx).await.with_context(|| format!("sweeping the minute {}", minute_start(minute)))?;
    spikes::set_swept(&mut tx, minute_start(minute)).await?;
    tx.commit().await?;
    Ok(true)
}

/// One minute, and what its issues share.
struct Sweep {
    minute: i64,
    at: OffsetDateTime,
    cut: HashMap<ProjectId, HashSet<i64>>,
    rules: HashMap<ProjectId, Option<AlertRule>>,
    traffic: HashMap<ProjectId, [f64; 2]>,
}

/// An issue with everything that is judged.
struct Case<'a> {
    speaker: &'a Speaker,
    suspect: &'a Suspect,
    usual: Usual,
    people: Option<i64>,
    traffic: f64,
}

impl Sweep {
    fn new(minute: i64) -> Self {
        Self { minute, at: minute_start(minute), cut: HashMap::new(), rules: HashMap::new(), traffic: HashMap::new() }
    }

    async fn run(&mut self, tx: &mut Tx) -> anyhow::Result<()> {
        let speakers = spike_history::speakers(tx, self.at).await.context("listing the issues of the minute")?;
        if speakers.is_empty() {
            return Ok(());
        }
        spikes::raise_peaks(tx, &speakers, self.at).await.context("raising the peaks")?;
        let keys: Vec<Key> = speakers.iter().map(|speaker| speaker.key).collect();
        let incidents = spikes::incidents(tx, &keys).await.context("reading incidents")?;
        let firing = |key: &Key| incidents.get(key).is_some_and(|(incident, _)| incident.firing);
        let loud: Vec<&Speaker> =
            speakers.iter().filter(|one| firing(&one.key) || passes_gate(Sums { capped: one.capped, people: None })).collect();
        let keys: Vec<Key> = loud.iter().map(|speaker| speaker.key).collect();
        let suspects = spike_history::suspects(tx, &keys, self.at).await.context("reading the loud issues")?;
        let mut hours = spike_history::hours(tx, &keys, self.at).await.context("reading their history")?;
        let mut hot = Vec::new();
        for suspect in &suspects {
            let Some(speaker) = loud.iter().find(|speaker| speaker.key == suspect.key) else { continue };
            let usual = self.usual(tx, suspect.key, suspect.first_seen_at, &hours.remove(&suspect.key).unwrap_or_default()).await?;
            let people = carries_people(suspect, speaker).then_some(suspect.people60);
            let case = Case { speaker, suspect, usual, people, traffic: 1.0 };
            let (before, snoozed_until) = incidents.get(&suspect.key).map_or((None, None), |(incident, until)| (Some(*incident), *until));
            if self.judge(tx, case, before, snoozed_until).await? {
                hot.push(suspect.key);
            }
        }
        spikes::mark_hot(tx, &hot, self.at).await.context("marking hot hours")?;
        Ok(())
    }

    async fn usual(
        &mut self,
        tx: &mut Tx,
        key: Key,
        first_seen_at: OffsetDateTime,
        hours: &[crate::domain::spike::Hour],
    ) -> anyhow::Result<Usual> {
        if !self.cut.contains_key(&key.0) {
            self.cut.insert(key.0, spike_history::cut_hours(tx, key.0, self.at).await.context("reading cut hours")?);
        }
        let cut = &self.cut[&key.0];
        Ok(Usual::of(hours, hour_number(self.at), hour_number(first_seen_at), |hour| cut.contains(&hour)))
    }

    /// Moves the issue's incident; answers whether one is going on.
    async fn judge(
        &mut self,
        tx: &mut Tx,
        mut case: Case<'_>,
        before: Option<Incident>,
        snoozed_until: Option<OffsetDateTime>,
    ) -> anyhow::Result<bool> {
        let firing = before.is_some_and(|incident| incident.firing);
        // Events on a resolved issue are stragglers until the digest calls it regressed.
        let spiking = !firing && case.suspect.status != Status::Resolved && self.spikes(tx, &mut case).await?;
        let (incident, step) = step(before, self.minute, case.speaker.capped, || spiking);
        let Some(incident) = incident else { return Ok(false) };
        if Some(incident) != before {
            spikes::save_incident(tx, case.suspect.key, &incident).await.context("storing the incident")?;
        }
        let snoozed = snoozed_until.is_some_and(|until| self.at < until);
        match step {
            Step::Spike => self.tell(tx, &case, Kind::Spiking, &incident, snoozed).await?,
            Step::Escalation => self.tell(tx, &case, Kind::Escalated, &incident, snoozed).await?,
            Step::Accepted => spikes::mark_ordinary(tx, case.suspect.key, self.at).await.context("accepting the new level")?,
            Step::None | Step::Suppressed | Step::Ended => {}
        }
        Ok(incident.firing)
    }

    async fn spikes(&mut self, tx: &mut Tx, case: &mut Case<'_>) -> anyhow::Result<bool> {
        let sums = Sums { capped: case.speaker.capped, people: case.people };
        let sensitivity = self.rule(tx, case.suspect.key.0).await?.map_or(Sensitivity::Normal, |rule| rule.sensitivity);
        let mut cx = Circumstances {
            age_minutes: self.minute - minute_number(case.suspect.first_seen_at),
            watched_days: (self.at - case.suspect.watched_since).as_seconds_f64() / 86_400.0,
            traffic: [1.0; 2],
            sensitivity,
        };
        if !is_spike(sums, &case.usual, &cx) {
            return Ok(false);
        }
        cx.traffic = self.traffic(tx, case.suspect.key.0).await?;
        case.traffic = cx.traffic[1];
        Ok(is_spike(sums, &case.usual, &cx))
    }

    async fn rule(&mut self, tx: &mut Tx, project: ProjectId) -> anyhow::Result<Option<&AlertRule>> {
        let known = match self.rules.entry(project) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                unknown.insert(alert_rules::find_for(&mut **tx, project, Kind::Spiking).await.context("reading the rule")?)
            }
        };
        Ok(known.as_ref())
    }

    /// Only computed when an issue has passed every other test; shared by all issues of the project and minute.
    async fn traffic(&mut self, tx: &mut Tx, project: ProjectId) -> anyhow::Result<[f64; 2]> {
        if let Some(known) = self.traffic.get(&project) {
            return Ok(*known);
        }
        let neighbours = spike_history::neighbours(tx, project, self.at).await.context("reading the project's traffic")?;
        let keys: Vec<Key> = neighbours.iter().map(|neighbour| neighbour.key).collect();
        let mut hours = spike_history::hours(tx, &keys, self.at).await.context("reading the project's history")?;
        let mut measured = Vec::with_capacity(neighbours.len());
        for neighbour in neighbours {
            let history = hours.remove(&neighbour.key).unwrap_or_default();
            let usual = self.usual(tx, neighbour.key, neighbour.first_seen_at, &history).await?;
            measured.push(traffic::Neighbour { capped: neighbour.capped, per_hour: usual.per_hour });
        }
        let factors = traffic::factors(&measured);
        self.traffic.insert(project, factors);
        Ok(factors)
    }

    /// When the run of events began that the incident is about.
    async fn started_at(&self, tx: &mut Tx, case: &Case<'_>, incident: &Incident) -> anyhow::Result<OffsetDateTime> {
        let counts = spike_history::run(tx, case.suspect.key, minute_start(incident.since)).await.context("reading the run")?;
        let counts: Vec<(i64, i64)> = counts.into_iter().map(|(at, count)| (minute_number(at), count)).collect();
        Ok(minute_start(start_of_run(incident.since, &counts, case.usual.per_hour)))
    }

    /// Writes the alert down, to be mailed or with the reason why not.
    async fn tell(&mut self, tx: &mut Tx, case: &Case<'_>, kind: Kind, incident: &Incident, snoozed: bool) -> anyhow::Result<()> {
        let suspect = case.suspect;
        let occasion = Occasion {
            kind,
            status: suspect.status,
            ignore_until: suspect.ignore_until,
            level: suspect.level,
            environments: &suspect.environments,
        };
        let rule = self.rule(tx, suspect.key.0).await?;
        let rule_id = rule.map(|rule| rule.id);
        let verdict = if snoozed { Err("the issue is snoozed".to_owned()) } else { alert_rule::decide(rule, &occasion) };
        let started_at = self.started_at(tx, case, incident).await?;
        let numbers = Numbers { started_at: started_at.format(&Rfc3339).ok(), ..numbers(case) };
        let end_of_minute = self.at + Duration::MINUTE;
        let alert = NewAlert {
            key: suspect.key,
            rule_id,
            kind,
            since: minute_start(incident.since),
            decided_at: end_of_minute,
            numbers: &numbers,
            held_reason: verdict.as_ref().err().map(String::as_str),
        };
        if spikes::insert_alert(tx, &alert).await.context("writing the alert down")?.is_none() {
            return Ok(());
        }
        if verdict.is_ok() && spikes::reopen_ignored(tx, suspect.key, end_of_minute).await? {
            spikes::insert_activity(tx, suspect.key, "reopened", "it escalated", end_of_minute).await?;
        }
        spikes::insert_activity(tx, suspect.key, "alerted", &told(&numbers, kind, &verdict), end_of_minute).await?;
        info!(project.id = suspect.key.0.0, issue.id = suspect.key.1.0, alert.kind = kind.name(), "issue {} is spiking", suspect.key.1);
        Ok(())
    }
}

/// Whether the events of the last hour mostly say for whom they are: only then few people mean little.
fn carries_people(suspect: &Suspect, speaker: &Speaker) -> bool {
    suspect.people_events * 2 >= speaker.clean[1]
}

fn numbers(case: &Case) -> Numbers {
    Numbers {
        event_count: case.suspect.event_count,
        user_count: case.suspect.user_count,
        last15: case.speaker.clean[0],
        last60: case.speaker.clean[1],
        capped60: case.speaker.capped[1],
        people60: case.suspect.people60,
        usual_per_hour: case.usual.per_hour,
        count_before: case.usual.clean,
        days_before: case.usual.days.round() as i64,
        highest15_before: case.usual.highest15,
        traffic: case.traffic,
        release: case.suspect.last_release.clone(),
        environment: case.suspect.environments.first().cloned(),
        ..Numbers::default()
    }
}

fn told(numbers: &Numbers, kind: Kind, verdict: &Result<(), String>) -> String {
    let what = if kind == Kind::Escalated { "Escalated" } else { "Spiking" };
    let counted = format!("{what}: {} events in the last hour, usually {:.1}", numbers.last60, numbers.usual_per_hour);
    match verdict {
        Ok(()) => counted,
        Err(reason) => format!("{counted}. Not mailed: {reason}"),
    }
}
