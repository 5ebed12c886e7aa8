//! Source lines that were looked at before and hold nothing to take out. The lines around a frame are the same in every event that
//! passed there, and knowing them again is a fifth of looking through them.
//!
//! What is found in lines depends on nothing but the lines and the rules, so remembering changes no result. Only the default rules are
//! remembered for. Lines are known by a hash under keys that are drawn at the start and told nobody: lines that only seem familiar cannot be made.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::RandomState;

use crate::protocol::event::Frame;

/// Frames that are remembered, 8 bytes each. Of two that share a slot the later one stays.
const SLOTS: usize = 1 << 15;

static SEEN: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The source lines of a frame, as they are known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines(u64);

impl Lines {
    /// Of a frame.
    pub(super) fn of(frame: &Frame<'_>) -> Self {
        let mut hasher = KEYS.build_hasher();
        for line in frame.pre_context.iter().chain(&frame.context_line).chain(&frame.post_context) {
            line.hash(&mut hasher);
        }
        Self(hasher.finish())
    }

    /// Whether nothing is to be taken out of them, as far as is remembered.
    pub(super) fn are_clean(self) -> bool {
        self.slot().load(Ordering::Relaxed) == self.0
    }

    /// Nothing was found in them.
    pub(super) fn note_clean(self) {
        self.slot().store(self.0, Ordering::Relaxed);
    }

    fn slot(self) -> &'static AtomicU64 {
        #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
        let place = self.0 as usize % SLOTS;
        &SEEN[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame<'a>(before: &[&'a str], line: Option<&'a str>, after: &[&'a str]) -> Frame<'a> {
        let lines = |lines: &[&'a str]| lines.iter().map(|line| (*line).into()).collect();
        Frame { pre_context: lines(before), context_line: line.map(Into::into), post_context: lines(after), ..Frame::default() }
    }

    #[test]
    fn lines_are_known_again_and_no_others() {
        let all = [
            frame(&["def pay():", "    a = 1"], Some("    return a"), &["", "x"]),
            frame(&["def pay():", "    a = 1"], Some("    return a"), &["x", ""]),
            frame(&["def pay():    a = 1"], Some("    return a"), &["", "x"]),
            frame(&["def pay():", "    a = 1", "    return a"], None, &["", "y"]),
            frame(&[], None, &[]),
        ];
        let lines: Vec<Lines> = all.iter().map(Lines::of).collect();
        for (at, one) in lines.iter().enumerate() {
            assert_eq!(Lines::of(&all[at]), *one);
            assert!(lines[..at].iter().all(|other| other != one));
            one.note_clean();
            assert!(one.are_clean());
        }
        assert!(!Lines::of(&frame(&["never seen"], None, &[])).are_clean());
    }
}
