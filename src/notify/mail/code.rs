//! The five lines of code and the top frames, from the stored event. Only what a mail shows is read; anything odd is left out.

use serde::Deserialize;

use super::words;

/// Lines before and after the failing one.
const BEFORE: usize = 3;
const AFTER: usize = 1;
/// Longest line shown, in characters.
const LINE_LEN_MAX: usize = 160;
/// Frames named.
const FRAMES_MAX: usize = 5;

/// What a mail shows of a stack trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Lines around the failing one; empty where the client sent none.
    pub lines: Vec<Line>,
    /// `file:line in function`, innermost first.
    pub frames: Vec<String>,
}

/// A line of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, right-aligned with its neighbours.
    pub number: String,
    /// The code.
    pub text: String,
    /// The one that failed.
    pub failing: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    exceptions: Vec<Holder>,
    stacktrace: Option<Stacktrace>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Holder {
    stacktrace: Option<Stacktrace>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stacktrace {
    frames: Vec<Frame>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Frame {
    function: Option<String>,
    module: Option<String>,
    filename: Option<String>,
    abs_path: Option<String>,
    lineno: Option<i64>,
    pre_context: Vec<String>,
    context_line: Option<String>,
    post_context: Vec<String>,
    in_app: Option<bool>,
}

/// Reads the JSON of a stored event; nothing where there is no stack trace.
pub fn excerpt(json: &[u8]) -> Excerpt {
    let event: Event = serde_json::from_slice(json).unwrap_or_default();
    let raised = event.exceptions.into_iter().rev().find_map(|exception| exception.stacktrace).or(event.stacktrace);
    let frames = raised.unwrap_or_default().frames;
    let own = |frame: &&Frame| frame.in_app == Some(true);
    let Some(failing) = frames.iter().rev().find(own).or(frames.last()) else { return Excerpt::default() };
    let any_own = frames.iter().any(|frame| own(&frame));
    let named = frames.iter().rev().filter(|frame| !any_own || own(frame)).take(FRAMES_MAX).map(Frame::name).collect();
    Excerpt { lines: failing.lines(), frames: named }
}

impl Frame {
    fn name(&self) -> String {
        let file = self.filename.as_deref().or(self.abs_path.as_deref()).or(self.module.as_deref()).unwrap_or("unknown file");
        let place = self.lineno.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
        let name = self.function.as_deref().map_or_else(|| place.clone(), |function| format!("{place} in {function}"));
        words::cut(&one_line(&name), LINE_LEN_MAX)
    }

    fn lines(&self) -> Vec<Line> {
        let (Some(failing), Some(number)) = (&self.context_line, self.lineno) else { return Vec::new() };
        let before = &self.pre_context[self.pre_context.len().saturating_sub(BEFORE)..];
        let after = &self.post_context[..self.post_context.len().min(AFTER)];
        let first = number - i64::try_from(before.len()).unwrap_or_default();
        let width = (number + AFTER as i64).to_string().len();
        let indent = before.iter().chain([failing]).chain(after).filter_map(|text| indent(text)).min().unwrap_or(0);
        let all = before.iter().chain([failing]).chain(after);
        (first..)
            .zip(all)
            .map(|(at, text)| Line {
                number: format!("{at:>width$}"),
                text: words::cut(&one_line(text.get(indent..).unwrap_or_default()), LINE_LEN_MAX),
                failing: at == number,
            })
            .collect()
    }
}

/// Blanks before the code, in bytes; `None` for an empty line. What all lines share is left out: a phone is narrow.
fn indent(text: &str) -> Option<usize> {
    text.find(|c| c != ' ' && c != '\t')
}

fn one_line(text: &str) -> String {
    text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"exceptions":[{"type":"E","stacktrace":{"frames":[
        {"filename":"django/handler.py","lineno":10,"function":"inner","in_app":false},
        {"filename":"shop/pay.py","lineno":100,"function":"charge","in_app":true,"context_line":"    raise E()",
         "pre_context":["a","b","c","d"],"post_context":["e","f"]},
        {"filename":"lib/x.py","lineno":3,"function":"deep","in_app":false}]}}]}"#;

    #[test]
    fn the_innermost_own_frame_is_shown_with_five_lines() {
        let excerpt = excerpt(EVENT.as_bytes());
        assert_eq!(excerpt.frames, ["shop/pay.py:100 in charge"]);
        let numbers: Vec<_> = excerpt.lines.iter().map(|line| line.number.as_str()).collect();
        assert_eq!(numbers, [" 97", " 98", " 99", "100", "101"]);
        assert_eq!(excerpt.lines.iter().find(|line| line.failing).map(|line| line.text.as_str()), Some("    raise E()"));
    }

    #[test]
    fn the_indentation_that_all_lines_share_is_left_out() {
        let event = r#"{"exceptions":[{"stacktrace":{"frames":[{"lineno":2,"in_app":true,
            "pre_context":["    try:"],"context_line":"        pay(é)","post_context":[""]}]}}]}"#;
        let lines: Vec<_> = excerpt(event.as_bytes()).lines.into_iter().map(|line| line.text).collect();
        assert_eq!(lines, ["try:", "    pay(é)", ""]);
    }

    #[test]
    fn an_event_without_a_stack_shows_none() {
        assert_eq!(excerpt(br#"{"logentry":{"message":"hi"}}"#), Excerpt::default());
        assert_eq!(excerpt(b"not json"), Excerpt::default());
    }
}
