//! Whether one event shows another's failing code after somebody edited it.
//!
//! Both have the same types, modules and functions; the texts of some lines differ. A line was rewritten if it is the best match for the old
//! one among all lines that are known around it, on both sides: where the old line is still there, or a closer one, it is another statement.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::chain::Chain;
use super::frame::{self, Contribution};
use super::parameterize;
use super::version::Version;
use crate::protocol::event::{Event, Frame, Text};

/// Lines that are so much alike are the same statement in other words.
const SIMILAR: f64 = 0.5;
/// As little is enough where the lines above and below are the same.
const RELATED: f64 = 0.25;
/// Of the lines around, at least so many in a hundred must have stayed.
const STAYED_PERCENT: usize = 34;
/// Letters and digits that a line must have to say something.
const TELLING_MIN: usize = 6;
/// As [`STAYED_PERCENT`], in functions without a name, of which a file has many that look alike.
const STAYED_PERCENT_UNNAMED: usize = 60;

/// What a line calls, and the keys it names: a statement with others is another statement.
static TELLING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"([A-Za-z_]\w*)\(|["'](\w+)["']"#).expect("the pattern is a constant"));

/// Whether `new` is `old` with rewritten lines. To be asked of events whose outlines are equal.
pub fn continues(old: &Event, new: &Event, version: Version) -> bool {
    let (old, new) = (Chain::of(old, version), Chain::of(new, version));
    let (old, new) = (old.contributions(), new.contributions());
    let is_same = |(old, new): (&&Contribution<'_>, &&Contribution<'_>)| old.line == new.line || is_rewritten(old, new);
    !old.is_empty() && old.len() == new.len() && old.iter().zip(&new).all(is_same)
}

/// Whether what they say makes two statements of one outline two bugs: the old one always says one thing, and the new one says another that
/// has hardly a word in common with it (two different missing keys).
pub fn speaks_against<'t>(old: impl Iterator<Item = &'t str>, new: &str) -> bool {
    let values_aside: HashSet<String> = old.map(parameterize::of).collect();
    let new = parameterize::of(new);
    let mut old = values_aside.iter();
    let (Some(only), None) = (old.next(), old.next()) else { return false };
    if *only == new {
        return false;
    }
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // The type of the exception comes first, and is the same.
    let (old, new) = (words(only), words(&new));
    let shared = old.iter().skip(1).filter(|word| new[1.min(new.len())..].contains(word)).count();
    shared * 2 <= old.len().max(new.len()).saturating_sub(1)
}

fn is_rewritten(old: &Contribution<'_>, new: &Contribution<'_>) -> bool {
    let stayed_percent = if old.function.is_empty() { STAYED_PERCENT_UNNAMED } else { STAYED_PERCENT };
    was_rewritten(old.frame, new.frame, stayed_percent)
}

fn was_rewritten(old: &Frame, new: &Frame, stayed_percent: usize) -> bool {
    let (Some(old_line), Some(new_line)) = (line(old.context_line.as_deref()), line(new.context_line.as_deref())) else { return false };
    let (old_around, new_around) = (around(old), around(new));
    if new_around.contains(&old_line) || old_around.contains(&new_line) {
        return false;
    }
    let (old_tells, new_tells) = (telling(&old_line), telling(&new_line));
    if !old_tells.is_subset(&new_tells) && !new_tells.is_subset(&old_tells) {
        return false;
    }
    let likeness = similarity(&old_line, &new_line);
    let has_closer = new_around.iter().any(|other| similarity(&old_line, other) >= likeness)
        || old_around.iter().any(|other| similarity(other, &new_line) >= likeness);
    if has_closer {
        return false;
    }
    let stayed = old_around.intersection(&new_around).count();
    let has_stayed = stayed * 100 >= old_around.len().min(new_around.len()).max(1) * stayed_percent;
    has_stayed && (likeness >= SIMILAR || likeness >= RELATED && is_between_the_same(old, new))
}

fn telling(line: &str) -> HashSet<&str> {
    TELLING.captures_iter(line).filter_map(|found| Some(found.get(1).or(found.get(2))?.as_str())).collect()
}

/// The lines around, without those that say nothing.
fn around(frame: &Frame) -> HashSet<String> {
    frame.pre_context.iter().chain(&frame.post_context).filter_map(|text| line(Some(text.as_ref()))).collect()
}

