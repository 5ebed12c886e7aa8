//! Stack traces and frames.

use super::super::{Frame, Notes, Place, Stacktrace, Text};
use super::scalar;
use crate::protocol::json::Json;

/// `{frames: […]}` or a bare list of frames; `None` where nothing is in it.
pub(super) fn stacktrace<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Stacktrace<'a>> {
    let mut stacktrace = Stacktrace::default();
    match value {
        Json::Array(frames) => stacktrace.frames = list(frames, at, notes),
        other => {
            for (key, value) in scalar::object(other, at, notes)? {
                match (key.as_ref(), value) {
                    (_, Json::Null) => {}
                    // Ours, not the client's to say.
                    ("ruling", _) => {}
                    ("frames", Json::Array(frames)) => stacktrace.frames = list(frames, at.key("frames"), notes),
                    ("frames", other) => notes.drop(at.key("frames"), format!("expected a list, found {}; dropped", scalar::shown(&other))),
                    (_, value) => {
                        stacktrace.other.push(key, value);
                    }
                }
            }
        }
    }
    (!stacktrace.frames.is_empty() || !stacktrace.other.is_empty()).then_some(stacktrace)
}

fn list<'a>(frames: Vec<Json<'a>>, at: Place<'_>, notes: &mut Notes) -> Vec<Frame<'a>> {
    scalar::each(frames, at, |value, at| frame(value, at, notes))
}

fn frame<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Frame<'a>> {
    let object = match value {
        Json::Object(object) if object.is_empty() => return None,
        Json::Object(object) => object,
        Json::Null => return None,
        other => {
            notes.drop(at, format!("expected a frame, found {}; dropped", scalar::shown(&other)));
            return None;
        }
    };
    let mut frame = Frame::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_ref() {
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
            "client_in_app" | "ruling" => {}
            _ => {
                frame.other.push(key, value);
            }
        }
    }
    Some(frame)
}

/// Source lines: a list, or one text with line breaks.
fn lines<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Vec<Text<'a>> {
    match value {
        Json::Array(lines) => {
            let line = |(index, value): (usize, Json<'a>)| scalar::text(value, at.index(index), notes).unwrap_or_default();
            lines.into_iter().enumerate().map(line).collect()
        }
        Json::Text(text) => text.lines().map(|line| line.to_owned().into()).collect(),
        other => {
            notes.drop(at, format!("expected lines, found {}; dropped", scalar::shown(&other)));
            Vec::new()
        }
    }
}

/// A hexadecimal text, or a number that becomes one.
fn address<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Text<'a>> {
    match value.as_u64() {
        Some(number) => Some(format!("{number:#x}").into()),
        None => scalar::name(value, at, notes),
    }
}
