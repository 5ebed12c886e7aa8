//! Moments as they stand in addresses: microseconds since the epoch, as exact as Postgres keeps them.

use time::OffsetDateTime;

/// Reads one. `None` for what nothing of ours can have happened at: before the epoch or after the year 9999, which Postgres or we
/// could not even compare with.
pub fn of_micros(micros: i64) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()?;
    (at >= OffsetDateTime::UNIX_EPOCH).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_moments_of_our_era_are_read() {
        assert!(of_micros(0).is_some() && of_micros(1_795_176_000_000_000).is_some());
        for micros in [-1, i64::MIN, i64::MAX, 253_402_300_800_000_000] {
            assert_eq!(of_micros(micros), None, "{micros}");
        }
    }
}
