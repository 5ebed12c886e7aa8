//! What an event is called in lists, on its page and in mail.

use crate::pipeline::exception_tree::Tree;
use crate::pipeline::fingerprint;
use crate::protocol::event::{Event, Exception, Frame};

/// Longest type, in characters.
pub const KIND_LEN_MAX: usize = 128;
/// Longest value, culprit, location and function, in characters.
pub const TEXT_LEN_MAX: usize = 256;
/// Shown for an event that says nothing.
const UNTITLED: &str = "(no message)";
/// Parts of an absolute path that are shown where no module says where the package begins.
const PATH_PARTS_SHOWN: usize = 3;

/// The names of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// Exception type; empty for a message.
    pub kind: String,
    /// First line of the exception's value, or of the message. May be empty for an exception.
    pub value: String,
    /// Route, task or command, else the failing function; may be empty.
    pub culprit: String,
    /// `payments/services.py:139`: file and line of the failing application frame; may be empty.
    pub location: String,
    /// Function of that frame; may be empty.
    pub function: String,
}

/// Names an event.
pub fn of(event: &Event) -> Title {
    let exception = failing_exception(event);
    let (kind, value) = kind_and_value(event, exception);
    // The line of a structured logger is called after what it was told to say.
    let spoken = if kind.is_empty() { fingerprint::spoken(value) } else { None };
    let value = spoken.as_deref().unwrap_or(value);
    let frame = failing_frame(event, exception);
    Title {
        kind: first_line(kind, KIND_LEN_MAX),
        value: first_line(value, TEXT_LEN_MAX),
        culprit: first_line(&culprit(event, frame), TEXT_LEN_MAX),
        location: cut(&frame.map(location).unwrap_or_default(), TEXT_LEN_MAX),
        function: first_line(frame.and_then(|frame| frame.function.as_deref()).unwrap_or_default(), TEXT_LEN_MAX),
    }
}

/// Under the title that a rule of the project gives, if it gives one: that is all there is to say then of what happened, and of where it did what
/// there was before.
pub fn ruled(title: Title, given: Option<String>) -> Title {
    match given {
        Some(given) => Title { kind: String::new(), value: first_line(&given, TEXT_LEN_MAX), ..title },
        None => title,
    }
}

fn kind_and_value<'a>(event: &'a Event<'a>, exception: Option<&'a Exception<'a>>) -> (&'a str, &'a str) {
    let of_exception = exception.map(|exception| {
        let kind = exception.kind.as_deref().unwrap_or_default().trim();
        (kind, exception.value.as_deref().unwrap_or_default())
    });
    let logged = event.logentry.as_ref().map(|entry| ("", entry.text()));
    let template = event.template.as_ref().and_then(|template| Some(("", template.get("filename")?.as_str()?)));
    let says_something = |(kind, value): &(&str, &str)| !kind.is_empty() || !value.trim().is_empty();
    [of_exception, logged, template].into_iter().flatten().find(says_something).unwrap_or(("", UNTITLED))
}

/// The raised exception; in a group whose members are all of one type, its first member, since that is what failed.
fn failing_exception<'a>(event: &'a Event<'a>) -> Option<&'a Exception<'a>> {
    let Some(tree) = Tree::read(&event.exceptions) else { return event.exceptions.last() };
    let mut place = tree.root;
    loop {
        let members = tree.members(place);
        let Some(&first) = members.first() else { return Some(tree.get(place)) };
        if members.iter().any(|&member| tree.get(member).kind != tree.get(first).kind) {
            return Some(tree.get(place));
        }
        place = first;
    }
}

/// The innermost application frame of the failing exception, else its innermost frame; without frames those of the thread or the stack trace.
fn failing_frame<'a>(event: &'a Event<'a>, exception: Option<&'a Exception<'a>>) -> Option<&'a Frame<'a>> {
    let of_exception = exception.map(|exception| exception.frames());
    let of_threads = event.threads.iter().filter(|thread| thread.crashed == Some(true) || thread.current == Some(true));
    let of_threads = of_threads.filter_map(|thread| thread.stacktrace.as_ref()).map(|trace| trace.frames.as_slice());
    let bare = event.stacktrace.iter().map(|trace| trace.frames.as_slice());
    let frames = of_exception.into_iter().chain(of_threads).chain(bare).find(|frames| !frames.is_empty())?;
    frames.iter().rfind(|frame| frame.in_app == Some(true)).or(frames.last())
}

fn culprit(event: &Event, frame: Option<&Frame>) -> String {
    let said = [&event.transaction, &event.culprit].into_iter().flatten().find(|text| !text.trim().is_empty());
    if let Some(said) = said {
        return said.to_string();
    }
    let Some(frame) = frame else { return String::new() };
    let place = frame.module.as_deref().map_or_else(|| file(frame), str::to_owned);
    match frame.function.as_deref().filter(|function| !function.is_empty() && *function != "?") {
        Some(function) if place.is_empty() => function.to_owned(),
        Some(function) => format!("{place} in {function}"),
        None => place,
    }
}

fn location(frame: &Frame) -> String {
    match (file(frame), frame.lineno) {
        (file, Some(line)) if !file.is_empty() && line > 0 => format!("{file}:{line}"),
        (file, _) => file,
    }
}

