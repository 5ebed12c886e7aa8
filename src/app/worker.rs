//! One worker: wait until there is something, take steps until there is nothing.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::pause::pause;

/// Between two attempts that fail, doubled each time up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// What a worker is made of.
pub trait Work {
    /// For the log: `digest`, `mail`.
    fn name(&self) -> &'static str;
    /// Returns when a step may find something.
    fn wait(&self) -> impl Future<Output = ()> + Send;
    /// Takes one step; 0 means that nothing is left.
    fn step(&self) -> impl Future<Output = anyhow::Result<usize>> + Send;
}

/// Works until told to stop; the step under way is finished.
pub async fn run(work: impl Work, stop: CancellationToken) {
    let mut trouble: Option<Trouble> = None;
    loop {
        match work.step().await {
            Ok(done) => {
                if let Some(over) = trouble.take() {
                    info!(worker = over.worker, "works again after {} s", over.since.elapsed().as_secs());
                }
                if done > 0 && !stop.is_cancelled() {
                    continue;
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = work.wait() => {}
                }
            }
            Err(problem) => {
                let trouble = trouble.get_or_insert_with(|| Trouble::new(work.name()));
                if !pause(trouble.note(&problem), &stop).await {
                    return;
                }
            }
        }
    }
}

/// A row of failures, from the first to the next success.
struct Trouble {
    worker: &'static str,
    since: Instant,
    said: String,
    wait: Duration,
}

impl Trouble {
    fn new(worker: &'static str) -> Self {
        Self { worker, since: Instant::now(), said: String::new(), wait: RETRY.0 }
    }

    /// Says it once: the same problem again is not news. Answers how long to wait.
    fn note(&mut self, problem: &anyhow::Error) -> Duration {
        let text = format!("{problem:#}");
        if text == self.said {
            debug!(worker = self.worker, "still failing: {text}");
        } else {
            error!(worker = self.worker, "failed, and is tried again until it works: {text}");
            self.said = text;
        }
        let wait = self.wait;
        self.wait = (wait * 2).min(RETRY.1);
        wait
    }
}
