//! Cases every team knows, as made-up series: what must be told once, and what must not be told at all.

use super::replay::{Mailed, replay};
use super::series::{IssueSeries, Row, Series};

const DAY: i64 = 1_440;

/// `count` issues with about `per_hour` events each for `days` days, older than the series, each event another person.
fn project(count: usize, per_hour: i64, days: i64) -> Series {
    let issues = (0..count).map(|n| IssueSeries {
        name: format!("i{n}"),
        project: "p".to_owned(),
        first_seen: -1,
        has_users: false,
        rows: (0..days * DAY).filter(|minute| chance(n as i64 * 1_000_003 + minute) < per_hour * 1_000 / 60).map(|at| row(at, 1)).collect(),
        resolves: Vec::new(),
    });
    Series {
        issues: issues.collect(),
        projects: vec![("p".to_owned(), days * DAY)],
        cut: std::collections::HashSet::new(),
        labels: Vec::new(),
        regions: Vec::new(),
    }
}

/// 0 to 999, the same for the same seed.
fn chance(seed: i64) -> i64 {
    let mixed = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % 1_000) as i64
}

fn row(minute: i64, count: i64) -> Row {
    Row { minute, clean: count, capped: count, fresh: count }
}

impl Series {
    /// `count` more events of issue `n` in every minute of the span.
    fn add(&mut self, n: usize, from: i64, until: i64, count: i64) {
        let rows = &mut self.issues[n].rows;
        for minute in from..until {
            match rows.binary_search_by_key(&minute, |row| row.minute) {
                Ok(at) => rows[at] = row(minute, rows[at].clean + count),
                Err(at) => rows.insert(at, row(minute, count)),
            }
        }
    }
}

/// The minutes at which mails left, from day `day` on.
fn mails_since(mailed: &[Mailed], day: i64) -> Vec<i64> {
    let mut seen = std::collections::BTreeMap::new();
    for one in mailed.iter().filter(|one| one.minute >= day * DAY) {
        seen.entry(one.mail.clone()).or_insert(one.minute);
    }
    seen.into_values().collect()
}

#[test]
fn traffic_that_triples_everywhere_is_no_mail() {
    let mut series = project(20, 12, 10);
    for n in 0..20 {
        for minute in (9 * DAY..9 * DAY + 180).filter(|minute| minute % 5 < 2) {
            series.add(n, minute, minute + 1, 1);
        }
    }
    assert!(mails_since(&replay(&series), 3).is_empty());
}

#[test]
fn an_outage_over_forty_issues_is_one_to_three_mails_the_first_within_ten_minutes() {
    let mut series = project(40, 4, 10);
    let start = 9 * DAY + 600;
    for n in 0..40 {
        series.add(n, start, start + 90, 6);
    }
    let mails = mails_since(&replay(&series), 3);
    assert!((1..=3).contains(&mails.len()), "{mails:?}");
    assert!((start..=start + 10).contains(&mails[0]), "{mails:?}");
}

#[test]
fn a_nightly_job_is_known_from_the_third_day_on() {
    let mut series = project(6, 1, 12);
    for day in 0..12 {
        series.add(0, day * DAY + 180, day * DAY + 190, 6);
    }
    assert!(mails_since(&replay(&series), 3).is_empty());
}

#[test]
fn a_clock_change_keeps_the_nightly_job_known_from_the_second_day_on() {
    let mut series = project(6, 1, 14);
    for day in 0..14 {
        let at = day * DAY + if day < 10 { 180 } else { 120 };
        series.add(0, at, at + 10, 6);
    }
    assert!(mails_since(&replay(&series), 11).is_empty());
}

#[test]
fn a_step_that_stays_is_one_mail_and_quiet_after_a_day() {
    let mut series = project(6, 2, 14);
    series.add(0, 8 * DAY, 14 * DAY, 1);
    assert_eq!(mails_since(&replay(&series), 3).len(), 1);
}

#[test]
fn an_issue_that_flaps_for_a_day_is_one_mail() {
    let mut series = project(6, 2, 12);
    for hour in (0..24).step_by(3) {
        series.add(0, 9 * DAY + hour * 60, 9 * DAY + hour * 60 + 40, 3);
    }
    assert_eq!(mails_since(&replay(&series), 3).len(), 1);
}

#[test]
fn a_cut_of_the_quota_is_no_return_from_silence() {
    let mut series = project(6, 30, 12);
    let cut = 9 * DAY..9 * DAY + 240;
    for issue in &mut series.issues {
        issue.rows.retain(|row| !cut.contains(&row.minute));
    }
    series.cut = (cut.start / 60..cut.end / 60).map(|hour| ("p".to_owned(), hour)).collect();
    assert!(mails_since(&replay(&series), 3).is_empty());
}

#[test]
fn one_person_with_a_thousand_events_is_no_mail() {
    let mut series = project(6, 1, 10);
    series.issues[0].has_users = true;
    for minute in 9 * DAY..9 * DAY + 60 {
        let capped = i64::from(minute % 15 == 0) * 5;
        let hammered = Row { minute, clean: 17, capped, fresh: i64::from(minute == 9 * DAY) };
        match series.issues[0].rows.binary_search_by_key(&minute, |row| row.minute) {
            Ok(at) => series.issues[0].rows[at] = hammered,
            Err(at) => series.issues[0].rows.insert(at, hammered),
        }
    }
    assert!(mails_since(&replay(&series), 3).is_empty());
}

#[test]
fn events_that_are_old_or_sent_twice_are_no_mail() {
    let mut series = project(6, 1, 10);
    for minute in 9 * DAY..9 * DAY + 60 {
        if let Err(at) = series.issues[0].rows.binary_search_by_key(&minute, |row| row.minute) {
            series.issues[0].rows.insert(at, row(minute, 0));
        }
    }
    assert!(mails_since(&replay(&series), 3).is_empty());
}

#[test]
fn a_straggler_is_silent_and_the_real_return_is_told() {
    let mut series = project(1, 0, 6);
    series.issues[0].resolves = vec![4 * DAY];
    series.add(0, 4 * DAY + 20, 4 * DAY + 21, 1);
    series.add(0, 5 * DAY, 5 * DAY + 1, 1);
    let mailed = replay(&series);
    assert_eq!(mailed.iter().map(|one| one.kind).collect::<Vec<_>>(), ["regression"]);
    assert!(mailed[0].minute >= 5 * DAY);
}
