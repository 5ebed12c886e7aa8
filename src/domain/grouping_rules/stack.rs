//! `matchers actions`: what is done with the frames that match.

use std::fmt;

use super::fault::Fault;
use super::matcher::{MATCHERS_MAX, Matcher};
use super::scan::Scan;
use super::{Language, is_blank, parse_lines};

/// Most actions of one rule.
const ACTIONS_MAX: usize = 20;
/// Most frames that `max-frames` and `min-frames` may ask for.
const FRAMES_MAX: u32 = 1_000;
/// Longest category, in characters.
const CATEGORY_LEN_MAX: usize = 60;
/// What an action may be.
const EXPECTED: &str = "+app, -app, +group or -group, with ^ or v before it; max-frames=N, min-frames=N or category=NAME";

/// The stack trace rules of a project, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackRules {
    /// Each is applied to all frames before the next one is.
    pub rules: Vec<StackRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackRule {
    /// Its line in the text, from 1.
    pub line: usize,
    /// As it was written.
    pub source: String,
    /// What the frame has to be that called this one; empty: anything, or nothing.
    pub caller: Vec<Matcher>,
    /// What the frame has to be; at least one.
    pub matchers: Vec<Matcher>,
    /// What the frame has to be that this one called; empty: anything, or nothing.
    pub callee: Vec<Matcher>,
    /// At least one.
    pub actions: Vec<Action>,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A flag is set or taken away.
    Flag(Reach, Flag, bool),
    /// Only so many frames take part, those nearest to the failure. 0: all.
    MaxFrames(u32),
    /// With fewer frames that take part, none does. 0: any number will do.
    MinFrames(u32),
    /// Rules below may ask for this category.
    Category(String),
}

/// Which frames an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The one that matched.
    This,
    /// Those above it, towards the failure.
    Above,
    /// Those below it, away from the failure.
    Below,
}

/// What is set or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Being the application's.
    App,
    /// Taking part in grouping.
    Group,
}

impl StackRules {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let (rules, faults) = parse_lines(text, StackRule::parse);
        if faults.is_empty() { Ok(Self { rules }) } else { Err(faults) }
    }

    /// Reads the lines that can be read.
    pub fn parse_known(text: &str) -> Self {
        Self { rules: parse_lines(text, StackRule::parse).0 }
    }
}

impl StackRule {
    fn parse(line: usize, source: &str) -> Result<Self, Fault> {
        let mut scan = Scan::new(source);
        let caller = caller(&mut scan)?;
        let matchers = matchers(&mut scan)?;
        if matchers.is_empty() {
            return Err(scan.fault("the rule says nothing about the frame", "a matcher, as in stack.function:handle_*"));
        }
        let callee = callee(&mut scan)?;
        let actions = actions(&mut scan)?;
        if actions.is_empty() {
            return Err(scan.fault("nothing is done with the frames that match", EXPECTED));
        }
        Ok(Self { line, source: source.to_owned(), caller, matchers, callee, actions })
    }
}

/// `[ matchers ] |`
fn caller(scan: &mut Scan<'_>) -> Result<Vec<Matcher>, Fault> {
    scan.skip_blanks();
    if !scan.rest().starts_with('[') {
        return Ok(Vec::new());
    }
    let matchers = bracketed(scan)?;
    scan.skip_blanks();
    if !scan.eat("|") {
        return Err(scan.fault("the bracket about the caller is not followed by a bar", "| and what the frame itself has to be"));
    }
    Ok(matchers)
}

/// `| [ matchers ]`
fn callee(scan: &mut Scan<'_>) -> Result<Vec<Matcher>, Fault> {
    scan.skip_blanks();
    if !scan.eat("|") {
        return Ok(Vec::new());
    }
    scan.skip_blanks();
    if !scan.rest().starts_with('[') {
        return Err(scan.fault("the bar is not followed by a bracket about the callee", "[ and what the called frame has to be"));
    }
    bracketed(scan)
}

fn bracketed(scan: &mut Scan<'_>) -> Result<Vec<Matcher>, Fault> {
    let start = *scan;
    scan.eat("[");
    let matchers = matchers(scan)?;
    scan.skip_blanks();
    if !scan.eat("]") {
        let sticks = start.rest().contains(']');
        let expected = if sticks { "a blank before ], which is part of the pattern otherwise" } else { "] behind the matchers" };
        return Err(start.fault("the bracket that opens here is not closed", expected));
    }
    if matchers.is_empty() {
        return Err(start.fault("there is nothing in the bracket", "a matcher, as in stack.function:handle_*"));
    }
    Ok(matchers)
}

