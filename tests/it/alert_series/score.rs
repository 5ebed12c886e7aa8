//! Scores mails against labels. The policy behind every rule is in `tests/data/alerts/README.md`.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::replay::Mailed;
use super::series::{Record, Series, number};

/// The first day is not judged.
const WARM: i64 = 1_440;
/// An alert this long before the labelled start still belongs to it.
const EARLY: i64 = 30;
/// This long after the end it is too late to count, and no false alarm either.
const SHADOW: i64 = 60;
/// From this many issues on an incident is a storm.
const STORM_SIZE: usize = 5;

/// What the mails are worth.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "printed by `make alerts`")]
pub struct Score {
    /// 0 to 100.
    pub trust: f64,
    pub coverage: f64,
    pub credibility: f64,
    pub calm: f64,
    pub storm: f64,
    pub recall: f64,
    pub recall_critical: f64,
    /// Minutes.
    pub delay_median: f64,
    pub false_per_week_per_100: f64,
    pub duplicates_per_incident: f64,
    pub mails_per_storm: f64,
    pub mail_count: usize,
}

/// One labelled incident; a storm has many issues.
struct Incident {
    start: i64,
    weight: f64,
    issues: usize,
}

/// A label: an incident on one issue.
struct Label {
    incident: String,
    start: i64,
    end: i64,
}

/// What a line of a mail turned out to be.
#[derive(Clone, PartialEq)]
enum Line {
    Useful,
    Repeat(String),
    Neutral,
    False,
}

struct Truth {
    incidents: BTreeMap<String, Incident>,
    labels: HashMap<String, Vec<Label>>,
    /// By issue, or `*project`: from, to, neutral.
    regions: HashMap<String, Vec<(i64, i64, bool)>>,
    project_of: HashMap<String, String>,
    weeks: f64,
}

/// Scores what was mailed.
pub fn score(series: &Series, mailed: &[Mailed]) -> Score {
    let truth = Truth::read(series);
    let mut sorted: Vec<&Mailed> = mailed.iter().collect();
    sorted.sort_by_key(|one| one.minute);
    let mut found: BTreeMap<String, i64> = BTreeMap::new();
    let mut mails: Vec<(String, Vec<Line>)> = Vec::new();
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut storms: HashMap<String, HashSet<String>> = HashMap::new();
    for one in sorted {
        let line = truth.judge(one, &mut found, &mut storms);
        let at = *place.entry(one.mail.clone()).or_insert_with(|| {
            mails.push((one.mail.clone(), Vec::new()));
            mails.len() - 1
        });
        mails[at].1.push(line);
    }
    let (useful, false_count, duplicate) = truth.classify(&mails);
    truth.sum_up(&found, &storms, (useful, false_count, duplicate), mails.len())
}

impl Truth {
    fn read(series: &Series) -> Self {
        let mut incidents: BTreeMap<String, Incident> = BTreeMap::new();
        let mut labels: HashMap<String, Vec<Label>> = HashMap::new();
        for row in &series.labels {
            let (start, end) = (minute(row, "start"), minute(row, "end"));
            let weight = match row["severity"].as_str() {
                "critical" => 4.0,
                "major" => 2.0,
                _ => 1.0,
            };
            let incident = incidents.entry(row["incident"].clone()).or_insert(Incident { start, weight, issues: 0 });
            incident.start = incident.start.min(start);
            incident.weight = incident.weight.max(weight);
            incident.issues += 1;
            labels.entry(row["issue"].clone()).or_default().push(Label { incident: row["incident"].clone(), start, end });
        }
        let mut regions: HashMap<String, Vec<(i64, i64, bool)>> = HashMap::new();
        for row in &series.regions {
            let key = if row["issue"] == "*" { format!("*{}", row["project"]) } else { row["issue"].clone() };
            regions.entry(key).or_default().push((minute(row, "start"), minute(row, "end"), row["policy"] == "neutral"));
        }
        let lengths: HashMap<&str, i64> = series.projects.iter().map(|(name, minutes)| (name.as_str(), *minutes)).collect();
        let lived = series.issues.iter().map(|issue| lengths[issue.project.as_str()] - issue.first_seen.max(WARM));
        Self {
            incidents,
            labels,
            regions,
            project_of: series.issues.iter().map(|issue| (issue.name.clone(), issue.project.clone())).collect(),
            weeks: lived.sum::<i64>() as f64 / 10_080.0,
        }
    }

