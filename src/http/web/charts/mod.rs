//! Geometry of the charts: from counts per bucket to what the templates write into SVG attributes. Pure.
//!
//! Grey is usual, `hot` is abnormal, zero is a hairline, no data is nothing.

mod distribution;
mod histogram;
mod spark;
mod stacked;

pub use distribution::{Share, distribution};
pub use histogram::{Bar, Deploy, Histogram, Mark, histogram};
pub use spark::{Spark, spark};
pub use stacked::{Stacked, stacked};

/// What happened in one bucket of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Events.
    pub count: i64,
    /// Above what is usual.
    pub hot: bool,
}

/// A coordinate with at most two digits and no trailing zeros.
fn coordinate(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A count as a coordinate. Exact below 2^53, and a bar is 40 pixels high.
#[expect(clippy::cast_precision_loss, reason = "pixels, not accounting")]
fn as_f64(count: i64) -> f64 {
    count as f64
}

/// A position in a list as a coordinate.
#[expect(clippy::cast_precision_loss, reason = "lists of buckets are short")]
fn index_f64(index: usize) -> f64 {
    index as f64
}
