//! Which frames of a stack take part.

use super::frame::Contribution;
use crate::protocol::event::Frame;

/// Frames looked at, half of them from each end.
const FRAMES_MAX: usize = 300;

/// What the frames of the application contribute, oldest call first; empty when there are none.
pub fn app(frames: &[Frame], platform: &str) -> Vec<String> {
    reduce(frames, platform, |contribution| contribution.in_app)
}

/// What all frames contribute.
pub fn system(frames: &[Frame], platform: &str) -> Vec<String> {
    reduce(frames, platform, |_| true)
}

fn reduce(frames: &[Frame], platform: &str, takes_part: fn(&Contribution) -> bool) -> Vec<String> {
    let mut stack = fold_comprehensions(both_ends(frames).filter_map(|frame| Contribution::of(frame, platform)));
    stack.retain(takes_part);
    drop_forwarding(&mut stack);
    erase_recursion(stack).iter().map(Contribution::text).collect()
}

fn both_ends<'a>(frames: &'a [Frame<'a>]) -> impl Iterator<Item = &'a Frame<'a>> {
    let half = FRAMES_MAX / 2;
    let whole = frames.len() <= FRAMES_MAX;
    let head = if whole { frames } else { &frames[..half] };
    let tail = if whole { &[] } else { &frames[frames.len() - half..] };
    head.iter().chain(tail)
}

/// List comprehensions have a frame of their own up to Python 3.11 and none since: the function around them takes over the line.
fn fold_comprehensions(frames: impl Iterator<Item = Contribution>) -> Vec<Contribution> {
    let mut stack: Vec<Contribution> = Vec::new();
    for contribution in frames {
        match stack.last_mut() {
            Some(around) if contribution.is_comprehension && around.place == contribution.place => around.take_line(contribution),
            _ => stack.push(contribution),
        }
    }
    stack
}

/// Decorators that only pass everything on do not take part, unless they are where it failed.
fn drop_forwarding(stack: &mut Vec<Contribution>) {
    let failing = stack.len().saturating_sub(1);
    let mut place = 0;
    stack.retain(|contribution| {
        place += 1;
        place - 1 == failing || !contribution.is_forwarding
    });
}

/// A function that called itself, directly or through others of its module, counts once, as it was when it failed.
fn erase_recursion(frames: Vec<Contribution>) -> Vec<Contribution> {
    let mut stack: Vec<Contribution> = Vec::new();
    for contribution in frames {
        let same_module = stack.iter().rev().take_while(|earlier| earlier.place == contribution.place).count();
        let searched = stack.len() - same_module;
        if let Some(earlier) = stack[searched..].iter().position(|earlier| contribution.is_again(earlier)) {
            stack.truncate(searched + earlier);
        }
        stack.push(contribution);
    }
    stack
}