/// The path below the package: `payments/services.py`.
fn file(frame: &Frame) -> String {
    let path = frame.filename.as_deref().or(frame.abs_path.as_deref()).unwrap_or_default().trim().replace('\\', "/");
    let path = match path.split_once("://") {
        Some(("app" | "webpack" | "webpack-internal" | "file", below)) => format!("/{below}"),
        Some((_, address)) => address.split_once('/').map_or(String::new(), |(_, below)| format!("/{below}")),
        None => path,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_absolute = path.starts_with('/') || path.get(1..3) == Some(":/");
    let in_module = frame.module.as_deref().map_or(PATH_PARTS_SHOWN, |module| module.split('.').count());
    let shown = if is_absolute { in_module.clamp(1, 6) } else { parts.len() };
    parts[parts.len().saturating_sub(shown)..].join("/")
}

/// The first line that is not empty, without control characters.
fn first_line(text: &str, len_max: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    cut(line, len_max)
}

fn cut(text: &str, len_max: usize) -> String {
    if text.len() <= len_max && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let clean = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    match text.char_indices().nth(len_max) {
        None => clean(text),
        Some(_) => clean(text).chars().take(len_max - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::{LogEntry, Mechanism, Stacktrace};

    fn frame<'a>(module: &'a str, path: &'a str, line: i64, in_app: bool) -> Frame<'a> {
        Frame {
            module: Some(module.into()),
            filename: Some(path.into()),
            function: Some("charge".into()),
            lineno: Some(line),
            in_app: Some(in_app),
            ..Frame::default()
        }
    }

    fn exception<'a>(kind: &'a str, value: &'a str) -> Exception<'a> {
        let frames =
            vec![frame("payments.services", "payments/services.py", 139, true), frame("requests.api", "requests/api.py", 59, false)];
        let stacktrace = Some(Stacktrace { frames, ..Stacktrace::default() });
        Exception { kind: Some(kind.into()), value: Some(value.into()), stacktrace, ..Exception::default() }
    }

    #[test]
    fn an_exception_is_named_by_type_first_line_and_failing_application_frame() {
        let event = Event {
            exceptions: vec![exception("KeyError", "'x'"), exception("PaymentError", "\n declined \nlong story")],
            ..Event::default()
        };
        let title = of(&event);
        assert_eq!((title.kind.as_str(), title.value.as_str()), ("PaymentError", "declined"));
        assert_eq!((title.location.as_str(), title.function.as_str()), ("payments/services.py:139", "charge"));
        assert_eq!(title.culprit, "payments.services in charge");
        assert_eq!(of(&Event { transaction: Some("/pay/".into()), ..event }).culprit, "/pay/");
    }

    #[test]
    fn a_group_of_one_type_is_named_by_its_member() {
        fn link(kind: &str, id: i64) -> Exception<'_> {
            let parent_id = (id > 0).then_some(0);
            let mechanism = Mechanism { exception_id: Some(id), parent_id, is_exception_group: Some(id == 0), ..Mechanism::default() };
            Exception { mechanism: Some(mechanism), ..exception(kind, "x") }
        }
        let group = |kinds: [&'static str; 2]| Event {
            exceptions: vec![link(kinds[0], 2), link(kinds[1], 1), link("ExceptionGroup", 0)],
            ..Event::default()
        };
        assert_eq!(of(&group(["KeyError", "KeyError"])).kind, "KeyError");
        assert_eq!(of(&group(["KeyError", "OSError"])).kind, "ExceptionGroup");
    }

    #[test]
    fn a_message_is_named_by_its_text_and_nothing_by_a_word() {
        let logentry = Some(LogEntry { message: Some("hello %s".into()), formatted: Some("hello Ann".into()), ..LogEntry::default() });
        let title = of(&Event { logentry, ..Event::default() });
        assert_eq!((title.kind.as_str(), title.value.as_str(), title.culprit.as_str()), ("", "hello Ann", ""));
        assert_eq!(of(&Event::default()).value, UNTITLED);
    }

    #[test]
    fn a_line_of_a_structured_logger_is_named_by_what_it_says() {
        for text in ["{\"event\": \"payment failed\", \"order\": 17}", "level=error msg=\"payment failed\" order=17"] {
            let logentry = Some(LogEntry { message: Some(text.into()), ..LogEntry::default() });
            assert_eq!(of(&Event { logentry, ..Event::default() }).value, "payment failed");
        }
    }

    #[test]
    fn paths_begin_at_the_package() {
        for (module, path, expected) in [
            ("shop.views", "/srv/www/current/shop/views.py", "shop/views.py:7"),
            ("shop.views", r"C:\apps\shop\views.py", "shop/views.py:7"),
            ("app", "https://cdn.example.org/static/js/app.js?v=3", "app.js:7"),
            ("x", "app:///src/cart.ts", "cart.ts:7"),
            ("x", "./src/cart.ts", "src/cart.ts:7"),
        ] {
            assert_eq!(location(&frame(module, path, 7, true)), expected);
        }
    }

    #[test]
    fn names_are_bounded() {
        let (kind, value) = ("K".repeat(500), "ü".repeat(5_000));
        let event = Event { exceptions: vec![exception(&kind, &value)], ..Event::default() };
        let title = of(&event);
        assert_eq!((title.kind.chars().count(), title.value.chars().count()), (KIND_LEN_MAX, TEXT_LEN_MAX));
    }
}
