//! Numbers, times and lines as people read them.

use time::OffsetDateTime;
use time::macros::format_description;

use crate::domain::alert::Numbers;

/// Below this many expected events per hour an issue is called rare, without a factor.
const RARE_PER_HOUR: f64 = 0.5;
/// Width of the text part, in characters.
const WIDTH: usize = 72;

/// `1,204`.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0 { format!("-{grouped}") } else { grouped }
}

/// `1 event`, `3 events`.
pub fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `18 Nov 14:13 UTC`, with the year when it is another one than that of `now`.
pub fn moment(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let short = format_description!("[day padding:none] [month repr:short] [hour]:[minute] UTC");
    let long = format_description!("[day padding:none] [month repr:short] [year] [hour]:[minute] UTC");
    let formatted = if at.year() == now.year() { at.format(&short) } else { at.format(&long) };
    formatted.unwrap_or_else(|_| at.to_string())
}

/// `14:02 UTC` where it is the day of `now`, else the whole moment.
pub fn time_of_day(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let short = format_description!("[hour]:[minute] UTC");
    if at.date() == now.date() { at.format(&short).unwrap_or_else(|_| at.to_string()) } else { moment(at, now) }
}

/// Expected events: `usually 2 an hour`, `rarely seen (3 in 14 days)`.
pub fn usual(numbers: &Numbers) -> String {
    match numbers.usual_per_hour {
        rate if rate < RARE_PER_HOUR && numbers.days_before > 0 => {
            format!("rarely seen ({} in {})", count(numbers.count_before), counted(numbers.days_before, "day", "days"))
        }
        rate if rate < RARE_PER_HOUR => "rarely seen".to_owned(),
        rate if rate < 9.5 => format!("usually {} an hour", trim_zero(rate)),
        rate => format!("usually {} an hour", count(rate.round() as i64)),
    }
}

/// `70x`, `>100x`; `None` where so little is usual that a factor says nothing.
pub fn factor(now: i64, per_hour: f64) -> Option<String> {
    if per_hour < RARE_PER_HOUR {
        return None;
    }
    Some(match now as f64 / per_hour {
        times if times > 100.0 => ">100x".to_owned(),
        times if times >= 20.0 => format!("{}x", (times / 10.0).round() * 10.0),
        times if times >= 9.5 => format!("{}x", times.round()),
        times => format!("{}x", trim_zero(times)),
    })
}

/// At most `max` characters; an ellipsis says that something is missing.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// Breaks a paragraph into lines of the text part; lines after the first begin with `indent` blanks. Words longer than a line stay whole.
pub fn wrap(text: &str, indent: usize) -> String {
    fill(String::new(), text, indent)
}

/// A fact of the text part: its label, then its text in a column of its own.
pub fn wrap_fact(label: &str, text: &str) -> String {
    const COLUMN: usize = 10;
    fill(format!("{label:<COLUMN$}"), text, COLUMN)
}

/// Appends words to `line` and breaks it where they no longer fit.
fn fill(mut line: String, text: &str, indent: usize) -> String {
    let mut lines = Vec::new();
    let mut has_word = false;
    for word in text.split_whitespace() {
        if has_word && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        } else if has_word {
            line.push(' ');
        }
        line.push_str(word);
        has_word = true;
    }
    lines.push(line);
    lines.join("\n")
}

/// The reason at the end of the text part.
pub fn wrap_why(why: &str, next: &str) -> String {
    wrap(&format!("Why you got this: {why} {next}"), 0)
}

fn trim_zero(number: f64) -> String {
    format!("{number:.1}").trim_end_matches(".0").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_204, 1_234_567].map(count), ["0", "999", "1,204", "1,234,567"]);
        assert_eq!(counted(1, "event", "events"), "1 event");
    }

    #[test]
    fn factors_are_rounded_and_rare_issues_have_none() {
        assert_eq!(factor(137, 2.0).as_deref(), Some("70x"));
        assert_eq!(factor(1_000, 2.0).as_deref(), Some(">100x"));
        assert_eq!(factor(7, 2.0).as_deref(), Some("3.5x"));
        assert_eq!(factor(40, 0.1), None);
        let of = |usual_per_hour, days_before| Numbers { usual_per_hour, count_before: 3, days_before, ..Numbers::default() };
        assert_eq!(usual(&of(0.1, 14)), "rarely seen (3 in 14 days)");
        assert_eq!(usual(&of(0.1, 1)), "rarely seen (3 in 1 day)");
        assert_eq!(usual(&of(0.1, 0)), "rarely seen");
        assert_eq!(usual(&of(2.04, 14)), "usually 2 an hour");
    }

    #[test]
    fn lines_break_at_words_and_keep_their_indent() {
        let text = wrap(&"word ".repeat(20), 4);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("    word")));
        assert_eq!(wrap(&"x".repeat(100), 0), "x".repeat(100));
        assert_eq!(wrap_fact("Where", "a.py:1 in f"), "Where     a.py:1 in f");
    }

    #[test]
    fn times_name_the_year_only_when_it_is_another() {
        let now = datetime!(2026-11-20 12:00 UTC);
        assert_eq!(moment(datetime!(2026-11-18 14:13 UTC), now), "18 Nov 14:13 UTC");
        assert_eq!(time_of_day(datetime!(2026-11-20 02:05 UTC), now), "02:05 UTC");
        assert_eq!(time_of_day(datetime!(2026-11-19 23:05 UTC), now), "19 Nov 23:05 UTC");
        assert_eq!(moment(datetime!(2025-08-02 04:05 UTC), now), "2 Aug 2025 04:05 UTC");
    }
}
