//! Stack traces and frames.

use serde_json::Value;

use super::super::{Frame, Notes, Place, Stacktrace};
use super::scalar;

/// `{frames: […]}` or a bare list of frames; `None` where nothing is in it.
pub(super) fn stacktrace(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<Stacktrace> {
    let mut stacktrace = Stacktrace::default();
    match value {
        Value::Array(frames) => stacktrace.frames = list(frames, at, notes),
        other => {
            for (key, value) in scalar::object(other, at, notes)? {
                match (key.as_str(), value) {
                    (_, Value::Null) => {}
                    ("frames", Value::Array(frames)) => stacktrace.frames = list(frames, at.key("frames"), notes),
                    ("frames", other) => notes.add(at.key("frames"), format!("expected a list, found {}; dropped", scalar::shown(&other))),
                    (_, value) => {
                        stacktrace.other.insert(key, value);
                    }
                }
            }
        }
    }
    (!stacktrace.frames.is_empty() || !stacktrace.other.is_empty()).then_some(stacktrace)
}

fn list(frames: Vec<Value>, at: Place<'_>, notes: &mut Notes) -> Vec<Frame> {
    frames.into_iter().enumerate().filter_map(|(index, value)| frame(value, at.index(index), notes)).collect()
}

fn frame(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<Frame> {
    let object = match value {
        Value::Object(object) if object.is_empty() => return None,
        Value::Object(object) => object,
        Value::Null => return None,
        other => {
            notes.add(at, format!("expected a frame, found {}; dropped", scalar::shown(&other)));
            return None;
        }
    };
    let mut frame = Frame::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_str() {
            _ if value.is_null() => {}
            "function" => frame.function = scalar::name(value, at, notes),
            "module" => frame.module = scalar::name(value, at, notes),
            "filename" => frame.filename = scalar::name(value, at, notes),
            "abs_path" => frame.abs_path = scalar::name(value, at, notes),
            "lineno" => frame.lineno = scalar::integer(value, at, notes).filter(|number| *number >= 0),
            "colno" => frame.colno = scalar::integer(value, at, notes).filter(|number| *number >= 0),
            "pre_context" => frame.pre_context = lines(value, at, notes),
            "context_line" => frame.context_line = scalar::text(value, at, notes),
            "post_context" => frame.post_context = lines(value, at, notes),
            "in_app" => frame.in_app = scalar::boolean(value, at, notes),
            "vars" => frame.vars = scalar::object(value, at, notes).unwrap_or_default(),
            "package" => frame.package = scalar::name(value, at, notes),
            "platform" => frame.platform = scalar::name(value, at, notes),
            "instruction_addr" => frame.instruction_addr = address(value, at, notes),
            // Ours, not the client's to say.
            "client_in_app" => {}
            _ => {
                frame.other.insert(key, value);
            }
        }
    }
    Some(frame)
}

/// Source lines: a list, or one text with line breaks.
fn lines(value: Value, at: Place<'_>, notes: &mut Notes) -> Vec<String> {
    match value {
        Value::Array(lines) => {
            let line = |(index, value): (usize, Value)| scalar::text(value, at.index(index), notes).unwrap_or_default();
            lines.into_iter().enumerate().map(line).collect()
        }
        Value::String(text) => text.lines().map(str::to_owned).collect(),
        other => {
            notes.add(at, format!("expected lines, found {}; dropped", scalar::shown(&other)));
            Vec::new()
        }
    }
}

/// A hexadecimal text, or a number that becomes one.
fn address(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<String> {
    match value.as_u64() {
        Some(number) => Some(format!("{number:#x}")),
        None => scalar::name(value, at, notes),
    }
}
