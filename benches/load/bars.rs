//! What the figures have to reach, each with ok or missed: for people as a table, for machines as one line of JSON.

use std::time::Duration;

use super::events::Shape;
use super::report::Measured;

/// One shape in one round.
pub struct Outcome {
    /// What was sent.
    pub shape: Shape,
    /// Mean bytes of a body as sent.
    pub gzip: f64,
    /// Bugle.
    pub bugle: Measured,
    /// The floor with the same bodies.
    pub floor: Option<Measured>,
}

struct Bar {
    name: &'static str,
    measured: f64,
    wanted: f64,
    /// Otherwise at most.
    at_least: bool,
}

impl Bar {
    fn holds(&self) -> bool {
        if self.at_least { self.measured >= self.wanted } else { self.measured <= self.wanted }
    }
}

/// Prints every bar that was measured. Missing one is no failure of the run; losing an event or counting it twice is, and ends it earlier.
pub fn print(outcomes: &[Outcome]) {
    let bars = bars(outcomes);
    println!("\n| bar | measured | wanted | |\n|---|---|---|---|");
    for bar in &bars {
        let relation = if bar.at_least { "≥" } else { "≤" };
        let word = if bar.holds() { "ok" } else { "**missed**" };
        println!("| {} | {:.2} | {relation} {} | {word} |", bar.name, bar.measured, bar.wanted);
    }
    let json = bars.iter().map(|bar| {
        serde_json::json!({"bar": bar.name, "measured": bar.measured, "wanted": bar.wanted, "at_least": bar.at_least, "ok": bar.holds()})
    });
    println!("\n<!-- bars {} -->", serde_json::Value::from_iter(json));
}

fn bars(outcomes: &[Outcome]) -> Vec<Bar> {
    let mut bars = vec![];
    let mut at_least =
        |name, measured: Option<f64>, wanted| bars.extend(measured.map(|measured| Bar { name, measured, wanted, at_least: true }));
    let finished = |shape| mean(outcomes, shape, |one| Some(one.bugle.finished_per_second));
    let of_mix = |shape| Some(finished(shape)? / finished(Shape::Mix)?);
    let of_floor = |one: &Outcome| Some(one.bugle.finished_per_second / one.floor.as_ref()?.finished_per_second);
    at_least("mix: finished/s, of the floor's", mean(outcomes, Shape::Mix, of_floor), 0.5);
    at_least("spike: finished/s, of the mix", of_mix(Shape::Spike), 1.0);
    at_least("new: finished/s, of the mix", of_mix(Shape::New), 0.6);
    let mut at_most =
        |name, measured: Option<f64>, wanted| bars.extend(measured.map(|measured| Bar { name, measured, wanted, at_least: false }));
    let cpu = |one: &Outcome| Some(one.bugle.cpu() / one.floor.as_ref()?.cpu());
    at_most("mix: CPU of Bugle and Postgres, × floor", mean(outcomes, Shape::Mix, cpu), 2.0);
    let steady = |part: f64, of: fn(&super::report::Steady) -> f64| {
        let all = outcomes.iter().flat_map(|one| &one.bugle.steady).filter(move |steady| (steady.part - part).abs() < 0.01);
        all.map(of).reduce(f64::max)
    };
    at_most("accept p99 at 70 % of capacity, ms", steady(0.7, |steady| millis(steady.latency.p99())), 15.0);
    at_most("accepted to visible, p99 at 70 % of capacity, ms", steady(0.7, |steady| millis(steady.visible.p99())), 1_000.0);
    at_most("slowest accept at 100 % of capacity, ms", steady(1.0, |steady| millis(steady.latency.max())), 1_000.0);
    let worst = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).reduce(f64::max);
    at_most("slowest accept of any shape, sent as fast as it goes, ms", worst(|one| millis(one.bugle.latency.max())), 1_000.0);
    at_most("peak memory of Bugle, any shape, MB", worst(|one| one.bugle.server_peak as f64 / 1e6), 100.0);
    at_most(
        "memory of Bugle, idle after the load, MB",
        outcomes.iter().filter_map(|one| Some(one.bugle.idle_rss? as f64 / 1e6)).reduce(f64::max),
        40.0,
    );
    at_most("mix: bytes on disk, of gzip, over all events", mean(outcomes, Shape::Mix, |one| Some(one.bugle.disk / one.gzip)), 0.6);
    let later = |one: &Outcome| Some(one.bugle.steady.last()?.disk / one.gzip);
    at_most("mix: bytes on disk, of gzip, of the last events", mean(outcomes, Shape::Mix, later), 0.6);
    bars
}

/// Over the rounds of a shape.
fn mean(outcomes: &[Outcome], shape: Shape, of: impl Fn(&Outcome) -> Option<f64>) -> Option<f64> {
    let figures: Vec<f64> = outcomes.iter().filter(|one| one.shape == shape).filter_map(of).collect();
    (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
