//! Lines that only pass everything on: `return fn(*args, **kwargs)`.

use std::sync::LazyLock;

use regex::Regex;

use super::version::Version;

/// An optional result, one call by name, and nothing but plain names before arguments that are spread.
static FORWARDING: LazyLock<Regex> = LazyLock::new(|| {
    const CALL: &str = concat!(
        r"^(?:(?:return|yield from|yield)\s+|(?:(?:const|let|var)\s+)?[\w.]+\s*=\s*)?(?:await\s+)?[\w.$]+",
        r"(?:\(\s*(?:[\w.]+\s*,\s*)*(?:\*\*?\w+(?:\s*,\s*\*\*\w+)?|\.\.\.\w+)\s*,?\s*\)|\.(?:apply|call)\(\s*\w+\s*,\s*(?:\.\.\.)?\w+\s*\));?$"
    );
    Regex::new(CALL).expect("the pattern is a constant")
});

/// What wrappers and middleware call the function they stand before.
const NEXT: &str = r"(?:(?:self|this|cls)\.)?_?(?:fn|func|function|callback|cb|view|view_func|view_fn|handler|next_handler|wrapped|wrapped_view|inner|method|meth|get_response|call_next|next|next_app|app|application|wsgi_app|asgi_app|original|orig|callable|endpoint)";
/// Since version 2: an optional result, one call of what comes next, and nothing but names as arguments; with the usual tail of a promise.
static PASSING_ON: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"(?:\w+=)?(?:\*\*?|\.\.\.)?[A-Za-z_$][\w$.]*";
    let call = format!(r"(?:await\s+)?{NEXT}\(\s*(?:{name}\s*,\s*)*(?:{name})?\s*\)");
    let start = r"(?:return\s+|yield\s+|(?:(?:const|let|var)\s+)?[\w.]+\s*=\s*)?";
    let pattern = format!(r"^{start}(?:{call}(?:\.catch\(\w+\))?|Promise\.resolve\({call}\)\.catch\(\w+\));?$");
    Regex::new(&pattern).expect("the pattern is a constant")
});

/// Whether a line, blanks collapsed, hands its caller's arguments to another function and does nothing else.
pub fn is_forwarding(line: &str, version: Version) -> bool {
    may_forward(line.as_bytes()) && FORWARDING.is_match(line)
        || version >= Version::Two && line.ends_with([')', ';']) && PASSING_ON.is_match(line)
}

/// Whether there is a `*`, a `...` or an `.apply(`.
fn may_forward(line: &[u8]) -> bool {
    let dot = |at: usize| line[at..].starts_with(b"...") || line[at..].starts_with(b".apply(");
    (0..line.len()).any(|at| line[at] == b'*' || line[at] == b'.' && dot(at))
}

#[cfg(test)]
mod tests {
    use super::{Version, is_forwarding};

    #[test]
    fn middleware_is_recognized_since_version_2() {
        for line in [
            "response = self.get_response(request)",
            "return get_response(request)",
            "response = await call_next(request)",
            "await self.app(scope, receive, send)",
            "return await handler(request)",
            "next();",
            "await next();",
            "return fn(req, res, next).catch(next);",
            "Promise.resolve(fn(req, res, next)).catch(next);",
            "return self.wsgi_app(environ, start_response)",
            "return func(self, request)",
        ] {
            assert!(is_forwarding(line, Version::Two), "{line}");
            assert!(!is_forwarding(line, Version::One), "{line}");
        }
        for line in
            ["return handler(load(order))", "return charge(order)", "handler.close()", "next(3)", "app = Flask(name)", "view(order.id + 1)"]
        {
            assert!(!is_forwarding(line, Version::Two), "{line}");
        }
    }

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
            assert!(is_forwarding(line, Version::One), "{line}");
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
            assert!(!is_forwarding(line, Version::Two), "{line}");
        }
    }
}
