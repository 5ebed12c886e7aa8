//! Lines that only pass everything on: `return fn(*args, **kwargs)`.

use std::sync::LazyLock;

use regex::Regex;

/// An optional result, one call by name, and nothing but plain names before arguments that are spread.
static FORWARDING: LazyLock<Regex> = LazyLock::new(|| {
    const CALL: &str = concat!(
        r"^(?:(?:return|yield from|yield)\s+|(?:(?:const|let|var)\s+)?[\w.]+\s*=\s*)?(?:await\s+)?[\w.$]+",
        r"(?:\(\s*(?:[\w.]+\s*,\s*)*(?:\*\*?\w+(?:\s*,\s*\*\*\w+)?|\.\.\.\w+)\s*,?\s*\)|\.(?:apply|call)\(\s*\w+\s*,\s*(?:\.\.\.)?\w+\s*\));?$"
    );
    Regex::new(CALL).expect("the pattern is a constant")
});

/// Whether a line, blanks collapsed, hands its caller's arguments to another function and does nothing else.
pub fn is_forwarding(line: &str) -> bool {
    may_forward(line.as_bytes()) && FORWARDING.is_match(line)
}

/// Whether there is a `*`, a `...` or an `.apply(`.
fn may_forward(line: &[u8]) -> bool {
    let dot = |at: usize| line[at..].starts_with(b"...") || line[at..].starts_with(b".apply(");
    (0..line.len()).any(|at| line[at] == b'*' || line[at] == b'.' && dot(at))
}

#[cfg(test)]
mod tests {
    use super::is_forwarding;

    #[test]
    fn wrappers_are_recognized() {
        for line in [
            "return fn(*args, **kw)",
            "result = func(*args, **kwargs)",
            "return view_func(request, *args, **kwargs)",
            "response = await self.get_response(*args)",
            "return self.fn(**kwargs)",
            "return next(...args);",
            "return fn.apply(this, arguments);",
        ] {
            assert!(is_forwarding(line), "{line}");
        }
    }

    #[test]
    fn lines_that_do_something_are_not() {
        for line in [
            "return charge(order, amount)",
            "return fn(*args, timeout=3, **kw)",
            "return fn(load(1), *args)",
            "super().save(*args, **kwargs)",
            "total = price * count",
            "return a(*args) + 1",
        ] {
            assert!(!is_forwarding(line), "{line}");
        }
    }
}
