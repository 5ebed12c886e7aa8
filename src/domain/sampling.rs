//! Thinning a spike: the first events of an issue in an hour are stored, of the others fewer and fewer. All are counted.

/// Whether the `number`-th event (from 1) of an issue in an hour is stored, where `after` are stored whole.
///
/// Up to `after` all, up to twice as many every 2nd, up to four times as many every 4th, …: half of `after` per doubling. So a million events
/// with `after` = 1,000 store about 6,000, from all of the spike and not only from its beginning.
pub fn is_kept(number: u64, after: u32) -> bool {
    let after = u64::from(after.max(1));
    if number <= after {
        return true;
    }
    let doublings = number.div_ceil(after).next_power_of_two();
    number.is_multiple_of(doublings)
}

/// What holds where a project chose `own` (0: keep all) and the installation says `default`.
pub fn threshold(own: Option<u32>, default: Option<u32>) -> Option<u32> {
    if own.is_some() { own.filter(|own| *own > 0) } else { default }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(from: u64, to: u64, after: u32) -> usize {
        (from..=to).filter(|number| is_kept(*number, after)).count()
    }

    #[test]
    fn the_first_are_all_kept_and_then_half_as_many_per_doubling() {
        assert_eq!(kept(1, 1_000, 1_000), 1_000);
        assert_eq!(kept(1_001, 2_000, 1_000), 500);
        assert_eq!(kept(2_001, 4_000, 1_000), 500);
        assert_eq!(kept(4_001, 8_000, 1_000), 500);
    }

    #[test]
    fn a_million_events_keep_few_and_some_of_every_part() {
        for after in [1, 7, 100, 1_000] {
            let all = kept(1, 1_000_000, after);
            assert!(all <= after as usize * 12 + 25, "{after}: {all}");
            let mut from = 1;
            while from < 500_000 {
                assert!(kept(from, from * 4, after) > 0, "{after} from {from}");
                from *= 4;
            }
        }
    }

    #[test]
    fn an_own_number_wins_and_zero_keeps_all() {
        assert_eq!(threshold(None, Some(10)), Some(10));
        assert_eq!(threshold(Some(0), Some(10)), None);
        assert_eq!(threshold(Some(3), None), Some(3));
        assert_eq!(threshold(None, None), None);
    }
}
