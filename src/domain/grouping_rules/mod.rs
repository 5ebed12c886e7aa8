//! The grouping rules of a project, as people write them: fingerprint rules and stack trace rules, in the syntax of Sentry, one rule a line.
//!
//! A text is parsed as a whole; each line that cannot be understood is a [`Fault`] that says where, what is wrong and what is expected. What is
//! parsed is prepared: patterns are taken apart once, and matching one takes time in proportion to the text, whatever the pattern
//! (`pipeline::rules` does it, under a budget for each event).

mod fault;
mod fingerprint;
mod glob;
mod matcher;
mod scan;
mod stack;
mod template;
#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use fingerprint::{FingerprintRule, FingerprintRules};
pub use glob::{Case, Glob};
pub use matcher::{Family, Matcher, Subject, Test, pattern_of};
pub use stack::{Action, Flag, Reach, StackRule, StackRules};
pub use template::{Piece, Template};

/// Longest text of either kind, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Most rules of either kind.
pub const RULES_MAX: usize = 500;
/// Faults that are listed; the others are counted in the last one.
const FAULTS_MAX: usize = 50;

/// Which of the two languages a line is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `matchers -> fingerprint`
    Fingerprint,
    /// `matchers actions`
    Stack,
}

/// What a project saved: two texts as they were written. Empty: no rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTexts {
    /// Fingerprint rules.
    pub fingerprint: String,
    /// Stack trace rules.
    pub stack: String,
}

/// Both kinds of rules of a project, ready to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupingRules {
    /// The first that matches decides.
    pub fingerprint: FingerprintRules,
    /// Each is applied, from top to bottom.
    pub stack: StackRules,
}

/// The faults of both texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// In the fingerprint rules.
    pub fingerprint: Vec<Fault>,
    /// In the stack trace rules.
    pub stack: Vec<Fault>,
}

impl GroupingRules {
    /// Nothing is said.
    pub const NONE: Self = Self { fingerprint: FingerprintRules { rules: Vec::new() }, stack: StackRules { rules: Vec::new() } };

    /// Reads both texts.
    pub fn parse(texts: &RuleTexts) -> Result<Self, Faults> {
        match (FingerprintRules::parse(&texts.fingerprint), StackRules::parse(&texts.stack)) {
            (Ok(fingerprint), Ok(stack)) => Ok(Self { fingerprint, stack }),
            (fingerprint, stack) => {
                Err(Faults { fingerprint: fingerprint.err().unwrap_or_default(), stack: stack.err().unwrap_or_default() })
            }
        }
    }

    /// Reads what can be read of texts that were saved by another version of Bugle: a line that this one does not understand says nothing.
    pub fn parse_known(texts: &RuleTexts) -> Self {
        Self { fingerprint: FingerprintRules::parse_known(&texts.fingerprint), stack: StackRules::parse_known(&texts.stack) }
    }

    /// Whether there is no rule of either kind.
    pub fn is_empty(&self) -> bool {
        self.fingerprint.rules.is_empty() && self.stack.rules.is_empty()
    }
}

/// Reads a text line by line; `rule` gets the number of the line and the line without the blanks around it.
fn parse_lines<R>(text: &str, rule: impl Fn(usize, &str) -> Result<R, Fault>) -> (Vec<R>, Vec<Fault>) {
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    if text.len() > TEXT_BYTES_MAX {
        let what = format!("the text has {} bytes", text.len());
        return (rules, vec![Fault::at(1, 1, what, format!("at most {TEXT_BYTES_MAX}"))]);
    }
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim_start_matches(is_blank);
        let indent = line[..line.len() - trimmed.len()].chars().count();
        let trimmed = trimmed.trim_end_matches(is_blank);
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match rule(number, trimmed) {
            Ok(_) if rules.len() == RULES_MAX => {
                faults.push(Fault::at(number, 1, "this is one rule too many".into(), format!("at most {RULES_MAX} rules")));
                break;
            }
            Ok(rule) => rules.push(rule),
            Err(fault) => faults.push(fault.moved(number, indent)),
        }
    }
    if faults.len() > FAULTS_MAX {
        let more_count = faults.len() - (FAULTS_MAX - 1);
        faults.truncate(FAULTS_MAX - 1);
        let last = faults.last().map_or(1, |fault| fault.line);
        faults.push(Fault::at(last, 1, format!("and {more_count} more lines below cannot be understood"), String::new()));
    }
    (rules, faults)
}

/// What stands between words: more than ASCII, because texts are pasted from pages.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}'
}
