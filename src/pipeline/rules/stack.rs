//! Stack trace rules: what each frame counts for.

use super::FUEL;
use super::evidence::{Folded, FrameFacts, Fuel, exception_holds};
use crate::domain::grouping_rules::{Action, Flag, Matcher, Reach, StackRule, StackRules, Subject};
use crate::protocol::event::{Event, Exception, FrameRuling, StackRuling, Stacktrace};

/// Applies the rules to all stacks of an event, as if they had never been applied before. The lines of the rules that fit a frame.
pub fn apply(event: &mut Event<'_>, rules: &StackRules) -> Vec<usize> {
    let mut lines = Vec::new();
    if rules.rules.is_empty() {
        return lines;
    }
    forget(event);
    let fuel = Fuel::new(FUEL);
    let platform = event.platform.clone();
    for exception in &mut event.exceptions {
        let Some(mut trace) = exception.stacktrace.take() else { continue };
        rule_over(&mut trace, Some(exception), &platform, rules, &fuel, &mut lines);
        exception.stacktrace = Some(trace);
    }
    let of_threads = event.threads.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
    for trace in of_threads.chain(event.stacktrace.as_mut()) {
        rule_over(trace, None, &platform, rules, &fuel, &mut lines);
    }
    lines
}

/// Undoes what rules said about a stored event.
pub fn forget(event: &mut Event<'_>) {
    for trace in traces_mut(event) {
        trace.ruling = None;
        for frame in &mut trace.frames {
            if let Some(was) = frame.ruling.take().and_then(|ruling| ruling.was_in_app) {
                frame.in_app = Some(was);
            }
        }
    }
}

/// Whether rules took something out of the stacks of an event, and added nothing.
pub fn narrowed(event: &Event<'_>) -> bool {
    let traces = || {
        let of_exceptions = event.exceptions.iter().filter_map(|exception| exception.stacktrace.as_ref());
        let of_threads = event.threads.iter().filter_map(|thread| thread.stacktrace.as_ref());
        of_exceptions.chain(of_threads).chain(event.stacktrace.as_ref())
    };
    let rulings = || traces().flat_map(|trace| &trace.frames).filter_map(|frame| frame.ruling.as_deref());
    let adds = |ruling: &FrameRuling| ruling.group == Some(true) || ruling.was_in_app == Some(false);
    let limits = traces().any(|trace| trace.ruling.is_some());
    (limits || rulings().next().is_some()) && !rulings().any(adds)
}

/// Asks something about an event as it would be without its rules, which hold again afterwards.
pub fn without<R>(event: &mut Event<'_>, ask: impl FnOnce(&Event<'_>) -> R) -> R {
    let mut kept = Vec::new();
    for trace in traces_mut(event) {
        let frames: Vec<_> = trace.frames.iter_mut().map(|frame| (frame.in_app, frame.ruling.take())).collect();
        for (frame, (_, ruling)) in trace.frames.iter_mut().zip(&frames) {
            frame.in_app = ruling.as_ref().and_then(|ruling| ruling.was_in_app).or(frame.in_app);
        }
        kept.push((trace.ruling.take(), frames));
    }
    let answer = ask(event);
    for (trace, (ruling, frames)) in traces_mut(event).zip(kept) {
        trace.ruling = ruling;
        for (frame, (in_app, ruling)) in trace.frames.iter_mut().zip(frames) {
            (frame.in_app, frame.ruling) = (in_app, ruling);
        }
    }
    answer
}

fn traces_mut<'e, 'a>(event: &'e mut Event<'a>) -> impl Iterator<Item = &'e mut Stacktrace<'a>> {
    let of_exceptions = event.exceptions.iter_mut().filter_map(|exception| exception.stacktrace.as_mut());
    let of_threads = event.threads.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
    of_exceptions.chain(of_threads).chain(event.stacktrace.as_mut())
}

/// What is known of the frames of one stack while rules are applied to it.
struct Scene<'e, 'r> {
    facts: Vec<FrameFacts<'e>>,
    states: Vec<State<'r>>,
    ruling: StackRuling,
}

#[derive(Clone, Default)]
struct State<'r> {
    in_app: bool,
    category: Option<&'r str>,
    ruling: FrameRuling,
}

