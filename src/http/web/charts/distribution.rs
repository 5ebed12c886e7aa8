//! How values share a whole: a tinted bar behind each.

/// One value's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The value; empty for the rest.
    pub value: String,
    /// Events.
    pub count: i64,
    /// Of the whole, rounded; what is there is at least 1.
    pub percent: i64,
}

/// The largest `most` values as shares of `total`; what is left of it becomes one last share without a value.
pub fn distribution(values: &[(String, i64)], total: i64, most: usize) -> Vec<Share> {
    let mut sorted: Vec<_> = values.iter().filter(|(value, count)| !value.is_empty() && *count > 0).collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let known: i64 = values.iter().map(|(_, count)| *count).fold(0, i64::saturating_add);
    let whole = total.max(known).max(1);
    let share = |value: &str, count: i64| Share { value: value.to_owned(), count, percent: percent(count, whole) };
    let mut shares: Vec<Share> = sorted.iter().take(most).map(|(value, count)| share(value, *count)).collect();
    let rest = total.max(known) - shares.iter().map(|share| share.count).sum::<i64>();
    if rest > 0 {
        shares.push(share("", rest));
    }
    shares
}

/// Rounded; 100 only for all of it, 0 only for nothing.
fn percent(count: i64, whole: i64) -> i64 {
    let exact = i128::from(count) * 1_000 / i128::from(whole);
    let rounded = i64::try_from((exact + 5) / 10).unwrap_or(100);
    if count == whole { 100 } else { rounded.clamp(i64::from(count > 0), 99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(values: &[(&str, i64)], total: i64, most: usize) -> Vec<(String, i64)> {
        let values: Vec<_> = values.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect();
        distribution(&values, total, most).into_iter().map(|share| (share.value, share.percent)).collect()
    }

    #[test]
    fn the_largest_come_first_and_the_rest_is_one() {
        let found = shares(&[("NL", 10), ("SE", 61), ("DE", 22), ("", 7)], 100, 2);
        assert_eq!(found, [("SE".into(), 61), ("DE".into(), 22), (String::new(), 17)]);
        assert_eq!(
            shares(&[("a", 2), ("b", 1)], 100, 5),
            [("a".into(), 2), ("b".into(), 1), (String::new(), 97)],
            "not all values are given"
        );
    }

    #[test]
    fn almost_all_is_not_all_and_little_is_not_nothing() {
        assert_eq!(shares(&[("a", 99_999), ("b", 1)], 100_000, 5), [("a".into(), 99), ("b".into(), 1)]);
        assert_eq!(shares(&[("a", 4)], 4, 5), [("a".into(), 100)]);
        assert_eq!(shares(&[("a", i64::MAX)], i64::MAX, 5), [("a".into(), 100)]);
        assert_eq!(shares(&[], 0, 5), []);
    }
}
