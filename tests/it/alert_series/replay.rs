//! Plays labelled series through the detector and the pacing, minute by minute, as the sweep and the fold do it on the database.

use std::collections::{BTreeMap, HashSet, VecDeque};

use bugle::domain::pacing::{self, Departure, Pace, Situation};
use bugle::domain::spike::bar::Circumstances;
use bugle::domain::spike::{Hour, Incident, Sensitivity, Step, Sums, Usual, is_spike, passes_gate, step, traffic};

use super::series::{Row, Series};

/// One alert, in the mail it left with.
#[derive(Clone, Debug)]
pub struct Mailed {
    pub issue: String,
    /// When the mail left.
    pub minute: i64,
    pub kind: &'static str,
    pub mail: String,
}

/// Everything that was mailed.
pub fn replay(series: &Series) -> Vec<Mailed> {
    std::thread::scope(|scope| {
        let run = |(project, minutes): &(String, i64)| Project::new(series, project).run(*minutes);
        let running: Vec<_> = series.projects.iter().map(|one| scope.spawn(move || run(one))).collect();
        running.into_iter().flat_map(|one| one.join().expect("a replay does not panic")).collect()
    })
}

#[derive(Default)]
struct Issue {
    name: String,
    has_users: bool,
    /// `None`: older than the series.
    first_seen: Option<i64>,
    rows: Vec<Row>,
    next_row: usize,
    window: VecDeque<Row>,
    /// Capped events and fresh people in `window`.
    in_window: (i64, i64),
    hours: Vec<Hour>,
    incident: Option<Incident>,
    usual: Option<(i64, Usual)>,
    resolves: VecDeque<i64>,
    resolved_at: Option<i64>,
    seen: bool,
    last_event: i64,
}

impl Issue {
    fn sums(&mut self, minute: i64) -> Sums {
        while let Some(row) = self.window.front().filter(|row| row.minute <= minute - 60) {
            self.in_window = (self.in_window.0 - row.capped, self.in_window.1 - row.fresh);
            self.window.pop_front();
        }
        let capped15 = self.window.iter().rev().take_while(|row| row.minute > minute - 15).map(|row| row.capped).sum();
        Sums { capped: [capped15, self.in_window.0], people: self.has_users.then_some(self.in_window.1) }
    }

    fn hour(&mut self, hour: i64) -> &mut Hour {
        if self.hours.last().is_none_or(|last| last.hour < hour) {
            self.hours.push(Hour { hour, ..Hour::default() });
        }
        self.hours.last_mut().expect("pushed above")
    }

    fn usual(&mut self, hour: i64, cut: &HashSet<i64>) -> &Usual {
        if self.usual.as_ref().is_none_or(|(at, _)| *at != hour) {
            let first = self.first_seen.map_or(-1, |minute| minute.div_euclid(60));
            let from = self.hours.partition_point(|one| one.hour < hour - 336);
            self.usual = Some((hour, Usual::of(&self.hours[from..], hour, first, |hour| cut.contains(&hour))));
        }
        &self.usual.as_ref().expect("set above").1
    }

    fn age(&self, minute: i64) -> i64 {
        self.first_seen.map_or(i64::MAX / 2, |first| minute - first)
    }
}

struct Project<'a> {
    name: &'a str,
    issues: Vec<Issue>,
    cut: HashSet<i64>,
    pace: Pace,
    pending: Vec<(usize, i64, &'static str)>,
    decided: VecDeque<i64>,
    mails: VecDeque<i64>,
    mail_count: usize,
    out: Vec<Mailed>,
}

impl<'a> Project<'a> {
    fn new(series: &Series, name: &'a str) -> Self {
        let issues = series.issues.iter().filter(|issue| issue.project == name).map(|issue| Issue {
            name: issue.name.clone(),
            has_users: issue.has_users,
            first_seen: (issue.first_seen >= 0).then_some(issue.first_seen),
            rows: issue.rows.clone(),
            resolves: issue.resolves.iter().copied().collect(),
            last_event: i64::MIN / 2,
            ..Issue::default()
        });
        let cut = series.cut.iter().filter(|(project, _)| project == name).map(|(_, hour)| *hour).collect();
        Self {
            name,
            issues: issues.collect(),
            cut,
            pace: Pace::default(),
            pending: Vec::new(),
            decided: VecDeque::new(),
            mails: VecDeque::new(),
            mail_count: 0,
            out: Vec::new(),
        }
    }

    fn run(mut self, minutes: i64) -> Vec<Mailed> {
        let mut by_minute: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (n, issue) in self.issues.iter().enumerate() {
            for row in &issue.rows {
                by_minute.entry(row.minute).or_default().push(n);
            }
        }
        for minute in 0..minutes {
            self.tick(minute, by_minute.get(&minute).map_or(&[], Vec::as_slice));
            self.fold(minute);
        }
        self.out
    }

