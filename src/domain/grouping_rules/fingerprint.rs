//! `matchers -> fingerprint`: the events that match get this fingerprint.

use std::fmt;

use super::fault::Fault;
use super::matcher::{MATCHERS_MAX, Matcher};
use super::scan::Scan;
use super::template::Template;
use super::{Language, is_blank, parse_lines};

/// Most parts of a fingerprint.
const PARTS_MAX: usize = 20;
/// The arrow between what matches and what it gets.
const ARROW: &str = "->";

/// The fingerprint rules of a project, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FingerprintRules {
    /// The first that matches decides.
    pub rules: Vec<FingerprintRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FingerprintRule {
    /// Its line in the text, from 1.
    pub line: usize,
    /// As it was written.
    pub source: String,
    /// All of them must hold; at least one.
    pub matchers: Vec<Matcher>,
    /// The fingerprint; at least one part.
    pub parts: Vec<Template>,
    /// What such an event is called.
    pub title: Option<Template>,
}

impl FingerprintRules {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let (rules, faults) = parse_lines(text, FingerprintRule::parse);
        if faults.is_empty() { Ok(Self { rules }) } else { Err(faults) }
    }

    /// Reads the lines that can be read.
    pub fn parse_known(text: &str) -> Self {
        Self { rules: parse_lines(text, FingerprintRule::parse).0 }
    }
}

impl FingerprintRule {
    fn parse(line: usize, source: &str) -> Result<Self, Fault> {
        let mut scan = Scan::new(source);
        let matchers = matchers(&mut scan)?;
        let (mut parts, mut title) = (Vec::new(), None);
        while let Some(start) = next_part(&mut scan) {
            if let Some(name) = attribute(&mut scan) {
                read_attribute(name, &mut title, start, &mut scan)?;
                continue;
            }
            parts.push(part(&mut scan)?);
            if parts.len() > PARTS_MAX {
                return Err(start.fault("the fingerprint has too many parts", format!("at most {PARTS_MAX}")));
            }
        }
        if parts.is_empty() {
            return Err(scan.fault("the fingerprint is missing", "one or more parts behind the arrow, with commas between"));
        }
        Ok(Self { line, source: source.to_owned(), matchers, parts, title })
    }
}

/// Everything up to behind the arrow.
fn matchers(scan: &mut Scan<'_>) -> Result<Vec<Matcher>, Fault> {
    let mut matchers = Vec::new();
    loop {
        scan.skip_blanks();
        if scan.is_done() {
            return Err(scan.fault("there is no arrow", "-> and a fingerprint behind the matchers"));
        }
        let start = *scan;
        if scan.eat(ARROW) {
            if matchers.is_empty() {
                return Err(start.fault("nothing stands before the arrow", "one or more matchers, as in error.type:KeyError"));
            }
            return Ok(matchers);
        }
        if matchers.len() == MATCHERS_MAX {
            return Err(start.fault("the rule has too many matchers", format!("at most {MATCHERS_MAX}")));
        }
        let stuck = scan.peek_word();
        matchers.push(Matcher::parse(scan, Language::Fingerprint)?);
        if !stuck.contains('"') && stuck.contains(ARROW) && !scan.rest().contains(ARROW) {
            return Err(start.fault(format!("the arrow sticks to “{stuck}”"), "a blank before ->"));
        }
    }
}

/// The beginning of the next part, if there is one.
fn next_part<'a>(scan: &mut Scan<'a>) -> Option<Scan<'a>> {
    while scan.skip_blanks() || scan.eat(",") {}
    (!scan.is_done()).then_some(*scan)
}

/// `name=`, before a quote.
fn attribute<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    let mut ahead = *scan;
    let name = ahead.take_while(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let found = !name.is_empty() && ahead.eat("=") && ahead.rest().starts_with('"');
    found.then(|| {
        *scan = ahead;
        name
    })
}

fn read_attribute(name: &str, title: &mut Option<Template>, start: Scan<'_>, scan: &mut Scan<'_>) -> Result<(), Fault> {
    if name != "title" {
        return Err(start.fault(format!("there is no attribute called “{name}”"), "title=\"…\""));
    }
    if title.is_some() {
        return Err(start.fault("there is a second title", "one title"));
    }
    let Some(word) = scan.quoted()? else { return Err(scan.fault("the title is not in quotes", "title=\"…\"")) };
    if word.text.trim().is_empty() {
        return Err(start.fault("the title is empty", "a text in quotes, or no title"));
    }
    *title = Some(Template::parse(&word.text, word.column, false)?);
    Ok(())
}

/// In quotes, or up to the next blank or comma; variables may hold blanks.
fn part(scan: &mut Scan<'_>) -> Result<Template, Fault> {
    let start = *scan;
    if let Some(word) = scan.quoted()? {
        if word.text.is_empty() {
            return Err(start.fault("a part of the fingerprint is empty", "a text or a variable"));
        }
        return Template::parse(&word.text, word.column, true);
    }
    let mut text = String::new();
    while !scan.is_done() {
        if scan.rest().starts_with("{{") {
            let Some(len) = scan.rest().find("}}") else {
                return Err(scan.fault("the braces {{ are not closed", "}} behind the name of a variable"));
            };
            text.push_str(&scan.rest()[..len + 2]);
            scan.eat(&scan.rest()[..len + 2]);
            continue;
        }
        let piece = scan.take_while(|c| !is_blank(c) && c != ',' && c != '{');
        text.push_str(piece);
        if piece.is_empty() {
            if !scan.eat("{") {
                break;
            }
            text.push('{');
        }
    }
    if text.starts_with(ARROW) {
        return Err(start.fault("there is a second arrow", "the parts of the fingerprint"));
    }
    Template::parse(&text, start.column(), true)
}

impl fmt::Display for FingerprintRule {
    /// As it can be written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for matcher in &self.matchers {
            write!(f, "{matcher} ")?;
        }
        f.write_str(ARROW)?;
        for (place, part) in self.parts.iter().enumerate() {
            write!(f, "{} {part}", if place == 0 { "" } else { "," })?;
        }
        if let Some(title) = &self.title {
            f.write_str(" title=")?;
            title.write_quoted(f)?;
        }
        Ok(())
    }
}
