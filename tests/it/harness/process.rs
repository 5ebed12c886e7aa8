//! Waiting for something outside this process, where there is nothing to step.

use std::time::Duration;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Far more than anything takes on a machine that is busy with other things.
const GIVE_UP_AFTER: Duration = Duration::from_secs(90);

/// Looks until `look` finds something.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let patience = async {
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(GIVE_UP_AFTER, patience).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
