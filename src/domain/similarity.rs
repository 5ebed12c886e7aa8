//! How alike two issues are, from what their rows say: kind of error, where it failed, and the words of the message. For suggestions to people,
//! never for decisions.

use std::collections::BTreeSet;

/// From this on two issues are worth a look.
pub const ALIKE_MIN: f64 = 0.6;

/// What is compared of an issue.
#[derive(Clone, Copy, Debug)]
pub struct Traits<'a> {
    /// Exception type; empty for a message.
    pub type_name: &'a str,
    /// First line of the value or message.
    pub value: &'a str,
    /// Route, task or command.
    pub culprit: &'a str,
    /// `file:line` of the failing frame.
    pub location: &'a str,
    /// Its function.
    pub function: &'a str,
}

/// 0 for nothing in common, 1 for everything. What neither of them says does not count.
pub fn of(one: &Traits<'_>, other: &Traits<'_>) -> f64 {
    let file = |place: &'_ str| place.rsplit_once(':').map_or(place, |(file, _)| file).to_owned();
    let same = |one: &str, other: &str| if one == other { 1.0 } else { 0.0 };
    let (files, words) = ((file(one.location), file(other.location)), (words(one.value), words(other.value)));
    let parts = [
        (0.25, !one.type_name.is_empty() || !other.type_name.is_empty(), same(one.type_name, other.type_name)),
        (0.25, !one.function.is_empty() || !other.function.is_empty(), same(one.function, other.function)),
        (0.15, !files.0.is_empty() || !files.1.is_empty(), same(&files.0, &files.1)),
        (0.10, !one.culprit.is_empty() || !other.culprit.is_empty(), same(one.culprit, other.culprit)),
        (0.35, !words.0.is_empty() || !words.1.is_empty(), overlap(&words.0, &words.1)),
    ];
    let weight: f64 = parts.iter().filter(|part| part.1).map(|part| part.0).sum();
    let shared: f64 = parts.iter().filter(|part| part.1).map(|part| part.0 * part.2).sum();
    if weight > 0.0 { shared / weight } else { 0.0 }
}

/// Words without digits, which are values.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_ascii_digit())).take(60).map(str::to_lowercase).collect()
}

#[expect(clippy::cast_precision_loss, reason = "at most 120 words")]
fn overlap(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    one.intersection(other).count() as f64 / one.union(other).count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Traits<'_> = Traits {
        type_name: "PaymentError",
        value: "could not capture 129.90 EUR: amount mismatch",
        culprit: "/checkout/",
        location: "shop/pay.py:41",
        function: "capture",
    };

    #[test]
    fn the_same_error_from_another_route_is_alike() {
        let other = Traits { culprit: "/retry/", value: "could not capture 7 EUR: amount mismatch", location: "shop/pay.py:58", ..BASE };
        assert!(of(&BASE, &other) > 0.85, "{}", of(&BASE, &other));
        assert!((of(&BASE, &BASE) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn another_error_in_the_same_file_is_not() {
        let other = Traits { type_name: "KeyError", value: "'order'", function: "load", ..BASE };
        assert!(of(&BASE, &other) < ALIKE_MIN);
        let silent = Traits { type_name: "", value: "", culprit: "", location: "", function: "" };
        assert!(of(&silent, &silent) < ALIKE_MIN && of(&BASE, &silent) < ALIKE_MIN);
    }
}
