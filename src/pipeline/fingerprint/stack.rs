//! Which frames of a stack take part.

use std::collections::BTreeMap;

use super::frame::{Contribution, SEPARATOR};
use super::version::Version;
use crate::protocol::event::{Frame, StackRuling, Stacktrace};

/// Frames looked at, half of them from each end.
pub const FRAMES_MAX: usize = 300;
/// A function that was called so often in a stack that overflowed had its part in that.
const ROUNDS_MIN: usize = 5;
/// Longest cycle of functions that is recognized.
const CYCLE_MAX: usize = 12;

/// The frames of one stack, read once for both ways of looking at them.
pub struct Stack<'a> {
    version: Version,
    /// How many frames the rules of the project want.
    ruling: StackRuling,
    /// Oldest call first, each with what is hashed of it.
    frames: Vec<(Contribution<'a>, String)>,
}

impl<'a> Stack<'a> {
    /// Reads the frames of a stack.
    pub fn read(trace: Option<&'a Stacktrace<'a>>, platform: &str, version: Version) -> Self {
        let frames = trace.map_or(&[][..], |trace| &trace.frames);
        let ruling = trace.and_then(|trace| trace.ruling).unwrap_or_default();
        let contributions = both_ends(frames).filter_map(|frame| Contribution::of(frame, platform, version));
        let folded = fold_comprehensions(contributions, frames.len().min(FRAMES_MAX));
        let with_text = |contribution: Contribution<'a>| {
            let text = contribution.text();
            (contribution, text)
        };
        Self { version, ruling, frames: folded.into_iter().map(with_text).collect() }
    }

    /// What the frames of the application contribute, oldest call first; empty when there are none.
    pub fn app(&self) -> Vec<&str> {
        self.reduce(|contribution| contribution.in_app).into_iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The frames of the application, or all, that take part.
    pub fn counting(&self, app_only: bool) -> Vec<&Contribution<'a>> {
        let taking_part = if app_only { self.reduce(|contribution| contribution.in_app) } else { self.reduce(|_| true) };
        taking_part.into_iter().map(|(contribution, _)| contribution).collect()
    }

    /// The frames behind them.
    pub fn app_contributions(&self) -> impl Iterator<Item = &Contribution<'a>> {
        self.reduce(|contribution| contribution.in_app).into_iter().map(|(contribution, _)| contribution)
    }

    /// What all frames contribute.
    pub fn system(&self) -> Vec<&str> {
        self.reduce(|_| true).into_iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The functions that were called over and over, in the order of their names.
    pub fn cycle(&self, app_only: bool) -> Vec<String> {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (contribution, _) in self.frames.iter().filter(|(contribution, _)| contribution.in_app || !app_only) {
            *counts.entry((&contribution.place, &contribution.function)).or_default() += 1;
        }
        let often = counts.into_iter().filter(|(_, count)| *count >= ROUNDS_MIN);
        often.map(|((place, function), _)| format!("{place}{SEPARATOR}{function}{SEPARATOR}")).collect()
    }

    fn reduce(&self, takes_part: fn(&Contribution<'_>) -> bool) -> Vec<&(Contribution<'a>, String)> {
        let mut stack: Vec<&(Contribution<'a>, String)> = self.frames.iter().filter(|(contribution, _)| takes_part(contribution)).collect();
        drop_forwarding(&mut stack);
        let stack = erase_recursion(stack);
        let stack = if self.version >= Version::Two { fold_cycles(stack) } else { stack };
        self.limit(stack)
    }

    /// As many frames as the rules of the project want, those nearest to the failure.
    fn limit<T>(&self, mut stack: Vec<T>) -> Vec<T> {
        let count = |limit: Option<i64>| limit.and_then(|limit| usize::try_from(limit).ok());
        if count(self.ruling.min_frames).is_some_and(|min| stack.len() < min) {
            return Vec::new();
        }
        if let Some(surplus) = count(self.ruling.max_frames).map(|max| stack.len().saturating_sub(max)) {
            stack.drain(..surplus);
        }
        stack
    }
}

fn both_ends<'a>(frames: &'a [Frame<'a>]) -> impl Iterator<Item = &'a Frame<'a>> {
    let half = FRAMES_MAX / 2;
    let whole = frames.len() <= FRAMES_MAX;
    let head = if whole { frames } else { &frames[..half] };
    let tail = if whole { &[] } else { &frames[frames.len() - half..] };
    head.iter().chain(tail)
}

/// List comprehensions have a frame of their own up to Python 3.11 and none since: the function around them takes over the line.
fn fold_comprehensions<'a>(frames: impl Iterator<Item = Contribution<'a>>, count_max: usize) -> Vec<Contribution<'a>> {
    let mut stack: Vec<Contribution<'a>> = Vec::with_capacity(count_max);
    for contribution in frames {
        match stack.last_mut() {
            Some(around) if contribution.is_comprehension && around.place == contribution.place => around.take_line(contribution),
            _ => stack.push(contribution),
        }
    }
    stack
}

/// Decorators that only pass everything on do not take part, unless they are where it failed.
fn drop_forwarding(stack: &mut Vec<&(Contribution<'_>, String)>) {
    let failing = stack.len().saturating_sub(1);
    let mut place = 0;
    stack.retain(|(contribution, _)| {
        place += 1;
        place - 1 == failing || !contribution.is_forwarding
    });
}

/// A function that called itself, directly or through others of its module, counts once, as it was when it failed.
fn erase_recursion<'s, 'a>(frames: Vec<&'s (Contribution<'a>, String)>) -> Vec<&'s (Contribution<'a>, String)> {
    let mut stack: Vec<&(Contribution<'a>, String)> = Vec::with_capacity(frames.len());
    for frame in frames {
        let same_module = stack.iter().rev().take_while(|(earlier, _)| earlier.place == frame.0.place).count();
        let searched = stack.len() - same_module;
        if let Some(earlier) = stack[searched..].iter().position(|(earlier, _)| frame.0.is_again(earlier)) {
            stack.truncate(searched + earlier);
        }
        stack.push(frame);
    }
    stack
}

/// Functions that call each other over several modules count once, however often they went round: of the same frames one after the other the
/// last are left. (Since version 2.)
fn fold_cycles<'s, 'a>(frames: Vec<&'s (Contribution<'a>, String)>) -> Vec<&'s (Contribution<'a>, String)> {
    let mut stack: Vec<&(Contribution<'a>, String)> = Vec::with_capacity(frames.len());
    for frame in frames {
        stack.push(frame);
        let len = stack.len();
        let repeats = |period: &usize| (1..=*period).all(|back| stack[len - back].1 == stack[len - period - back].1);
        if let Some(period) = (2..=CYCLE_MAX.min(len / 2)).find(repeats) {
            stack.truncate(len - period);
        }
    }
    stack
}
