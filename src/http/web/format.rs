//! How numbers, times, sizes and people are written on pages.
//! Times may be given by value or by reference, as templates do.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};

const DATE_TIME: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second]");
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:short] [year]");
const CLOCK: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
const MACHINE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// A time, by value or behind any number of references: templates cannot always say which.
pub trait Moment {
    /// The time.
    fn moment(&self) -> OffsetDateTime;
}

impl Moment for OffsetDateTime {
    fn moment(&self) -> OffsetDateTime {
        *self
    }
}

impl<T: Moment> Moment for &T {
    fn moment(&self) -> OffsetDateTime {
        (**self).moment()
    }
}

/// A whole number, by value or behind any number of references.
pub trait Whole {
    /// The number; the largest 64 bits can hold where it is larger.
    fn whole(&self) -> i64;
}

impl<T: Whole> Whole for &T {
    fn whole(&self) -> i64 {
        (**self).whole()
    }
}

macro_rules! whole {
    ($($kind:ty),*) => {$(
        impl Whole for $kind {
            fn whole(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        }
    )*};
}
whole!(i32, i64, u32, u64, usize);

/// The text behind any number of references, to `match` on in a template.
pub fn word<T: AsRef<str> + ?Sized>(text: &T) -> &str {
    text.as_ref()
}

/// Whether [`count`] shortens it, so that the exact number belongs into `title`.
pub fn is_shortened(number: impl Whole) -> bool {
    number.whole() >= 100_000
}

/// `40 s`, `12 min`, `3 h`, `2 d`: the largest unit alone.
pub fn span(length: Duration) -> String {
    let seconds = length.whole_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `40 s ago`; `just now` for less than a second and for the future, since only clocks that differ can cause that.
pub fn ago(now: impl Moment, at: impl Moment) -> String {
    let (now, at) = (now.moment(), at.moment());
    if now - at < Duration::SECOND { "just now".to_owned() } else { format!("{} ago", span(now - at)) }
}

/// `20 Nov 2026, 09:41:07 UTC`.
pub fn exact(at: impl Moment) -> String {
    format!("{} UTC", written(at, DATE_TIME))
}

/// `20 Nov 2026`.
pub fn date(at: impl Moment) -> String {
    written(at, DATE)
}

/// `09:41`, in UTC.
pub fn clock(at: impl Moment) -> String {
    written(at, CLOCK)
}

/// `2026-11-20T09:41:07Z`, for `<time datetime>`.
pub fn machine(at: impl Moment) -> String {
    written(at, MACHINE)
}

fn written(at: impl Moment, form: &[BorrowedFormatItem<'_>]) -> String {
    at.moment().to_offset(UtcOffset::UTC).format(&form).expect("every component of a UTC time can be written")
}

/// `4,077`; from 100,000 on `412 k`, `1.2 M`, `3.4 G`. The exact number belongs into `title`.
pub fn count(number: impl Whole) -> String {
    let number = number.whole();
    match number {
        ..100_000 => grouped(number),
        100_000..1_000_000 => format!("{} k", number / 1_000),
        1_000_000..1_000_000_000 => tenths(number / 100_000, "M"),
        _ => tenths(number / 100_000_000, "G"),
    }
}

/// `1,234,567`.
pub fn grouped(number: impl Whole) -> String {
    let number = number.whole();
    let digits = number.unsigned_abs().to_string();
    let mut written = String::from(if number < 0 { "-" } else { "" });
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

fn tenths(number: i64, unit: &str) -> String {
    match (number / 10, number % 10) {
        (whole, 0) => format!("{whole} {unit}"),
        (whole, part) => format!("{whole}.{part} {unit}"),
    }
}

/// `512 B`, `48 kB`, `1.2 MB`, `18.4 GB`.
pub fn bytes(size: impl Whole) -> String {
    let size = size.whole();
    match size {
        ..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{} kB", size / 1_000),
        1_000_000..1_000_000_000 => tenths(size / 100_000, "MB"),
        _ => tenths(size / 100_000_000, "GB"),
    }
}

/// A release as in lists and charts: of a commit, the first 12 digits.
pub fn short_release(release: &str) -> String {
    let hash = release.len() >= 32 && release.chars().all(|c| c.is_ascii_hexdigit());
    if hash { release[..12].to_owned() } else { release.to_owned() }
}

/// `1 event`, `2 events`: the number as [`count`] writes it, with the word that fits.
pub fn many(number: impl Whole, one: &str, more: &str) -> String {
    let number = number.whole();
    format!("{} {}", count(number), if number == 1 { one } else { more })
}

/// Up to two capitals for the circle that stands for somebody.
pub fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// Tone of the circle, the same for the same person on every page.
pub fn tone(user_id: impl Whole) -> char {
    let user_id = user_id.whole();
    ['a', 'b', 'c', 'd', 'e'][usize::try_from(user_id.rem_euclid(5)).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn counts_stay_readable_and_never_round_up() {
        let cases =
            [(0, "0"), (999, "999"), (1_284, "1,284"), (99_999, "99,999"), (100_000, "100 k"), (999_999, "999 k"), (1_000_000, "1 M")];
        for (number, written) in cases {
            assert_eq!(count(number), written);
        }
        assert_eq!(count(1_299_999), "1.2 M");
        assert_eq!(count(9_999_999_999i64), "9.9 G");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
    }

    #[test]
    fn ages_use_one_unit() {
        let now = datetime!(2026-11-20 09:41:07 UTC);
        assert_eq!(ago(now, now - Duration::seconds(40)), "40 s ago");
        assert_eq!(ago(now, now - Duration::minutes(119)), "1 h ago");
        assert_eq!(ago(now, now - Duration::days(12)), "12 d ago");
        assert_eq!(ago(now, now + Duration::seconds(3)), "just now");
        assert_eq!(ago(now, now), "just now");
        assert_eq!(exact(now), "20 Nov 2026, 09:41:07 UTC");
        assert_eq!(machine(now), "2026-11-20T09:41:07Z");
    }

    #[test]
    fn sizes_and_initials() {
        assert_eq!(bytes(48_300), "48 kB");
        assert_eq!(bytes(18_400_000_000i64), "18.4 GB");
        assert_eq!(initials("Maya Lindqvist"), "ML");
        assert_eq!(initials("sam"), "S");
        assert_eq!(initials("Ana María Duarte"), "AD");
        assert_eq!(initials("…"), "");
        assert_eq!(short_release("0123456789abcdef0123456789abcdef01234567"), "0123456789ab");
        assert_eq!(short_release("shop@2026.11.19-2"), "shop@2026.11.19-2");
    }
}
