//! Bars of several parts on top of each other: one for each bucket of time, the parts in a fixed order from the base line up.

use super::{as_f64, coordinate, index_f64};

/// Smallest part that is not zero, so that three lost events are seen beside a million.
const LOWEST: f64 = 2.0;

/// What the template draws.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stacked {
    /// Of the whole drawing, in pixels.
    pub height: u32,
    /// `y` of the base line.
    pub base: String,
    /// From the oldest to the newest.
    pub bars: Vec<Stack>,
    /// The conclusion, for who cannot see it.
    pub label: String,
    /// Texts under the drawing, from left to right.
    pub axis: Vec<String>,
}

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// `20 Nov 05:00: 190 stored, 3 invalid`
    pub title: String,
    /// Left edge, in percent.
    pub x: String,
    /// Width of the area that reacts to the pointer, in percent.
    pub slot: String,
    /// Width of the bar, in percent.
    pub width: String,
    /// From the base line up; none where nothing happened.
    pub parts: Vec<Part>,
}

/// One part of a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which outcome.
    pub class: &'static str,
    /// Top of the part.
    pub y: String,
    /// Its height.
    pub height: String,
}

/// Draws one bar for each row of `counts`; its numbers are those of `classes`, in the same order. `plot` is the height of the highest bar.
pub fn stacked(counts: &[Vec<i64>], classes: &[&'static str], plot: u32, title: impl Fn(usize) -> String) -> Stacked {
    let highest = counts.iter().map(|row| as_f64(row.iter().sum())).fold(1.0, f64::max);
    let slot = 100.0 / index_f64(counts.len().max(1));
    let bars = counts.iter().enumerate().map(|(n, row)| Stack {
        title: title(n),
        x: coordinate(index_f64(n) * slot),
        slot: coordinate(slot),
        width: coordinate(slot * 0.8),
        parts: parts(row, classes, f64::from(plot) / highest, f64::from(plot)),
    });
    Stacked { height: plot + 1, base: coordinate(f64::from(plot) + 0.5), bars: bars.collect(), ..Stacked::default() }
}

fn parts(row: &[i64], classes: &[&'static str], scale: f64, floor: f64) -> Vec<Part> {
    let mut top = floor;
    let part = |(count, class): (&i64, &&'static str)| {
        let height = (as_f64(*count) * scale).max(LOWEST);
        top = (top - height).max(0.0);
        Part { class, y: coordinate(top), height: coordinate(height) }
    };
    row.iter().zip(classes).filter(|(count, _)| **count > 0).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_on_each_other_and_small_ones_are_seen() {
        let drawn = stacked(&[vec![0, 0], vec![100, 1], vec![50, 0]], &["kept", "bad"], 80, |n| format!("hour {n}"));
        assert_eq!(drawn.bars[0].parts, []);
        let part = |class, y: &str, height: &str| Part { class, y: y.into(), height: height.into() };
        assert_eq!(drawn.bars[1].parts, [part("kept", "0.79", "79.21"), part("bad", "0", "2")]);
        assert_eq!(drawn.bars[2].parts, [part("kept", "40.4", "39.6")]);
        assert_eq!((drawn.bars[1].x.as_str(), drawn.bars[1].width.as_str(), drawn.base.as_str()), ("33.33", "26.67", "80.5"));
    }
}
