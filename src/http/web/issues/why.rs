//! `/issues/{id}/events/{event}/why`. *Why is it in this issue, and how do I change that?*

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;

use crate::domain::anatomy::{Anatomy, FramePart};
use crate::domain::fingerprint::MatchedRule;
use crate::domain::grouping_rules::pattern_of;
use crate::http::Doors;
use crate::http::web::issues::address::encoded;
use crate::http::web::issues::find::{self, Found};
use crate::http::web::issues::show::{Opened, open_named};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::protocol::event::{Event, Grouping};
use crate::store::issue_parts;

/// Tags that an issue may be split by, as offered.
const TAGS_MAX: usize = 8;
/// Tags that are different in every event, or say what the others say.
const USELESS_TAGS: &[&str] = &["user", "url", "level", "handled", "mechanism", "transaction", "logger", "release"];

#[derive(Template)]
#[template(path = "pages/issues/why.html")]
struct Page {
    shell: Shell,
    slug: String,
    id: i64,
    short_id: String,
    may_work: bool,
    /// Of the event.
    address: String,
    may_change: bool,
    sentence: String,
    rule: Option<MatchedRule>,
    /// What was compared, marked where values were taken out.
    parts: Vec<Vec<(String, bool)>>,
    ignored: Vec<String>,
    hashes: Vec<HashRow>,
    hash_count: i64,
    stacks: Vec<StackRow>,
    /// Rule drafts: label and address.
    splits: Vec<Draft>,
    rules: Vec<Draft>,
}

/// One hash of the event.
struct HashRow {
    name: String,
    hex: String,
    decided: bool,
}

/// An exception with its frames.
struct StackRow {
    name: String,
    counts: bool,
    why: String,
    frames: Vec<FrameRow>,
}

/// A frame with what can be done about it.
struct FrameRow {
    part: FramePart,
    drafts: Vec<Draft>,
}

/// A rule that can be tried.
struct Draft {
    label: String,
    rule: String,
    address: String,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, me: SignedIn, Path((id, raw)): Path<(String, String)>) -> Result<Html<String>, PageError> {
    let found = find::visible(&doors, me, &id).await?;
    let opened = open_named(&doors, &found, &raw).await?.ok_or(PageError::NotFound)?;
    let Found { issue, access, .. } = found;
    let Opened { stored, event, .. } = opened;
    let known = issue_parts::grouping(&doors.db, issue.project_id, issue.id, &stored.hash).await?;
    let Anatomy { hashes, stacks } = doors.grouping.explain(&event);
    let Grouping { version, explanation } = event.grouping.clone().unwrap_or_default();
    let slug = access.project.slug.clone();
    layout::html(&Page {
        sentence: sentence(&explanation.rung, known.algorithm.unwrap_or(version)),
        parts: explanation.parts.iter().map(|part| marked(part)).collect(),
        ignored: explanation.ignored,
        rule: explanation.rule,
        hashes: rows(&hashes, &stored.hash),
        hash_count: known.hash_count,
        stacks: stacks
            .into_iter()
            .map(|stack| StackRow {
                frames: stack.frames.into_iter().map(|part| frame(part, &slug)).collect(),
                name: stack.name,
                counts: stack.counts,
                why: stack.why,
            })
            .collect(),
        splits: splits(&event, &slug),
        rules: rules(&event, &slug),
        may_change: access.me.user.role.may_administer(),
        may_work: access.me.user.role.may_work(),
        id: issue.id.0,
        shell: Shell::for_project(&doors, &access, Tab::Issues).await?,
        address: format!("/issues/{}/events/{}", issue.id, stored.summary.event_id),
        short_id: issue.short_id(),
        slug,
    })
}

fn sentence(rung: &str, version: i16) -> String {
    match rung {
        "" => format!("Events with the same fingerprint are one issue (version {version} of the algorithm)."),
        "nothing" => format!("It says nothing that could be compared; such events are one issue (version {version} of the algorithm)."),
        rung => format!("Compared by {rung} (version {version} of the algorithm)."),
    }
}

