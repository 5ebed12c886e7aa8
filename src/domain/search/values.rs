//! Numbers and times as people write them.

use std::cmp::Ordering;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime};

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// No sign.
    Equal,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
}

impl Compare {
    /// Takes the sign off a value.
    pub fn split(raw: &str) -> (Self, &str) {
        let signs = [(">=", Self::AtLeast), ("<=", Self::AtMost), (">", Self::Greater), ("<", Self::Less), ("=", Self::Equal)];
        signs
            .into_iter()
            .find_map(|(sign, compare)| raw.strip_prefix(sign).map(|rest| (compare, rest.trim())))
            .unwrap_or((Self::Equal, raw))
    }

    /// Whether something in this relation to the value is asked for.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }
}

/// Smallest and largest number asked for, both included.
pub fn range(raw: &str) -> Option<(Option<i64>, Option<i64>)> {
    let (compare, number) = Compare::split(raw);
    let number: i64 = number.replace(['_', ','], "").parse().ok()?;
    Some(match compare {
        Compare::Equal => (Some(number), Some(number)),
        Compare::Greater => (Some(number.saturating_add(1)), None),
        Compare::AtLeast => (Some(number), None),
        Compare::Less => (None, Some(number.saturating_sub(1))),
        Compare::AtMost => (None, Some(number)),
    })
}

/// From (included) and until (excluded). `-24h` is "in the last 24 hours", `+24h` "longer ago"; without a sign it is an age, so that
/// `<24h` is younger; `2026-11-18` is that whole day.
pub fn period(raw: &str, now: OffsetDateTime) -> Option<(Option<OffsetDateTime>, Option<OffsetDateTime>)> {
    let (compare, text) = Compare::split(raw);
    if let Some(age) = text.strip_prefix('+') {
        return Some((None, Some(now.checked_sub(duration(age)?)?)));
    }
    if let Some(age) = duration(text) {
        let moment = now.checked_sub(age)?;
        return Some(match compare {
            Compare::Equal | Compare::Less | Compare::AtMost => (Some(moment), None),
            Compare::Greater | Compare::AtLeast => (None, Some(moment)),
        });
    }
    let (start, end) = match text.strip_prefix('-') {
        Some(age) => {
            let moment = now.checked_sub(duration(age)?)?;
            (moment, if compare == Compare::Equal { now.checked_add(Duration::DAY)? } else { moment })
        }
        None => moment(text)?,
    };
    Some(match compare {
        Compare::Equal => (Some(start), Some(end)),
        Compare::Greater => (Some(end), None),
        Compare::AtLeast => (Some(start), None),
        Compare::Less => (None, Some(start)),
        Compare::AtMost => (None, Some(end)),
    })
}

/// `30m`, `24h`, `7d`, `2w`.
fn duration(raw: &str) -> Option<Duration> {
    let (number, unit) = raw.split_at(raw.find(|c: char| !c.is_ascii_digit())?);
    let number: i64 = number.parse().ok().filter(|number| *number <= 100_000)?;
    Some(match unit {
        "m" | "min" => Duration::minutes(number),
        "h" => Duration::hours(number),
        "d" => Duration::days(number),
        "w" => Duration::weeks(number),
        _ => return None,
    })
}

/// The start of a date or a moment, and its end: a date is a day long, a moment a minute or nothing.
fn moment(raw: &str) -> Option<(OffsetDateTime, OffsetDateTime)> {
    if let Ok(date) = Date::parse(raw, format_description!("[year]-[month]-[day]")) {
        let start = date.midnight().assume_utc();
        return Some((start, start.checked_add(Duration::DAY)?));
    }
    if let Ok(minute) = PrimitiveDateTime::parse(raw, format_description!("[year]-[month]-[day]T[hour]:[minute]")) {
        return Some((minute.assume_utc(), minute.assume_utc().checked_add(Duration::MINUTE)?));
    }
    let exact = OffsetDateTime::parse(raw, &Rfc3339).ok()?;
    Some((exact, exact))
}
