//! One frame of a stack trace.

use crate::protocol::event::{Frame, Object};

use super::highlight::{self, Token};
use super::text::{Shown, cut};

/// Most locals of one frame.
const VARS_MAX: usize = 100;
/// Most context lines before and after.
const CONTEXT_MAX: usize = 10;

/// A frame to draw.
#[derive(Clone, Debug, Default)]
pub struct FrameView {
    /// The application's own code.
    pub app: bool,
    /// Shown open.
    pub open: bool,
    /// `payments/services.py:139`
    pub location: String,
    /// `capture_payment`; empty if unknown.
    pub function: String,
    /// The package of framework code: `django`.
    pub package: String,
    /// Source, with the failing line marked. Empty where none was sent.
    pub lines: Vec<Line>,
    /// Locals.
    pub vars: Vec<(String, Shown)>,
    /// The locals are shown open.
    pub vars_open: bool,
    /// What was changed in the locals.
    pub vars_mark: String,
}

/// A line of source.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number, or nothing.
    pub number: String,
    /// The failing one.
    pub marked: bool,
    /// Coloured.
    pub tokens: Vec<Token>,
}

impl FrameView {
    /// Draws a frame; `with_vars` is off where nobody would look for them.
    pub fn new(frame: &Frame, with_vars: bool) -> Self {
        Self {
            app: frame.in_app == Some(true),
            open: false,
            location: location(frame),
            function: cut(frame.function.as_deref().unwrap_or_default(), 200),
            package: package(frame),
            lines: lines(frame),
            vars: if with_vars { vars(&frame.vars) } else { Vec::new() },
            vars_open: false,
            vars_mark: String::new(),
        }
    }
}

/// `file:line`, or whatever says where.
pub fn location(frame: &Frame) -> String {
    let file = [&frame.filename, &frame.abs_path, &frame.module, &frame.package, &frame.instruction_addr];
    let file = cut(file.into_iter().flatten().find(|name| !name.is_empty()).map_or("unknown file", |name| name), 300);
    match frame.lineno {
        Some(line) => format!("{file}:{line}"),
        None => file,
    }
}

/// Which library a framework frame belongs to: what is after `site-packages` or `node_modules`, else the first word of the module.
fn package(frame: &Frame) -> String {
    let path = frame.abs_path.as_deref().or(frame.filename.as_deref()).unwrap_or_default();
    let below = ["site-packages/", "dist-packages/", "node_modules/", "gems/"]
        .iter()
        .find_map(|folder| path.rfind(folder).map(|at| &path[at + folder.len()..]));
    let module = || frame.module.as_deref().and_then(|module| module.split(['.', '/', ':']).find(|word| !word.is_empty()));
    let first = || path.split(['/', '\\']).find(|word| !word.is_empty() && !word.contains(':') && !word.starts_with('<'));
    let name = match below {
        Some(rest) if rest.starts_with('@') => rest.splitn(3, '/').take(2).collect::<Vec<_>>().join("/"),
        Some(rest) => rest.split('/').next().unwrap_or_default().to_owned(),
        None => module().or_else(first).unwrap_or_default().to_owned(),
    };
    cut(name.trim_end_matches(".py"), 40)
}

fn lines(frame: &Frame) -> Vec<Line> {
    let Some(context) = frame.context_line.as_deref() else { return Vec::new() };
    let skipped = frame.pre_context.len().saturating_sub(CONTEXT_MAX);
    let before = &frame.pre_context[skipped..];
    let first = frame.lineno.map(|line| line.saturating_sub(i64::try_from(before.len()).unwrap_or(0)));
    let texts = before.iter().map(AsRef::as_ref).chain([context]).chain(frame.post_context.iter().take(CONTEXT_MAX).map(AsRef::as_ref));
    let numbered = texts.zip(0i64..).enumerate().map(|(n, (text, offset))| Line {
        number: first.map(|first| first.saturating_add(offset).to_string()).unwrap_or_default(),
        marked: n == before.len(),
        tokens: highlight::line(text.trim_end_matches(['\n', '\r'])),
    });
    numbered.collect()
}

fn vars(vars: &Object<'_>) -> Vec<(String, Shown)> {
    vars.iter().take(VARS_MAX).map(|(name, value)| (cut(name, 100), Shown::local(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Text;

    #[test]
    fn the_library_of_a_frame_is_found_in_its_path_or_module() {
        let of = |path: &str, module: &str| {
            package(&Frame {
                abs_path: Some(path.into()),
                module: Some(module.into()).filter(|m: &Text<'_>| !m.is_empty()),
                ..Frame::default()
            })
        };
        assert_eq!(of("/venv/lib/python3.13/site-packages/django/views/base.py", "django.views.base"), "django");
        assert_eq!(of("/app/node_modules/@nestjs/core/router.js", ""), "@nestjs/core");
        assert_eq!(of("/usr/lib/python3.13/threading.py", "threading"), "threading");
        assert_eq!(of("node:internal/process", ""), "process");
        assert_eq!(of("", ""), "");
    }

    #[test]
    fn lines_are_numbered_around_the_failing_one() {
        let frame = Frame {
            lineno: Some(3),
            pre_context: vec!["a".into(), "b".into()],
            context_line: Some("c\n".into()),
            post_context: vec!["d".into()],
            ..Frame::default()
        };
        let found: Vec<_> = lines(&frame).into_iter().map(|line| (line.number, line.marked)).collect();
        assert_eq!(found, [("1".into(), false), ("2".into(), false), ("3".into(), true), ("4".into(), false)]);
        assert!(lines(&Frame { context_line: None, ..frame }).is_empty());
    }
}
