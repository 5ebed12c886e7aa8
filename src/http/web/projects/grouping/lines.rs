//! What is said about single lines: what is wrong with them, or what they would do.

use crate::domain::grouping_rules::Fault;
use crate::domain::rehearsal::RuleUse;
use crate::http::web::format;

use super::preview::{ExampleLink, links};

/// A line with what is said about it.
pub struct Line {
    /// From 1.
    pub number: usize,
    /// Up to where something is wrong; all of it where nothing is.
    pub before: String,
    /// From there on.
    pub after: String,
    /// What is wrong; empty: nothing.
    pub what: String,
    /// What is expected instead; may be empty.
    pub expected: String,
    /// `214 events`; empty where it was not tried.
    pub count: String,
    /// Some of them.
    pub examples: Vec<ExampleLink>,
}

/// The lines with faults, else those that were tried.
pub fn lines(text: &str, faults: &[Fault], uses: &[&RuleUse], prefix: &str) -> Vec<Line> {
    if !faults.is_empty() {
        return faults.iter().map(|fault| faulty(text, fault)).collect();
    }
    uses.iter().map(|rule| tried(rule, prefix)).collect()
}

fn faulty(text: &str, fault: &Fault) -> Line {
    let line = text.lines().nth(fault.line - 1).unwrap_or_default();
    let at = line.char_indices().nth(fault.column - 1).map_or(line.len(), |(at, _)| at);
    let short = |text: &str| text.chars().take(300).collect();
    Line {
        number: fault.line,
        before: short(&line[..at]),
        after: short(&line[at..]),
        what: capital(&fault.what),
        expected: fault.expected.clone(),
        count: String::new(),
        examples: Vec::new(),
    }
}

fn tried(rule: &RuleUse, prefix: &str) -> Line {
    let count = if rule.event_count == 0 { "no event".to_owned() } else { format::many(rule.event_count as i64, "event", "events") };
    Line {
        number: rule.line,
        before: rule.source.chars().take(300).collect(),
        after: String::new(),
        what: String::new(),
        expected: String::new(),
        count,
        examples: links(&rule.examples, prefix),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping_rules::FingerprintRules;

    #[test]
    fn a_fault_is_shown_where_it_is_in_its_line() {
        let text = "type:X -> a\n  type:Ü -> {{ nope }}";
        let faults = FingerprintRules::parse(text).expect_err("a fault");
        let line = &lines(text, &faults, &[], "SHOP")[0];
        assert_eq!((line.number, line.before.as_str(), line.after.as_str()), (2, "  type:Ü -> ", "{{ nope }}"));
        assert!(line.what.starts_with("There is no variable"), "{}", line.what);
    }
}
