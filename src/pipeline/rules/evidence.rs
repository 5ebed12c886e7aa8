//! What matchers look at, prepared when the first one asks.

use std::cell::{Cell, OnceCell};

use crate::domain::grouping_rules::{Family, Glob, Matcher, Subject, Test};
use crate::protocol::event::{Event, Exception, Frame};

/// What of a text is looked at, in bytes.
const TEXT_LEN_MAX: usize = 8_192;

/// What is left of the budget of an event.
pub struct Fuel(Cell<u64>);

impl Fuel {
    /// A full tank.
    pub fn new(steps: u64) -> Self {
        Self(Cell::new(steps))
    }

    /// Nothing may be decided any more.
    pub fn is_empty(&self) -> bool {
        self.0.get() == 0
    }

    fn fits(&self, glob: &Glob, text: &str) -> bool {
        let mut left = self.0.get();
        let fits = glob.matches(text, &mut left);
        self.0.set(left);
        fits
    }
}

/// A text in lower case.
pub type Folded = OnceCell<String>;

/// A frame as matchers see it.
pub struct FrameFacts<'e> {
    frame: &'e Frame<'e>,
    family: Family,
    abs_path: Folded,
    filename: Folded,
    package: Folded,
}

impl<'e> FrameFacts<'e> {
    /// Of a frame; `platform` is that of its event.
    pub fn of(frame: &'e Frame<'e>, platform: &str) -> Self {
        let family = Family::of_platform(frame.platform.as_deref().unwrap_or(platform));
        Self { frame, family, abs_path: Folded::new(), filename: Folded::new(), package: Folded::new() }
    }

    /// Whether a matcher about frames holds; `in_app` and `category` are what rules above made of it.
    pub fn holds(&self, matcher: &Matcher, in_app: bool, category: Option<&str>, fuel: &Fuel) -> bool {
        let frame = self.frame;
        let found = match (&matcher.subject, &matcher.test) {
            (Subject::Function, Test::Fits(glob)) => frame.function.as_deref().is_some_and(|text| fuel.fits(glob, cut(text))),
            (Subject::Module, Test::Fits(glob)) => frame.module.as_deref().is_some_and(|text| fuel.fits(glob, cut(text))),
            (Subject::Package, Test::Fits(glob)) => frame.package.as_deref().is_some_and(|path| fits_path(path, &self.package, glob, fuel)),
            (Subject::Path, Test::Fits(glob)) => {
                let either = [(&frame.abs_path, &self.abs_path), (&frame.filename, &self.filename)];
                either.into_iter().any(|(path, folded)| path.as_deref().is_some_and(|path| fits_path(path, folded, glob, fuel)))
            }
            (Subject::App, Test::Is(so)) => in_app == *so,
            (Subject::Category, Test::Fits(glob)) => category.is_some_and(|text| fuel.fits(glob, text)),
            (Subject::Family, Test::Family(families)) => families.is_empty() || families.contains(&self.family),
            _ => false,
        };
        found != matcher.negated
    }
}

/// A relative path fits as if it began with a slash, too: `**/x` fits `x`.
fn fits_path(path: &str, folded: &Folded, glob: &Glob, fuel: &Fuel) -> bool {
    let with_slash = folded.get_or_init(|| {
        let path = cut(path).replace('\\', "/").to_lowercase();
        if path.starts_with('/') { path } else { format!("/{path}") }
    });
    let is_relative = !path.starts_with(['/', '\\']);
    fuel.fits(glob, with_slash) || is_relative && fuel.fits(glob, &with_slash[1..])
}

/// Whether a matcher about exceptions holds.
pub fn exception_holds(matcher: &Matcher, exception: &Exception<'_>, folded: &Folded, fuel: &Fuel) -> bool {
    let found = match (&matcher.subject, &matcher.test) {
        (Subject::ErrorType, Test::Fits(glob)) => exception.kind.as_deref().is_some_and(|text| fuel.fits(glob, cut(text))),
        (Subject::ErrorValue, Test::Fits(glob)) => {
            exception.value.as_deref().is_some_and(|text| fuel.fits(glob, folded.get_or_init(|| cut(text).to_lowercase())))
        }
        (Subject::Mechanism, Test::Fits(glob)) => {
            exception.mechanism.as_ref().and_then(|mechanism| mechanism.kind.as_deref()).is_some_and(|text| fuel.fits(glob, text))
        }
        _ => false,
    };
    found != matcher.negated
}

/// Whether a matcher about the event as a whole holds; `None` where it says nothing of the kind.
pub fn event_holds(matcher: &Matcher, event: &Event<'_>, fuel: &Fuel) -> Option<bool> {
    let fits = |glob: &Glob, text: &str| fuel.fits(glob, cut(text));
    let found = match (&matcher.subject, &matcher.test) {
        (Subject::Logger, Test::Fits(glob)) => event.logger.as_deref().is_some_and(|text| fits(glob, text)),
        (Subject::Level, Test::Fits(glob)) => fits(glob, event.level.unwrap_or_default().name()),
        (Subject::Release, Test::Fits(glob)) => fits(glob, event.release.as_deref()?),
        (Subject::Sdk, Test::FitsOne(globs)) => {
            let name = event.sdk.as_ref()?.name.as_deref()?.to_lowercase();
            let short = name.strip_prefix("sentry.").unwrap_or(&name);
            globs.iter().any(|glob| fits(glob, &name) || fits(glob, short))
        }
        (Subject::Tag(key), Test::Fits(glob)) => event.tags.iter().any(|(name, value)| name == key && fits(glob, value)),
        (Subject::Family, Test::Family(families)) => families.is_empty() || families.contains(&Family::of_platform(&event.platform)),
        _ => false,
    };
    Some(found != matcher.negated)
}

/// Whether a matcher about messages holds for this one, which is in lower case.
pub fn message_holds(matcher: &Matcher, folded: &str, fuel: &Fuel) -> bool {
    matches!(&matcher.test, Test::Fits(glob) if fuel.fits(glob, folded)) != matcher.negated
}

/// At most 8 kB, cut between characters.
pub fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_LEN_MAX)]
}
