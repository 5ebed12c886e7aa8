//! Fingerprints set by the client: constants, `{{ default }}` and variables.

use super::parameterize;
use crate::pipeline::rules::{Ruled, variables};
use crate::protocol::event::{Event, Text};

/// Most parts of a fingerprint that are looked at.
const PARTS_MAX: usize = 50;

/// Variables that clients could not use from the beginning: in what they send, these names stand for the default grouping.
const OF_RULES: &[&str] = &["path", "stack.abs_path", "stack.filename", "release"];

/// What a rule of the project or the client asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Custom {
    /// `custom fingerprint` or `checksum`.
    pub rung: &'static str,
    /// The parts besides `{{ default }}`, variables filled in.
    pub parts: Vec<String>,
    /// `{{ default }}` was among them.
    pub wants_default: bool,
    /// What could not be understood, or does not count.
    pub ignored: Vec<String>,
}

/// What a rule of the project wants; what the client sent does not count then.
pub fn of_rule(ruled: &Ruled, event: &Event) -> Custom {
    let mut custom = Custom { rung: "custom fingerprint", ..Custom::default() };
    for part in &ruled.parts {
        custom.read(part, event, true);
    }
    if of(event).is_some() {
        custom.ignored.push("the client's fingerprint: rules of the project go before it".into());
    }
    custom
}

/// The legacy checksum, else the fingerprint; `None` where the client sent neither, or only blanks.
pub fn of(event: &Event) -> Option<Custom> {
    if let Some(checksum) = event.checksum.as_deref().filter(|checksum| !checksum.trim().is_empty()) {
        return Some(Custom { rung: "checksum", parts: vec![checksum.to_owned()], ..Custom::default() });
    }
    if event.fingerprint.iter().all(|part| part.trim().is_empty()) {
        return None;
    }
    let mut custom = Custom { rung: "custom fingerprint", ..Custom::default() };
    for part in event.fingerprint.iter().take(PARTS_MAX) {
        custom.read(parameterize::cut(part), event, false);
    }
    Some(custom)
}

impl Custom {
    fn read(&mut self, part: &str, event: &Event, is_rule: bool) {
        let mut text = String::new();
        let mut rest = part;
        let mut only_default = false;
        while let Some((before, name, after)) = variable(rest) {
            text.push_str(before);
            match fill(name, event, is_rule) {
                Some(value) => text.push_str(&value),
                None => {
                    if name != "default" {
                        self.ignored.push(format!("unknown variable “{name}”: the default grouping takes its place"));
                    }
                    self.wants_default = true;
                    only_default = true;
                }
            }
            rest = after;
        }
        text.push_str(rest);
        if !only_default || !text.trim().is_empty() {
            self.parts.push(text);
        }
    }
}

/// Splits at the first `{{ name }}`.
fn variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, after) = rest.split_once("}}")?;
    Some((before, name.trim(), after))
}

/// The value of a variable; `None` for `default` and for names that no variable has.
fn fill<'a>(name: &str, event: &'a Event<'a>, is_rule: bool) -> Option<Text<'a>> {
    if OF_RULES.contains(&name) && !is_rule {
        return None;
    }
    let value = variables::value(name, event)?;
    let value = match name {
        "error.value" | "value" | "message" => value.map(|text| parameterize::of(&text).into()),
        _ => value,
    };
    Some(value.filter(|value| !value.is_empty()).unwrap_or_else(|| format!("<no {name}>").into()))
}
