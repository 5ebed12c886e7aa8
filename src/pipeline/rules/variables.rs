//! What `{{ variables }}` stand for.

use crate::protocol::event::{Event, Frame, Text};

/// The value of a variable as the event has it. Outer `None`: there is no such variable, or it is `default`; inner: the event has none.
pub fn value<'e>(name: &str, event: &'e Event<'e>) -> Option<Option<Text<'e>>> {
    let exception = event.exceptions.last();
    let frame = || failing_frame(event);
    Some(match name {
        "error.type" | "type" => exception.and_then(|exception| exception.kind.clone()),
        "error.value" | "value" => exception.and_then(|exception| exception.value.clone()),
        "message" => message(event).map(Text::Borrowed),
        "transaction" => event.transaction.clone(),
        "function" | "stack.function" => frame().and_then(|frame| frame.function.clone()),
        "module" | "stack.module" => frame().and_then(|frame| frame.module.clone()),
        "package" | "stack.package" => frame().and_then(|frame| frame.package.clone()),
        "path" | "stack.abs_path" => frame().and_then(|frame| frame.abs_path.clone().or_else(|| frame.filename.clone())),
        "stack.filename" => frame().and_then(|frame| frame.filename.clone().or_else(|| frame.abs_path.clone())),
        "level" => Some(event.level.unwrap_or_default().name().into()),
        "logger" => event.logger.clone(),
        "release" => event.release.clone(),
        _ => {
            let key = name.strip_prefix("tags.")?;
            event.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
        }
    })
}

/// The logged text, else that of the raised exception.
pub fn message<'e>(event: &'e Event<'e>) -> Option<&'e str> {
    let logged = event.logentry.as_ref().map(|entry| entry.text()).filter(|text| !text.is_empty());
    logged.or_else(|| event.exceptions.last().and_then(|exception| exception.value.as_deref()))
}

/// The innermost frame of the application, else the innermost, of the raised exception or the next that has frames.
fn failing_frame<'e>(event: &'e Event<'e>) -> Option<&'e Frame<'e>> {
    let of_exceptions = event.exceptions.iter().rev().map(|exception| exception.frames());
    let bare = event.stacktrace.iter().map(|trace| trace.frames.as_slice());
    let frames = of_exceptions.chain(bare).find(|frames| !frames.is_empty())?;
    frames.iter().rfind(|frame| frame.in_app == Some(true)).or(frames.last())
}

/// The stacks of an event: of its exceptions, its threads, and its own.
pub fn stacks<'e>(event: &'e Event<'e>) -> impl Iterator<Item = &'e [Frame<'e>]> {
    let of_exceptions = event.exceptions.iter().map(|exception| exception.frames());
    let of_threads = event.threads.iter().filter_map(|thread| thread.stacktrace.as_ref()).map(|trace| trace.frames.as_slice());
    of_exceptions.chain(of_threads).chain(event.stacktrace.iter().map(|trace| trace.frames.as_slice()))
}