fn rule_over(
    trace: &mut Stacktrace<'_>,
    exception: Option<&Exception<'_>>,
    platform: &str,
    rules: &StackRules,
    fuel: &Fuel,
    lines: &mut Vec<usize>,
) {
    let mut scene = Scene {
        facts: trace.frames.iter().map(|frame| FrameFacts::of(frame, platform)).collect(),
        states: trace.frames.iter().map(|frame| State { in_app: frame.in_app == Some(true), ..State::default() }).collect(),
        ruling: StackRuling::default(),
    };
    let folded = Folded::new();
    for rule in &rules.rules {
        let about_exceptions = || rule.matchers.iter().filter(|matcher| is_about_exceptions(matcher));
        let raised = |matcher: &Matcher| exception.is_some_and(|exception| exception_holds(matcher, exception, &folded, fuel));
        if about_exceptions().all(raised) && scene.apply(rule, fuel) && !lines.contains(&rule.line) {
            lines.push(rule.line);
        }
    }
    let Scene { states, ruling, .. } = scene;
    trace.ruling = (ruling != StackRuling::default()).then_some(ruling);
    for (frame, State { in_app, mut ruling, .. }) in trace.frames.iter_mut().zip(states) {
        let was = frame.in_app == Some(true);
        if was != in_app {
            ruling.was_in_app = Some(was);
            frame.in_app = Some(in_app);
        }
        frame.ruling = (ruling != FrameRuling::default()).then(|| Box::new(ruling));
    }
}

fn is_about_exceptions(matcher: &Matcher) -> bool {
    matches!(matcher.subject, Subject::ErrorType | Subject::ErrorValue | Subject::Mechanism)
}

impl<'r> Scene<'_, 'r> {
    /// Whether it fits a frame.
    fn apply(&mut self, rule: &'r StackRule, fuel: &Fuel) -> bool {
        let matched: Vec<usize> = (0..self.facts.len()).filter(|at| self.matches(rule, *at, fuel)).collect();
        if fuel.is_empty() {
            return false;
        }
        for at in &matched {
            for action in &rule.actions {
                self.act(action, *at, rule.line);
            }
        }
        !matched.is_empty()
    }

    /// The frame itself, who called it (the frame before), and whom it called.
    fn matches(&self, rule: &StackRule, at: usize, fuel: &Fuel) -> bool {
        let beside = |at: Option<usize>, matchers: &[Matcher]| matchers.is_empty() || at.is_some_and(|at| self.fits(matchers, at, fuel));
        self.fits(&rule.matchers, at, fuel) && beside(at.checked_sub(1), &rule.caller) && beside(Some(at + 1), &rule.callee)
    }

    fn fits(&self, matchers: &[Matcher], at: usize, fuel: &Fuel) -> bool {
        let (Some(facts), Some(state)) = (self.facts.get(at), self.states.get(at)) else { return false };
        let about_frames = matchers.iter().filter(|matcher| !is_about_exceptions(matcher));
        about_frames.into_iter().all(|matcher| facts.holds(matcher, state.in_app, state.category, fuel))
    }

    fn act(&mut self, action: &'r Action, at: usize, line: usize) {
        let line = i64::try_from(line).ok();
        match action {
            Action::Flag(reach, flag, is_set) => {
                let states = match reach {
                    Reach::This => &mut self.states[at..=at],
                    Reach::Above => &mut self.states[at + 1..],
                    Reach::Below => &mut self.states[..at],
                };
                for state in states {
                    state.set(*flag, *is_set, line);
                }
            }
            Action::MaxFrames(count) => self.ruling.max_frames = Some(i64::from(*count)).filter(|count| *count > 0),
            Action::MinFrames(count) => self.ruling.min_frames = Some(i64::from(*count)).filter(|count| *count > 0),
            Action::Category(name) => self.states[at].category = Some(name),
        }
    }
}

impl State<'_> {
    fn set(&mut self, flag: Flag, is_set: bool, line: Option<i64>) {
        match flag {
            Flag::App if self.in_app != is_set => (self.in_app, self.ruling.in_app_line) = (is_set, line),
            Flag::App => {}
            Flag::Group => (self.ruling.group, self.ruling.group_line) = (Some(is_set), line),
        }
    }
}