/// The hash that decided may have come from elsewhere: from a version before, or from a merged issue.
fn rows(hashes: &[(&'static str, [u8; 16])], decided: &[u8]) -> Vec<HashRow> {
    let hex = |hash: &[u8]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let row = |(name, hash): &(&'static str, [u8; 16])| HashRow { name: (*name).to_owned(), hex: hex(hash), decided: hash == decided };
    let mut rows: Vec<HashRow> = hashes.iter().map(row).collect();
    if rows.iter().all(|row| !row.decided) {
        rows.push(HashRow { name: "as it was when it arrived".to_owned(), hex: hex(decided), decided: true });
    }
    rows
}

/// Parts a text at what stands for values: `✱`, and classes such as `<int>`.
fn marked(text: &str) -> Vec<(String, bool)> {
    let mut parts: Vec<(String, bool)> = Vec::new();
    let mut rest = text;
    while let Some((at, len)) = placeholder(rest) {
        if at > 0 {
            parts.push((rest[..at].to_owned(), false));
        }
        parts.push((rest[at..at + len].to_owned(), true));
        rest = &rest[at + len..];
    }
    if !rest.is_empty() {
        parts.push((rest.to_owned(), false));
    }
    parts
}

fn placeholder(text: &str) -> Option<(usize, usize)> {
    text.char_indices().find_map(|(at, c)| match c {
        '✱' => Some((at, c.len_utf8())),
        '<' => {
            let len = text[at + 1..].find(|c: char| !c.is_ascii_lowercase() && c != '1' && c != '5')?;
            (len > 1 && text[at + 1 + len..].starts_with('>')).then_some((at, len + 2))
        }
        _ => None,
    })
}

fn frame(part: FramePart, slug: &str) -> FrameRow {
    let mut matchers = Vec::new();
    if !part.place.is_empty() {
        matchers.push(format!("stack.module:{}", pattern_of(&part.place)));
    }
    let bare = part.function.rsplit('.').next().unwrap_or_default();
    if !bare.is_empty() {
        matchers.push(format!("stack.function:{}", pattern_of(bare)));
    }
    let mut drafts = Vec::new();
    if !matchers.is_empty() {
        let matchers = matchers.join(" ");
        let mut add = |label: &str, action: &str| drafts.push(stack_draft(label, format!("{matchers} {action}"), slug));
        match (part.counts, part.in_app) {
            (true, true) => {
                add("Leave it out", "-group");
                add("Not ours", "-app");
            }
            (true, false) => add("Leave it out", "-group"),
            (false, true) => add("Let it count", "+group"),
            (false, false) => add("Ours", "+app"),
        }
    }
    FrameRow { part, drafts }
}

fn stack_draft(label: &str, rule: String, slug: &str) -> Draft {
    Draft { label: label.to_owned(), address: format!("/{slug}/settings/grouping?add_stack={}#preview", encoded(&rule)), rule }
}

fn draft(label: String, rule: String, slug: &str) -> Draft {
    Draft { label, address: format!("/{slug}/settings/grouping?add={}#preview", encoded(&rule)), rule }
}

/// What tells this event from others: type, function and module of the failing frame; logger and message.
fn matchers(event: &Event<'_>) -> Vec<String> {
    let mut matchers = Vec::new();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            matchers.push(format!("{name}:{}", pattern_of(value)));
        }
    };
    let Some(exception) = event.exceptions.last() else {
        add("logger", event.logger.as_deref());
        add("message", event.logentry.as_ref().map(|entry| entry.text()));
        return matchers;
    };
    add("error.type", exception.kind.as_deref());
    let frames = exception.frames();
    match frames.iter().rfind(|frame| frame.in_app == Some(true)).or(frames.last()) {
        Some(frame) => {
            add("stack.module", frame.module.as_deref());
            add("stack.function", frame.function.as_deref());
        }
        None => add("error.value", exception.value.as_deref()),
    }
    matchers
}

fn splits(event: &Event<'_>, slug: &str) -> Vec<Draft> {
    let matchers = matchers(event).join(" ");
    if matchers.is_empty() {
        return Vec::new();
    }
    let mut by = Vec::new();
    if event.transaction.is_some() {
        by.push(("transaction".to_owned(), "transaction".to_owned()));
    }
    if event.exceptions.last().is_some_and(|exception| exception.value.is_some()) {
        by.push(("what the exception says".to_owned(), "error.value".to_owned()));
    }
    if event.logger.is_some() && event.exceptions.is_empty() {
        by.push(("logger".to_owned(), "logger".to_owned()));
    }
    let is_plain = |key: &str| !USELESS_TAGS.contains(&key) && key.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let tags = event.tags.iter().filter(|(key, _)| is_plain(key)).take(TAGS_MAX);
    by.extend(tags.map(|(key, value)| (format!("{key} (here {})", value.chars().take(40).collect::<String>()), format!("tags.{key}"))));
    by.into_iter().map(|(label, variable)| draft(label, format!("{matchers} -> {{{{ default }}}}, {{{{ {variable} }}}}"), slug)).collect()
}

fn rules(event: &Event<'_>, slug: &str) -> Vec<Draft> {
    let matchers = matchers(event);
    let name = name(event);
    let mut rules = Vec::new();
    if matchers.len() > 1 {
        rules.push(draft("All like this, whatever the rest of the stack".to_owned(), format!("{} -> {name}", matchers.join(" ")), slug));
    }
    if let Some(first) = matchers.first() {
        let label = if event.exceptions.is_empty() { "All with this logger or message" } else { "All of this type" };
        rules.push(draft(label.to_owned(), format!("{first} -> {name}"), slug));
    }
    rules
}

/// A word for the fingerprint: of the type, else of the message.
fn name(event: &Event<'_>) -> String {
    let kind = event.exceptions.last().and_then(|exception| exception.kind.as_deref());
    let text = kind.or_else(|| event.logentry.as_ref().map(|entry| entry.text())).unwrap_or_default();
    let mut name = String::new();
    for c in text.chars().take(60) {
        match c {
            c if c.is_alphanumeric() => name.extend(c.to_lowercase()),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "one-issue".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping_rules::{FingerprintRules, StackRules};
    use crate::protocol::event::{Exception, Frame, Stacktrace};

    #[test]
    fn what_stands_for_values_is_marked() {
        let marks = |text: &str| marked(text).into_iter().filter(|(_, is_value)| *is_value).map(|(text, _)| text).collect::<Vec<_>>();
        assert_eq!(marks("Order ✱ of <email> took <int>"), ["✱", "<email>", "<int>"]);
        assert_eq!(marks("a < b > c <Order: 1>"), Vec::<String>::new());
    }

    #[test]
    fn every_draft_is_a_rule_that_is_understood() {
        let frame = Frame {
            module: Some("shop.\"views\"".into()),
            function: Some("{closure*}[0]\\".into()),
            in_app: Some(true),
            ..Frame::default()
        };
        let stacktrace = Some(Stacktrace { frames: vec![frame], ..Stacktrace::default() });
        let exception =
            Exception { kind: Some("Bad\nType".into()), value: Some("x".repeat(500).into()), stacktrace, ..Exception::default() };
        let event = Event {
            exceptions: vec![exception],
            transaction: Some("/pay".into()),
            tags: vec![("shop".into(), "eu".into())],
            ..Event::default()
        };
        let all: Vec<Draft> = splits(&event, "shop").into_iter().chain(rules(&event, "shop")).collect();
        assert_eq!(all.len(), 5);
        for draft in all {
            FingerprintRules::parse(&draft.rule).unwrap_or_else(|faults| panic!("{}: {}", draft.rule, faults[0]));
        }
        let part = FramePart { place: "a b".into(), function: "C.d".into(), counts: true, in_app: true, ..FramePart::default() };
        for draft in super::frame(part, "shop").drafts {
            StackRules::parse(&draft.rule).unwrap_or_else(|faults| panic!("{}: {}", draft.rule, faults[0]));
        }
    }
}