    fn tick(&mut self, minute: i64, spoken: &[usize]) {
        for n in spoken {
            self.take(*n, minute);
        }
        let mut factors = None;
        for n in spoken {
            self.judge(*n, minute, &mut factors);
        }
        for n in 0..self.issues.len() {
            if self.issues[n].incident.is_some_and(|incident| incident.firing) && !spoken.contains(&n) {
                self.judge(n, minute, &mut factors);
            }
        }
    }

    /// Counts the minute, and decides about new and regressed.
    fn take(&mut self, n: usize, minute: i64) {
        let issue = &mut self.issues[n];
        while issue.resolves.front().is_some_and(|at| *at <= minute) {
            issue.resolved_at = issue.resolves.pop_front();
        }
        let row = issue.rows[issue.next_row];
        issue.next_row += 1;
        issue.last_event = minute;
        issue.window.push_back(row);
        issue.in_window = (issue.in_window.0 + row.capped, issue.in_window.1 + row.fresh);
        let sums = issue.sums(minute);
        let hour = issue.hour(minute.div_euclid(60));
        hour.clean += row.clean;
        hour.peaks = [hour.peaks[0].max(sums.capped[0]), hour.peaks[1].max(sums.capped[1])];
        let mut told = None;
        if row.clean > 0 {
            if !issue.seen && issue.first_seen.is_some() {
                told = Some("new");
            }
            if issue.resolved_at.is_some_and(|at| minute > at + 60) {
                issue.resolved_at = None;
                told = Some("regression");
            }
        }
        issue.seen = true;
        if let Some(kind) = told {
            self.alert(n, minute, kind);
        }
    }

    fn judge(&mut self, n: usize, minute: i64, factors: &mut Option<[f64; 2]>) {
        let hour = minute.div_euclid(60);
        let sums = self.issues[n].sums(minute);
        let firing = self.issues[n].incident.is_some_and(|incident| incident.firing);
        let spiking = !firing && passes_gate(sums) && self.spikes(n, minute, sums, factors);
        let issue = &mut self.issues[n];
        let (incident, step) = step(issue.incident, minute, sums.capped, || spiking);
        issue.incident = incident;
        if incident.is_some_and(|incident| incident.firing) {
            issue.hour(hour).hot = true;
        }
        match step {
            Step::Spike => self.alert(n, minute, "spike"),
            Step::Escalation => self.alert(n, minute, "escalation"),
            Step::Accepted => {
                issue.usual = None;
                issue.hours.iter_mut().rev().take_while(|one| one.hour > hour - 25).for_each(|one| one.hot = false);
            }
            Step::Ended => issue.usual = None,
            Step::None | Step::Suppressed => {}
        }
    }

    fn spikes(&mut self, n: usize, minute: i64, sums: Sums, factors: &mut Option<[f64; 2]>) -> bool {
        let hour = minute.div_euclid(60);
        let usual = self.issues[n].usual(hour, &self.cut).clone();
        let mut cx = Circumstances {
            age_minutes: self.issues[n].age(minute),
            watched_days: minute as f64 / 1440.0,
            traffic: [1.0; 2],
            sensitivity: Sensitivity::Normal,
        };
        if !is_spike(sums, &usual, &cx) {
            return false;
        }
        cx.traffic = *factors.get_or_insert_with(|| self.traffic(minute));
        is_spike(sums, &usual, &cx)
    }

    fn traffic(&mut self, minute: i64) -> [f64; 2] {
        let cut = &self.cut;
        let near = self.issues.iter_mut().filter(|issue| minute - issue.last_event < 360 && issue.age(minute) >= 72 * 60);
        let neighbours: Vec<_> = near
            .map(|issue| {
                let capped = issue.sums(minute).capped;
                traffic::Neighbour { capped, per_hour: issue.usual(minute.div_euclid(60), cut).per_hour }
            })
            .collect();
        traffic::factors(&neighbours)
    }

    fn alert(&mut self, n: usize, minute: i64, kind: &'static str) {
        self.pending.push((n, minute, kind));
        self.decided.push_back(minute);
    }

    fn fold(&mut self, minute: i64) {
        while self.decided.front().is_some_and(|at| minute - at > pacing::RECENT / 60) {
            self.decided.pop_front();
        }
        while self.mails.front().is_some_and(|at| minute - at >= 1440) {
            self.mails.pop_front();
        }
        let pending: Vec<i64> = self.pending.iter().map(|(_, at, _)| at * 60).collect();
        let situation = Situation {
            pending: &pending,
            recent_count: self.decided.len(),
            mails_in_hour: self.mails.iter().filter(|at| minute - **at < 60).count() as i64,
            mails_in_day: self.mails.len() as i64,
            newcomer: false,
        };
        let (pace, departure) = pacing::depart(self.pace, minute * 60, &situation);
        self.pace = pace;
        if departure != Departure::Wait {
            self.mail_count += 1;
            self.mails.push_back(minute);
            let mail = format!("{}-{}", self.name, self.mail_count);
            for (n, _, kind) in self.pending.drain(..) {
                self.out.push(Mailed { issue: self.issues[n].name.clone(), minute, kind, mail: mail.clone() });
            }
        }
    }
}
