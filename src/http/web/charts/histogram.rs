//! The histogram of the pulse and of the issue page: one rect for each bucket, x and width in percent, a title for each.

use super::{Bucket, as_f64, coordinate, index_f64};

/// Where the bars begin: above are the labels of the deploys.
const TOP: f64 = 12.0;
/// Smallest bar that is not zero.
const LOWEST: f64 = 2.0;
/// Labels of deploys need this much room, as a part of the whole; of those that are closer the newest keeps its label.
const LABEL_ROOM: f64 = 0.14;

/// What the template draws.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Of the whole drawing, in pixels.
    pub height: u32,
    /// Of the plot under the labels: the height of the area that reacts to the pointer.
    pub plot: u32,
    /// `y` of the base line.
    pub base: String,
    /// `y` of the usual level, where it is known.
    pub usual: Option<String>,
    /// From the oldest to the newest.
    pub bars: Vec<Bar>,
    /// Deploys that fall into the time shown.
    pub deploys: Vec<Mark>,
    /// The conclusion, for who cannot see it.
    pub label: String,
    /// Texts under the drawing, from left to right.
    pub axis: Vec<String>,
}

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// `20 Nov 05:00: 190 events`
    pub title: String,
    /// Left edge, in percent.
    pub x: String,
    /// Width of the area that reacts to the pointer, in percent.
    pub slot: String,
    /// Width of the bar, in percent.
    pub width: String,
    /// Top of the bar.
    pub y: String,
    /// Height of the bar; zero is a hairline.
    pub height: String,
    /// `zero`, `hot` or empty.
    pub class: &'static str,
}

/// A deploy: where in the time shown (0 to 1), and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Deploy {
    /// 0 is the left edge.
    pub at: f64,
    /// The release.
    pub name: String,
}

/// A deploy as drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// In percent.
    pub x: String,
    /// Distance of the text from the line.
    pub dx: i32,
    /// `start` or `end`: the text stays inside.
    pub anchor: &'static str,
    /// The release, cut to 24 characters; empty where there is no room for it.
    pub name: String,
}

/// Draws `buckets`; `title` names the time of a bucket, `plot` is the height of the highest bar in pixels.
pub fn histogram(buckets: &[Bucket], plot: u32, title: impl Fn(usize) -> String, usual: Option<f64>, deploys: &[Deploy]) -> Histogram {
    let counts = buckets.iter().map(|bucket| as_f64(bucket.count));
    let highest = counts.fold(usual.unwrap_or(0.0), f64::max).max(1.0);
    let floor = TOP + f64::from(plot);
    let slot = 100.0 / index_f64(buckets.len().max(1));
    let bars = buckets.iter().enumerate().map(|(n, bucket)| {
        let height = if bucket.count > 0 { (as_f64(bucket.count) / highest * f64::from(plot)).max(LOWEST) } else { 1.0 };
        Bar {
            title: format!("{}: {} {}", title(n), bucket.count, if bucket.count == 1 { "event" } else { "events" }),
            x: coordinate(index_f64(n) * slot),
            slot: coordinate(slot),
            width: coordinate(slot * 0.8),
            y: coordinate(floor - height),
            height: coordinate(height),
            class: class(*bucket),
        }
    });
    Histogram {
        height: plot + 13,
        plot,
        base: coordinate(floor + 0.5),
        usual: usual.map(|usual| coordinate(floor - usual / highest * f64::from(plot))),
        bars: bars.collect(),
        deploys: marks(deploys),
        label: String::new(),
        axis: Vec::new(),
    }
}

fn class(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket { count: 0, .. } => "zero",
        Bucket { hot: true, .. } => "hot",
        _ => "",
    }
}

/// Every deploy in the time shown, from the oldest to the newest.
fn marks(deploys: &[Deploy]) -> Vec<Mark> {
    let mut shown: Vec<&Deploy> = deploys.iter().filter(|deploy| (0.0..=1.0).contains(&deploy.at)).collect();
    shown.sort_by(|a, b| b.at.total_cmp(&a.at));
    let mut last_label = f64::INFINITY;
    let mut marks: Vec<Mark> = Vec::new();
    for deploy in shown {
        let room = last_label - deploy.at >= LABEL_ROOM;
        if room {
            last_label = deploy.at;
        }
        marks.push(mark(deploy, room));
    }
    marks.reverse();
    marks
}

fn mark(deploy: &Deploy, labelled: bool) -> Mark {
    let left = deploy.at < 0.6;
    Mark {
        x: coordinate(deploy.at * 100.0),
        dx: if left { 4 } else { -4 },
        anchor: if left { "start" } else { "end" },
        name: if labelled { deploy.name.chars().take(24).collect() } else { String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_is_a_bar_and_zero_is_a_hairline() {
        let buckets = [Bucket { count: 0, hot: false }, Bucket { count: 1, hot: false }, Bucket { count: 100, hot: true }];
        let drawn = histogram(&buckets, 34, |n| format!("hour {n}"), Some(50.0), &[]);
        let bars: Vec<_> = drawn.bars.iter().map(|bar| (bar.y.as_str(), bar.height.as_str(), bar.class, bar.title.as_str())).collect();
        let expected =
            [("45", "1", "zero", "hour 0: 0 events"), ("44", "2", "", "hour 1: 1 event"), ("12", "34", "hot", "hour 2: 100 events")];
        assert_eq!(bars, expected);
        assert_eq!((drawn.height, drawn.base.as_str(), drawn.usual.as_deref()), (47, "46.5", Some("29")));
        assert_eq!((drawn.bars[1].x.as_str(), drawn.bars[1].width.as_str()), ("33.33", "26.67"));
    }

    #[test]
    fn labels_of_deploys_stay_inside() {
        let deploy = |at, name: &str| Deploy { at, name: name.into() };
        let deploys = [deploy(0.1, "a"), deploy(0.85, "near"), deploy(0.9, &"b".repeat(40)), deploy(1.5, "c")];
        let drawn = histogram(&[], 40, |_| String::new(), None, &deploys);
        let marks: Vec<_> = drawn.deploys.iter().map(|mark| (mark.x.as_str(), mark.anchor, mark.name.len())).collect();
        assert_eq!(marks, [("10", "start", 1), ("85", "end", 0), ("90", "end", 24)]);
    }
}
