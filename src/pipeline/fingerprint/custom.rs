//! Fingerprints set by the client: constants, `{{ default }}` and variables.

use super::parameterize;
use crate::protocol::event::{Event, Frame, Text};

/// Most parts of a fingerprint that are looked at.
const PARTS_MAX: usize = 50;

/// What the client asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Custom {
    /// `custom fingerprint` or `checksum`.
    pub rung: &'static str,
    /// The parts besides `{{ default }}`, variables filled in.
    pub parts: Vec<String>,
    /// `{{ default }}` was among them.
    pub wants_default: bool,
    /// What could not be understood.
    pub ignored: Vec<String>,
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
        custom.read(parameterize::cut(part), event);
    }
    Some(custom)
}

impl Custom {
    fn read(&mut self, part: &str, event: &Event) {
        let mut text = String::new();
        let mut rest = part;
        let mut only_default = false;
        while let Some((before, name, after)) = variable(rest) {
            text.push_str(before);
            match fill(name, event) {
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
fn fill<'a>(name: &str, event: &'a Event<'a>) -> Option<Text<'a>> {
    let exception = event.exceptions.last();
    let frame = || failing_frame(event);
    let value = match name {
        "error.type" | "type" => exception.and_then(|exception| exception.kind.clone()),
        "error.value" | "value" => exception.and_then(|exception| exception.value.as_deref()).map(|value| parameterize::of(value).into()),
        "message" => message(event).map(|message| parameterize::of(message).into()),
        "transaction" => event.transaction.clone(),
        "function" | "stack.function" => frame().and_then(|frame| frame.function.clone()),
        "module" | "stack.module" => frame().and_then(|frame| frame.module.clone()),
        "package" | "stack.package" => frame().and_then(|frame| frame.package.clone()),
        "level" => Some(event.level.unwrap_or_default().name().into()),
        "logger" => event.logger.clone(),
        _ => match name.strip_prefix("tags.") {
            Some(key) => event.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()),
            None => return None,
        },
    };
    Some(value.filter(|value| !value.is_empty()).unwrap_or_else(|| format!("<no {name}>").into()))
}

fn message<'a>(event: &'a Event<'a>) -> Option<&'a str> {
    let logged = event.logentry.as_ref().map(|entry| entry.text()).filter(|text| !text.is_empty());
    logged.or_else(|| event.exceptions.last().and_then(|exception| exception.value.as_deref()))
}

fn failing_frame<'a>(event: &'a Event<'a>) -> Option<&'a Frame<'a>> {
    let traces = event.exceptions.iter().rev().map(|exception| exception.frames());
    let bare = event.stacktrace.iter().map(|trace| trace.frames.as_slice());
    let frames: &[Frame<'_>] = traces.chain(bare).find(|frames| !frames.is_empty())?;
    frames.iter().rfind(|frame| frame.in_app == Some(true)).or(frames.last())
}