    fn judge(&self, one: &Mailed, found: &mut BTreeMap<String, i64>, storms: &mut HashMap<String, HashSet<String>>) -> Line {
        let t = one.minute;
        let hits: Vec<&Label> =
            self.labels.get(&one.issue).into_iter().flatten().filter(|label| label.start - EARLY <= t && t <= label.end + SHADOW).collect();
        for label in hits.iter().filter(|label| self.incidents[&label.incident].issues >= STORM_SIZE) {
            storms.entry(label.incident.clone()).or_default().insert(one.mail.clone());
        }
        let fresh = hits.iter().filter(|label| !found.contains_key(&label.incident) && t <= label.end);
        if let Some(label) = fresh.min_by_key(|label| (t < label.start, (t - label.start).abs())) {
            found.insert(label.incident.clone(), (t - self.incidents[&label.incident].start).max(0));
            return Line::Useful;
        }
        if let Some(label) = hits.iter().max_by_key(|label| (found.contains_key(&label.incident), label.start)) {
            return if found.contains_key(&label.incident) { Line::Repeat(label.incident.clone()) } else { Line::Neutral };
        }
        let whole = format!("*{}", self.project_of[&one.issue]);
        let around = [&one.issue, &whole].into_iter().filter_map(|key| self.regions.get(key)).flatten();
        let neutral = around.filter(|(from, to, _)| (*from..=*to).contains(&t)).any(|(_, _, neutral)| *neutral);
        if t < WARM || neutral { Line::Neutral } else { Line::False }
    }

    /// Useful, false and duplicate mails. One follow-up per incident of some weight is welcome.
    fn classify(&self, mails: &[(String, Vec<Line>)]) -> (f64, f64, f64) {
        let (mut useful, mut false_count, mut duplicate) = (0.0, 0.0, 0.0);
        let mut welcomed: HashSet<&str> = HashSet::new();
        for (_, lines) in mails {
            let repeats: Vec<&str> =
                lines.iter().filter_map(|line| if let Line::Repeat(incident) = line { Some(incident.as_str()) } else { None }).collect();
            if lines.contains(&Line::Useful) {
                useful += 1.0;
            } else if !repeats.is_empty() {
                let welcome = repeats.iter().find(|one| self.incidents[**one].weight >= 2.0 && !welcomed.contains(**one));
                match welcome {
                    Some(incident) => drop(welcomed.insert(incident)),
                    None => duplicate += 1.0,
                }
            } else if lines.contains(&Line::False) {
                false_count += 1.0;
            }
        }
        (useful, false_count, duplicate)
    }

    fn sum_up(
        &self,
        found: &BTreeMap<String, i64>,
        storms: &HashMap<String, HashSet<String>>,
        (useful, false_count, duplicate): (f64, f64, f64),
        mail_count: usize,
    ) -> Score {
        let whole: f64 = self.incidents.values().map(|incident| incident.weight).sum();
        let coverage = found.iter().map(|(id, delay)| self.incidents[id].weight * credit(*delay)).sum::<f64>() / whole;
        let credibility = useful / (useful + false_count + 0.5 * duplicate).max(1e-9);
        let per = self.weeks / 100.0;
        let calm = 1.0 / (1.0 + (false_count + 0.5 * duplicate) / per / 7.0);
        let told: Vec<f64> = self
            .incidents
            .iter()
            .filter(|(id, incident)| incident.issues >= STORM_SIZE && found.contains_key(*id))
            .map(|(id, _)| storms.get(id).map_or(0, HashSet::len) as f64)
            .collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / (values.len().max(1) as f64);
        let storm = mean(&told.iter().map(|mails| 1.0 / (1.0 + (mails - 2.0).max(0.0) / 5.0)).collect::<Vec<_>>());
        let critical = |id: &&String| self.incidents[*id].weight >= 4.0;
        let mut delays: Vec<i64> = found.values().copied().collect();
        delays.sort_unstable();
        Score {
            trust: 100.0 * coverage.powf(0.4) * credibility.powf(0.3) * calm.powf(0.15) * storm.powf(0.15),
            coverage,
            credibility,
            calm,
            storm,
            recall: found.len() as f64 / self.incidents.len() as f64,
            recall_critical: found.keys().filter(critical).count() as f64 / self.incidents.keys().filter(critical).count() as f64,
            delay_median: delays[delays.len() / 2] as f64,
            false_per_week_per_100: false_count / per,
            duplicates_per_incident: duplicate / found.len().max(1) as f64,
            mails_per_storm: mean(&told),
            mail_count,
        }
    }
}

/// What an alert is still worth after `delay` minutes.
fn credit(delay: i64) -> f64 {
    if delay <= 5 { 1.0 } else { (1.0 / (1.0 + (delay - 5) as f64 / 60.0)).max(0.2) }
}

fn minute(row: &Record, name: &str) -> i64 {
    number(row, name).expect("labels are complete")
}
