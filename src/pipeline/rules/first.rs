//! Fingerprint rules: the first that matches.

use std::cell::OnceCell;

use super::FUEL;
use super::evidence::{Folded, FrameFacts, Fuel, cut, event_holds, exception_holds, message_holds};
use super::variables;
use crate::domain::grouping_rules::{FingerprintRule, FingerprintRules, Matcher, Piece, Subject, Template};
use crate::protocol::event::{Event, Frame};

/// What a rule says about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// Line of the rule.
    pub line: usize,
    /// The rule as it was written.
    pub source: String,
    /// The fingerprint, as a client would send it: variables are not filled in yet.
    pub parts: Vec<String>,
    /// What the event is called.
    pub title: Option<String>,
}

/// The first rule that matches an event; its stack trace rules have been applied.
pub fn first(event: &Event<'_>, rules: &FingerprintRules) -> Option<Ruled> {
    if rules.rules.is_empty() {
        return None;
    }
    let sight = Sight::of(event);
    rules.rules.iter().find(|rule| sight.matches(rule)).map(|rule| Ruled::of(rule, event))
}

impl Ruled {
    /// What a rule that matches says about an event.
    pub fn of(rule: &FingerprintRule, event: &Event<'_>) -> Self {
        Self {
            line: rule.line,
            source: rule.source.clone(),
            parts: rule.parts.iter().map(Template::source).collect(),
            title: rule.title.as_ref().map(|title| filled(title, event)),
        }
    }
}

/// What several matchers are asked together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Exceptions,
    Messages,
    Frames,
    Event,
}

fn about(matcher: &Matcher) -> About {
    match matcher.subject {
        Subject::ErrorType | Subject::ErrorValue | Subject::Mechanism => About::Exceptions,
        Subject::Message => About::Messages,
        Subject::Path | Subject::Module | Subject::Function | Subject::Package | Subject::App | Subject::Category => About::Frames,
        Subject::Logger | Subject::Level | Subject::Release | Subject::Sdk | Subject::Tag(_) | Subject::Family => About::Event,
    }
}

/// An event as rules see it.
struct Sight<'e> {
    event: &'e Event<'e>,
    fuel: Fuel,
    values: Vec<Folded>,
    messages: OnceCell<Vec<String>>,
    frames: OnceCell<Vec<(FrameFacts<'e>, bool)>>,
}

impl<'e> Sight<'e> {
    fn of(event: &'e Event<'e>) -> Self {
        let values = event.exceptions.iter().map(|_| Folded::new()).collect();
        Self { event, fuel: Fuel::new(FUEL), values, messages: OnceCell::new(), frames: OnceCell::new() }
    }

    fn matches(&self, rule: &FingerprintRule) -> bool {
        let kinds = [About::Event, About::Exceptions, About::Messages, About::Frames];
        let holds = kinds.into_iter().all(|kind| {
            let asked: Vec<&Matcher> = rule.matchers.iter().filter(|matcher| about(matcher) == kind).collect();
            asked.is_empty() || self.any_fits(kind, &asked)
        });
        holds && !self.fuel.is_empty()
    }

    /// Whether there is one thing of this kind for which all the matchers hold.
    fn any_fits(&self, kind: About, asked: &[&Matcher]) -> bool {
        let fuel = &self.fuel;
        match kind {
            About::Event => asked.iter().all(|matcher| event_holds(matcher, self.event, fuel) == Some(true)),
            About::Exceptions => {
                let mut exceptions = self.event.exceptions.iter().zip(&self.values);
                exceptions.any(|(exception, folded)| asked.iter().all(|matcher| exception_holds(matcher, exception, folded, fuel)))
            }
            About::Messages => self.messages().iter().any(|text| asked.iter().all(|matcher| message_holds(matcher, text, fuel))),
            About::Frames => {
                let mut frames = self.frames().iter();
                frames.any(|(facts, in_app)| asked.iter().all(|matcher| facts.holds(matcher, *in_app, None, fuel)))
            }
        }
    }

    /// The logged text and those of the exceptions, in lower case.
    fn messages(&self) -> &[String] {
        self.messages.get_or_init(|| {
            let logged = self.event.logentry.as_ref().map(|entry| entry.text());
            let raised = self.event.exceptions.iter().filter_map(|exception| exception.value.as_deref());
            logged.into_iter().chain(raised).filter(|text| !text.is_empty()).map(|text| cut(text).to_lowercase()).collect()
        })
    }

    fn frames(&self) -> &[(FrameFacts<'e>, bool)] {
        self.frames.get_or_init(|| {
            let facts = |frame: &'e Frame<'e>| (FrameFacts::of(frame, &self.event.platform), frame.in_app == Some(true));
            variables::stacks(self.event).flatten().map(facts).collect()
        })
    }
}

/// A title with its variables filled in; what the event does not have is said so.
fn filled(title: &Template, event: &Event<'_>) -> String {
    let fill = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Variable(name) => match variables::value(name, event).flatten().filter(|value| !value.is_empty()) {
            Some(value) => value.into_owned(),
            None => format!("<no {name}>"),
        },
    };
    title.pieces().iter().map(fill).collect()
}
