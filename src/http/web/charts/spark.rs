//! The sparkline of a list: two paths in a box of 132 by 28, usual and hot.

use std::fmt::Write;

use super::{Bucket, as_f64, coordinate, index_f64};

const WIDTH: f64 = 132.0;
const FLOOR: f64 = 28.0;
/// Height of the highest bar; smaller ones stay visible at 2.
const HIGHEST: f64 = 26.0;
const LOWEST: f64 = 2.0;

/// What the template draws. Both paths empty: a hairline remains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spark {
    /// `d` of the usual bars.
    pub usual: String,
    /// `d` of the abnormal bars.
    pub hot: String,
    /// The conclusion, for who cannot see it.
    pub label: String,
}

/// Bars from the oldest bucket to the newest; `span` is what they cover ("24 hours"), `last` what the last bucket is ("in the last hour").
pub fn spark(buckets: &[Bucket], span: &str, last: &str) -> Spark {
    let highest = buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0);
    let step = WIDTH / index_f64(buckets.len().max(1));
    let mut spark = Spark { label: label(buckets, span, last), ..Spark::default() };
    for (n, bucket) in buckets.iter().enumerate().filter(|(_, bucket)| bucket.count > 0) {
        let x = (index_f64(n) + 0.4) * step;
        let height = (as_f64(bucket.count) / as_f64(highest) * HIGHEST).max(LOWEST);
        let path = if bucket.hot { &mut spark.hot } else { &mut spark.usual };
        let _ = write!(path, "M{} {FLOOR}v-{}", one_digit(x), one_digit(height));
    }
    spark
}

fn one_digit(value: f64) -> String {
    coordinate((value * 10.0).round() / 10.0)
}

fn label(buckets: &[Bucket], span: &str, last: &str) -> String {
    let sum: i64 = buckets.iter().map(|bucket| bucket.count).sum();
    match buckets.last() {
        Some(_) if sum == 0 => format!("{span}: no events"),
        Some(newest) => format!("{span}: {sum} {}, {} {last}", if sum == 1 { "event" } else { "events" }, newest.count),
        None => format!("{span}: no data"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(counts: &[i64]) -> Vec<Bucket> {
        counts.iter().map(|&count| Bucket { count, hot: count > 50 }).collect()
    }

    #[test]
    fn usual_and_hot_bars_are_two_paths() {
        let spark = spark(&buckets(&[0, 1, 4, 100]), "4 hours", "in the last hour");
        assert_eq!(spark.usual, "M46.2 28v-2M79.2 28v-2");
        assert_eq!(spark.hot, "M112.2 28v-26");
        assert_eq!(spark.label, "4 hours: 105 events, 100 in the last hour");
    }

    #[test]
    fn nothing_is_drawn_where_nothing_happened() {
        assert_eq!(spark(&buckets(&[0, 0]), "2 hours", "now").label, "2 hours: no events");
        assert_eq!(spark(&[], "24 hours", "now").usual, "");
    }

    #[test]
    fn huge_counts_stay_in_the_box() {
        let spark = spark(&buckets(&[i64::MAX / 4, 1]), "2 hours", "now");
        assert_eq!((spark.hot.as_str(), spark.usual.as_str()), ("M26.4 28v-26", "M92.4 28v-2"));
    }
}
