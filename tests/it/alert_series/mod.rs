//! How good the alerts are on labelled series (`tests/data/alerts/README.md`): the detector and the pacing of `domain`, scored by the
//! policy there. `make alerts` prints the numbers; a change to a default needs them before and after.

mod cases;
mod replay;
mod score;
mod series;

use std::io::Read;

use score::Score;
use series::Series;

fn measure() -> Score {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/alerts");
    let packed = std::fs::read(format!("{dir}/events.csv.gz")).expect("the series are there");
    let mut events = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut events).expect("the series unpack");
    let series = Series::read(dir, &events);
    score::score(&series, &replay::replay(&series))
}

/// The bar that the alerts must not fall below. Differences below about 2 points of trust are noise.
#[test]
fn alerts_on_labelled_series_can_be_trusted() {
    let score = measure();
    println!("{score:#?}");
    assert!(score.trust >= 78.0, "{score:#?}");
    assert!(score.recall >= 0.83, "{score:#?}");
    assert!(score.recall_critical >= 0.9, "{score:#?}");
    assert!(score.delay_median <= 12.0, "{score:#?}");
    assert!(score.false_per_week_per_100 <= 3.0, "{score:#?}");
    assert!(score.duplicates_per_incident <= 0.1, "{score:#?}");
    assert!(score.mails_per_storm <= 3.0, "{score:#?}");
}
