//! Waiting, for what runs outside the tests.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Waits, but not past a stop. `false`: it is time to stop.
#[expect(clippy::disallowed_methods, reason = "this is the place the rule points to: loops wait here, their steps never do")]
pub async fn pause(wait: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(wait) => true,
    }
}
