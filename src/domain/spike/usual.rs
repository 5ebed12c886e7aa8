//! What is usual for an issue at this hour of the day, and how high its own ordinary peaks are.

use super::{REFERENCE_DAYS, REFERENCE_HOURS, WINDOWS};

/// Same-hour values beyond this many are clipped at the third largest: one old outburst must not own the mean.
const CLIP_ABOVE: usize = 8;
/// How much the level over all hours weighs against its same-hour values, in hours.
const LEVEL_WEIGHT: f64 = 6.0;
/// Keeps ratios of small counts small.
const RATIO_BASE: f64 = 2.0;
/// With this many days known, one exceptional day no longer sets the peak.
const DAYS_FOR_SECOND_LARGEST: f64 = 7.0;
/// With more days than this, the largest day leaves the profile of each hour of the day.
const DAYS_FOR_TRIMMED_PROFILE: usize = 3;

/// The indices, modulo 24, of this hour of the day and its neighbours: 23, 24 and 25 hours ago, and so on.
const SAME_HOUR: [usize; 3] = [22, 23, 0];
/// Smaller indices are today.
const EARLIER_DAY: usize = 22;

/// One hour of an issue, as counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Hours since the epoch.
    pub hour: i64,
    /// Clean events that arrived in it.
    pub clean: i64,
    /// Largest capped 15- and 60-minute sums that ended in it.
    pub peaks: [i64; 2],
    /// Inside an alert: no part of what is usual.
    pub hot: bool,
}

/// The reference of one issue for one hour. Computed at most once per issue and hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usual {
    /// Expected clean events per hour now.
    pub per_hour: f64,
    /// How much history this rests on, in days.
    pub days: f64,
    /// Clean events in it.
    pub clean: i64,
    /// Per window: the height of ordinary peaks.
    pub absolute: [f64; 2],
    /// Per window: ordinary peaks as a multiple of what was usual at their time.
    pub relative: [f64; 2],
    /// Per window: the largest of earlier days at this hour of the day, alerts included.
    pub slot: [f64; 2],
    /// Largest 15-minute sum of the reference outside alerts, for the text of mails.
    pub highest15: i64,
}

/// The reference days as arrays; index `k` is `k + 1` hours ago.
struct Days {
    clean: Vec<f64>,
    peaks: Vec<[f64; 2]>,
    usable: Vec<bool>,
}

impl Usual {
    /// From the stored hours of the past 14 days (any order, empty hours absent), seen from the hour `now`. `first` is the hour in
    /// which counting of the issue began; `is_cut` says in which hours the project had events refused.
    pub fn of(hours: &[Hour], now: i64, first: i64, is_cut: impl Fn(i64) -> bool) -> Self {
        let days = Days::spread(hours, now, first, is_cut);
        let usable_count = days.usable.iter().filter(|usable| **usable).count() as f64;
        let total: f64 = days.usable().map(|k| days.clean[k]).sum();
        let level = (total + 0.5) / (usable_count + 2.0);
        let known = usable_count / 24.0;
        let profile = days.profile(level);
        let mut usual =
            Self { per_hour: days.expected(level), days: known, clean: total as i64, highest15: days.highest15(), ..Self::default() };
        for (w, minutes) in WINDOWS.into_iter().enumerate() {
            let share = minutes as f64 / 60.0;
            let margin = 1.0 + 1.0 / (known + 0.5);
            usual.absolute[w] = margin * ordinary_peak(days.daily_maxima(|k| days.peaks[k][w]), known);
            let ratio = |k: usize| (days.peaks[k][w] + RATIO_BASE) / (profile[k % 24] * share + RATIO_BASE);
            usual.relative[w] = margin * ordinary_peak(days.daily_maxima(ratio), known);
            usual.slot[w] = days.slot_peak(w);
        }
        usual
    }
}

impl Days {
    fn spread(hours: &[Hour], now: i64, first: i64, is_cut: impl Fn(i64) -> bool) -> Self {
        let len = REFERENCE_HOURS as usize;
        let mut days = Self {
            clean: vec![0.0; len],
            peaks: vec![[0.0; 2]; len],
            usable: (1..=REFERENCE_HOURS).map(|ago| now - ago > first && !is_cut(now - ago)).collect(),
        };
        for hour in hours {
            let Some(k) = usize::try_from(now - hour.hour - 1).ok().filter(|k| *k < len) else { continue };
            days.clean[k] = hour.clean as f64;
            days.peaks[k] = hour.peaks.map(|peak| peak as f64);
            days.usable[k] &= !hour.hot;
        }
        days
    }

    fn usable(&self) -> impl Iterator<Item = usize> {
        (0..self.usable.len()).filter(|k| self.usable[*k])
    }

    /// Every day's index of one hour of the day.
    fn at_hour(&self, slot: usize) -> impl Iterator<Item = usize> {
        (slot..self.usable.len()).step_by(24)
    }

    /// Expected events in this hour: the values at this hour of the day and its neighbours, drawn to the level of the issue.
    fn expected(&self, level: f64) -> f64 {
        let values = SAME_HOUR.into_iter().flat_map(|slot| self.at_hour(slot)).filter(|k| self.usable[*k]).map(|k| self.clean[k]).collect();
        shrunk_mean(values, level)
    }

    /// The same for every hour of the day, by `k % 24`, without the largest day of each.
    fn profile(&self, level: f64) -> [f64; 24] {
        let by_hour: Vec<Vec<f64>> = (0..24).map(|slot| self.slot_without_largest(slot)).collect();
        std::array::from_fn(|slot| {
            let near = [(slot + 23) % 24, slot, (slot + 1) % 24];
            shrunk_mean(near.into_iter().flat_map(|slot| by_hour[slot].iter().copied()).collect(), level)
        })
    }

    fn slot_without_largest(&self, slot: usize) -> Vec<f64> {
        let mut values: Vec<f64> = self.at_hour(slot).filter(|k| self.usable[*k]).map(|k| self.clean[k]).collect();
        if values.len() > DAYS_FOR_TRIMMED_PROFILE {
            values.sort_by(f64::total_cmp);
            values.pop();
        }
        values
    }

    fn daily_maxima(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut maxima = vec![0.0_f64; REFERENCE_DAYS as usize];
        for k in self.usable() {
            maxima[k / 24] = maxima[k / 24].max(value(k));
        }
        maxima
    }

    fn slot_peak(&self, w: usize) -> f64 {
        let earlier = SAME_HOUR.into_iter().flat_map(|slot| self.at_hour(slot)).filter(|k| *k >= EARLIER_DAY);
        earlier.map(|k| self.peaks[k][w]).fold(0.0, f64::max)
    }

    fn highest15(&self) -> i64 {
        self.usable().map(|k| self.peaks[k][0]).fold(0.0, f64::max) as i64
    }
}

fn shrunk_mean(mut values: Vec<f64>, level: f64) -> f64 {
    let count = values.len() as f64;
    if values.len() > CLIP_ABOVE {
        values.sort_by(|a, b| b.total_cmp(a));
        let ceiling = values[2];
        values.iter_mut().for_each(|value| *value = value.min(ceiling));
    }
    (values.iter().sum::<f64>() + LEVEL_WEIGHT * level) / (count + LEVEL_WEIGHT)
}

fn ordinary_peak(mut maxima: Vec<f64>, known: f64) -> f64 {
    maxima.sort_by(|a, b| b.total_cmp(a));
    if known < DAYS_FOR_SECOND_LARGEST { maxima[0] } else { maxima[1] }
}