/// Up to an action, a bar or a closing bracket.
fn matchers(scan: &mut Scan<'_>) -> Result<Vec<Matcher>, Fault> {
    let mut matchers = Vec::new();
    loop {
        scan.skip_blanks();
        let word = scan.peek_word();
        if scan.is_done() || word.starts_with(['|', ']']) || looks_like_action(word) {
            return Ok(matchers);
        }
        if word.starts_with("->") {
            return Err(scan.fault("this is the arrow of a fingerprint rule", EXPECTED));
        }
        if matchers.len() == MATCHERS_MAX {
            return Err(scan.fault("the rule has too many matchers", format!("at most {MATCHERS_MAX}")));
        }
        matchers.push(Matcher::parse(scan, Language::Stack)?);
    }
}

/// `+app`, `^-group`, `v+app`, `max-frames=3`
fn looks_like_action(word: &str) -> bool {
    let flag = word.strip_prefix(['^', 'v']).unwrap_or(word);
    let sets = word.split([':', '"']).next().is_some_and(|name| name.contains('='));
    flag.starts_with(['+', '-']) && !flag.starts_with("->") || word.starts_with('^') || sets
}

fn actions(scan: &mut Scan<'_>) -> Result<Vec<Action>, Fault> {
    let mut actions = Vec::new();
    loop {
        scan.skip_blanks();
        if scan.is_done() {
            return Ok(actions);
        }
        if scan.rest().starts_with('#') && !actions.is_empty() {
            return Err(scan.fault("a comment stands behind a rule", "comments on lines of their own"));
        }
        let start = *scan;
        let word = scan.take_while(|c| !is_blank(c));
        actions.push(action(word).map_err(|(what, expected)| start.fault(what, expected))?);
        if actions.len() > ACTIONS_MAX {
            return Err(start.fault("the rule has too many actions", format!("at most {ACTIONS_MAX}")));
        }
    }
}

fn action(word: &str) -> Result<Action, (String, String)> {
    if let Some((name, value)) = word.split_once('=') {
        return variable(name, value);
    }
    let unknown = || Err((format!("“{word}” is no action"), EXPECTED.to_owned()));
    let (reach, flag) = match word.chars().next() {
        Some('^') => (Reach::Above, &word[1..]),
        Some('v') => (Reach::Below, &word[1..]),
        _ => (Reach::This, word),
    };
    let (is_set, name) = match flag.chars().next() {
        Some('+') => (true, &flag[1..]),
        Some('-') => (false, &flag[1..]),
        _ if word.contains(':') => {
            return Err((format!("the matcher “{word}” stands behind an action"), "all matchers before the first action".to_owned()));
        }
        _ => return unknown(),
    };
    match name {
        "app" => Ok(Action::Flag(reach, Flag::App, is_set)),
        "group" => Ok(Action::Flag(reach, Flag::Group, is_set)),
        "prefix" | "sentinel" => Err((format!("“{name}” belongs to an algorithm that Bugle does not have"), "+group or -group".to_owned())),
        _ => unknown(),
    }
}

fn variable(name: &str, value: &str) -> Result<Action, (String, String)> {
    let frames = || match value.parse::<u32>() {
        Ok(count) if count <= FRAMES_MAX => Ok(count),
        _ => Err((format!("“{value}” is no number of frames"), format!("{name}=N with a whole number up to {FRAMES_MAX}; 0 is no limit"))),
    };
    match name {
        "max-frames" => frames().map(Action::MaxFrames),
        "min-frames" => frames().map(Action::MinFrames),
        "category" => {
            let is_fine = !value.is_empty()
                && value.len() <= CATEGORY_LEN_MAX
                && value.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            let expected = "letters, digits, - and _, as in category=telemetry".to_owned();
            if is_fine { Ok(Action::Category(value.to_owned())) } else { Err((format!("“{value}” cannot name a category"), expected)) }
        }
        "invert-stacktrace" => {
            Err(("“invert-stacktrace” belongs to an algorithm that Bugle does not have".to_owned(), EXPECTED.to_owned()))
        }
        _ => Err((format!("there is nothing called “{name}” to set"), "max-frames=N, min-frames=N or category=NAME".to_owned())),
    }
}

impl fmt::Display for StackRule {
    /// As it can be written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |matchers: &[Matcher]| matchers.iter().map(Matcher::to_string).collect::<Vec<_>>().join(" ");
        if !self.caller.is_empty() {
            write!(f, "[ {} ] | ", joined(&self.caller))?;
        }
        f.write_str(&joined(&self.matchers))?;
        if !self.callee.is_empty() {
            write!(f, " | [ {} ]", joined(&self.callee))?;
        }
        self.actions.iter().try_for_each(|action| write!(f, " {action}"))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(reach, flag, is_set) => {
                let reach = match reach {
                    Reach::This => "",
                    Reach::Above => "^",
                    Reach::Below => "v",
                };
                let flag = if *flag == Flag::App { "app" } else { "group" };
                write!(f, "{reach}{}{flag}", if *is_set { '+' } else { '-' })
            }
            Self::MaxFrames(count) => write!(f, "max-frames={count}"),
            Self::MinFrames(count) => write!(f, "min-frames={count}"),
            Self::Category(name) => write!(f, "category={name}"),
        }
    }
}
