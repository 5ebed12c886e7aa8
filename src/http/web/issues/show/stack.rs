//! A stack trace as rows: the newest frame first, runs of framework frames folded, the middle of a very long one left out.

use crate::protocol::event::Frame;

use super::frame::FrameView;

/// Longer stacks lose their middle.
const ROWS_MAX: usize = 50;
/// What is kept of a long stack, newest and oldest.
const NEWEST_KEPT: usize = 30;
const OLDEST_KEPT: usize = 10;
/// Own frames that are shown open.
const OPEN_MAX: usize = 8;
/// Most frames of one stack on a page, whatever is asked for: the raw event has the rest.
const FRAMES_MAX: usize = 500;
/// Most packages named in a fold.
const PACKAGES_MAX: usize = 4;

/// A row of the trace.
#[derive(Clone, Debug)]
pub enum Row {
    /// One frame.
    Frame(Box<FrameView>),
    /// A run of framework frames.
    Folded(Fold),
    /// Frames in the middle that are not drawn.
    Missing(usize),
}

/// A run of framework frames.
#[derive(Clone, Debug)]
pub struct Fold {
    /// `django, whitenoise`
    pub packages: String,
    /// Newest first.
    pub frames: Vec<FrameView>,
}

/// Which frames the reader asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Own code, the rest folded.
    #[default]
    App,
    /// All of them.
    All,
}

/// The rows of a stack (frames oldest first, as sent); `raising` says that its first open frame shows its locals, `mark` what was changed in
/// the locals of a frame.
pub fn rows(frames: &[Frame], wanted: Wanted, raising: bool, mark: &dyn Fn(usize) -> String) -> Vec<Row> {
    let has_app = frames.iter().any(|frame| frame.in_app == Some(true));
    let kept = kept(frames.len(), wanted);
    let missing = frames.len() - kept.0 - kept.1;
    let newest_first = frames.iter().rev().enumerate();
    let mut rows = Vec::new();
    let mut opened = 0;
    for (n, frame) in newest_first.filter(|(n, _)| *n < kept.0 || *n >= kept.0 + missing) {
        if missing > 0 && n == kept.0 + missing {
            rows.push(Row::Missing(missing));
        }
        let app = frame.in_app == Some(true);
        let mut view = FrameView::new(frame, app || wanted == Wanted::All || !has_app);
        // Without own code the innermost frame is the best there is.
        let leads = app || (!has_app && n == 0);
        view.open = leads && opened < OPEN_MAX && !(view.lines.is_empty() && view.vars.is_empty());
        view.vars_mark = mark(frames.len() - 1 - n);
        view.vars_open = view.open && raising && opened == 0;
        opened += usize::from(view.open);
        push(&mut rows, view, !leads && wanted == Wanted::App);
    }
    if missing > 0 && kept.1 == 0 {
        rows.push(Row::Missing(missing));
    }
    rows.into_iter().map(unfold_single).collect()
}

/// How many of the newest and of the oldest frames are drawn.
fn kept(len: usize, wanted: Wanted) -> (usize, usize) {
    match wanted {
        Wanted::App if len > ROWS_MAX => (NEWEST_KEPT, OLDEST_KEPT),
        Wanted::All if len > FRAMES_MAX => (FRAMES_MAX, 0),
        _ => (len, 0),
    }
}

fn push(rows: &mut Vec<Row>, frame: FrameView, fold: bool) {
    match rows.last_mut() {
        Some(Row::Folded(run)) if fold => run.frames.push(frame),
        _ if fold => rows.push(Row::Folded(Fold { packages: String::new(), frames: vec![frame] })),
        _ => rows.push(Row::Frame(Box::new(frame))),
    }
}

/// A run of one is not worth a fold; longer ones get their packages.
fn unfold_single(row: Row) -> Row {
    match row {
        Row::Folded(mut run) if run.frames.len() == 1 => Row::Frame(Box::new(run.frames.remove(0))),
        Row::Folded(run) => Row::Folded(Fold { packages: packages(&run.frames), ..run }),
        other => other,
    }
}

/// The packages of a run, in the order in which they appear.
pub fn packages(frames: &[FrameView]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in frames.iter().map(|frame| frame.package.as_str()).filter(|name| !name.is_empty()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(PACKAGES_MAX);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: &str, in_app: bool) -> Frame<'_> {
        Frame {
            function: Some(name.into()),
            module: Some(format!("{name}.mod").into()),
            in_app: Some(in_app),
            context_line: Some("x".into()),
            lineno: Some(1),
            ..Frame::default()
        }
    }

    fn outline(rows: &[Row]) -> Vec<String> {
        let row = |row: &Row| match row {
            Row::Frame(frame) => format!("{}{}", frame.function, if frame.open { " open" } else { "" }),
            Row::Folded(fold) => format!("{} folded: {}", fold.frames.len(), fold.packages),
            Row::Missing(count) => format!("{count} missing"),
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn the_newest_comes_first_and_framework_runs_fold() {
        let frames = [frame("wsgi", false), frame("django", false), frame("view", true), frame("lib", false), frame("pay", true)];
        assert_eq!(
            outline(&rows(&frames, Wanted::App, true, &|_| String::new())),
            ["pay open", "lib", "view open", "2 folded: django, wsgi"]
        );
        assert_eq!(outline(&rows(&frames, Wanted::All, true, &|_| String::new())), ["pay open", "lib", "view open", "django", "wsgi"]);
    }

    #[test]
    fn without_own_code_the_innermost_frame_opens() {
        let frames = [frame("a", false), frame("b", false), frame("c", false)];
        assert_eq!(outline(&rows(&frames, Wanted::App, true, &|_| String::new())), ["c open", "2 folded: b, a"]);
    }

    #[test]
    fn endless_recursion_is_bounded() {
        let frames: Vec<_> = (0..973).map(|_| frame("again", true)).collect();
        let outline = outline(&rows(&frames, Wanted::App, true, &|_| String::new()));
        assert_eq!((outline.len(), outline[30].as_str()), (41, "933 missing"));
        assert_eq!(outline.iter().filter(|row| row.ends_with("open")).count(), OPEN_MAX);
        assert_eq!(rows(&frames, Wanted::All, true, &|_| String::new()).len(), FRAMES_MAX + 1);
    }
}