fn line(text: Option<&str>) -> Option<String> {
    let text = frame::line_text(text?).into_owned();
    (text.chars().filter(|c| c.is_alphanumeric()).count() >= TELLING_MIN).then_some(text)
}

fn is_between_the_same(old: &Frame, new: &Frame) -> bool {
    fn first<'f>(mut lines: impl Iterator<Item = &'f Text<'f>>) -> Option<String> {
        lines.find_map(|text| line(Some(text.as_ref())))
    }
    let above = first(old.pre_context.iter().rev());
    let below = first(old.post_context.iter());
    above.is_some() && below.is_some() && above == first(new.pre_context.iter().rev()) && below == first(new.post_context.iter())
}

/// Dice's coefficient of the pairs of neighbouring characters, blanks left out: 1 for equal texts, 0 for nothing in common.
fn similarity(a: &str, b: &str) -> f64 {
    let (mut a, mut b) = (pairs(a), pairs(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    a.sort_unstable();
    b.sort_unstable();
    let (mut shared, mut i, mut j) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (shared, i, j) = (shared + 1, i + 1, j + 1),
        }
    }
    2.0 * f64::from(shared) / (a.len() + b.len()) as f64
}

fn pairs(text: &str) -> Vec<(char, char)> {
    let letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &[&str] = &[
        "def pay(order):",
        "    rate = rates[order.currency]",
        "    total = order.amount * rate",
        "    charge(order.card, total)",
        "    order.paid = True",
        "    order.save()",
    ];

    /// A frame at a line of a function.
    fn at<'a>(source: &[&'a str], place: usize) -> Frame<'a> {
        let texts = |lines: &[&'a str]| lines.iter().map(|line| Text::from(*line)).collect();
        Frame {
            context_line: Some(source[place].into()),
            pre_context: texts(&source[..place]),
            post_context: texts(&source[place + 1..]),
            ..Frame::default()
        }
    }

    fn edited(place: usize, line: &str) -> Vec<&str> {
        let mut source = SOURCE.to_vec();
        source[place] = line;
        source
    }

    fn rewritten(old: &Frame, new: &Frame) -> bool {
        was_rewritten(old, new, STAYED_PERCENT)
    }

    #[test]
    fn a_rewritten_line_is_the_same_statement() {
        assert!(rewritten(&at(SOURCE, 3), &at(&edited(3, "    charge(order.card, total, memo=\"web\")"), 3)));
        assert!(rewritten(&at(SOURCE, 1), &at(&edited(1, "    rate = rates.get(order.currency)  # by currency"), 1)));
    }

    #[test]
    fn another_line_of_the_function_is_another_statement() {
        assert!(!rewritten(&at(SOURCE, 3), &at(SOURCE, 2)), "both are there");
        let fixed = edited(1, "    rate = rates.get(order.currency, 1)");
        assert!(!rewritten(&at(SOURCE, 1), &at(&fixed, 2)), "the first was fixed, and is the better match");
        assert!(
            !rewritten(&at(SOURCE, 1), &at(&["def refund(order):", "    rate = rates[order.country]", "    return 0"], 1)),
            "elsewhere"
        );
        assert!(!rewritten(&at(SOURCE, 3), &at(&edited(3, "    refund(order.card, total)"), 3)), "it calls something else");
        let bare = Frame { context_line: Some("    charge(order.card, total, 1)".into()), ..Frame::default() };
        assert!(!rewritten(&at(SOURCE, 3), &bare), "nothing is known of what is around");
    }

    #[test]
    fn two_missing_keys_are_two_bugs_and_two_orders_are_one() {
        let against = |old: &[&str], new: &str| speaks_against(old.iter().copied(), new);
        assert!(against(&["KeyError: 'a'"], "KeyError: 'b'"));
        assert!(!against(&["KeyError: 'a'", "KeyError: 'c'"], "KeyError: 'b'"));
        assert!(!against(&["Declined: order 17 of ann"], "Declined: order 18 of ann"));
        assert!(!against(&["Closed: ledger of chen is closed"], "Closed: ledger of karim is closed"));
        assert!(!against(&[], "KeyError: 'b'"));
    }

    #[test]
    fn likeness_is_between_nothing_and_all() {
        assert!((similarity("a b c", "abc") - 1.0).abs() < f64::EPSILON);
        assert!(similarity("charge(card)", "refund(order)") < 0.3);
        assert!(similarity("", "x").abs() < f64::EPSILON);
    }
}
