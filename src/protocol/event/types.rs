//! The fields of an event, in canonical form.
#![expect(missing_docs, reason = "the names are those of the Sentry event protocol; only what they do not say is written here")]

use std::borrow::Cow;

use time::OffsetDateTime;

use crate::domain::event_id::EventId;
use crate::domain::fingerprint::Explanation;
use crate::domain::level::Level;
use crate::domain::person::Person;
use crate::domain::scrubbing::is_scrubbed;
pub use crate::protocol::json::{Json, Object};

/// A text: a slice of what was sent, unless it had to be changed.
pub type Text<'a> = Cow<'a, str>;
/// Names with values, in the order sent.
pub type Pairs<'a> = Vec<(Text<'a>, Text<'a>)>;

/// One occurrence of an error or a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event<'a> {
    /// `None` only before the digest has filled it in.
    pub event_id: Option<EventId>,
    /// When it happened, by the client's clock, corrected for drift. `None`: not sent or unreadable.
    pub timestamp: Option<OffsetDateTime>,
    /// When it arrived. Filled in by normalization.
    pub received: Option<OffsetDateTime>,
    /// `None` until normalization, which makes it `error`.
    pub level: Option<Level>,
    /// `python`, `javascript`, `node`, … lower case; `other` if unknown.
    pub platform: Text<'a>,
    pub logger: Option<Text<'a>>,
    /// Route, task or command: `/orders/{order_id}/pay/`.
    pub transaction: Option<Text<'a>>,
    pub culprit: Option<Text<'a>>,
    pub server_name: Option<Text<'a>>,
    pub release: Option<Text<'a>>,
    pub dist: Option<Text<'a>>,
    pub environment: Option<Text<'a>>,
    pub logentry: Option<LogEntry<'a>>,
    /// Oldest cause first, the raised exception last.
    pub exceptions: Vec<Exception<'a>>,
    /// A bare stack trace without an exception.
    pub stacktrace: Option<Stacktrace<'a>>,
    pub threads: Vec<Thread<'a>>,
    /// Template that failed (old Django SDKs): `filename`, `lineno`, `context_line`, ….
    pub template: Option<Object<'a>>,
    /// Oldest first.
    pub breadcrumbs: Vec<Breadcrumb<'a>>,
    pub request: Option<Request<'a>>,
    pub user: Option<User<'a>>,
    /// In the order sent; each key once.
    pub tags: Pairs<'a>,
    /// By name; every value is an object.
    pub contexts: Object<'a>,
    pub extra: Object<'a>,
    /// Package to version.
    pub modules: Object<'a>,
    /// As the client sent it, values made strings. Never trimmed.
    pub fingerprint: Vec<Text<'a>>,
    /// Legacy custom fingerprint of raven.
    pub checksum: Option<Text<'a>>,
    pub sdk: Option<Sdk<'a>>,
    pub debug_meta: Option<Json<'a>>,
    /// The client's own notes on what it removed (`_meta`).
    pub client_meta: Option<Json<'a>>,
    /// Fields that no stage knows, kept as they came.
    pub other: Object<'a>,
    /// What Bugle changed or could not read, for the page.
    pub damage: Vec<Damage>,
    /// How many changes there were besides those listed in `damage`.
    pub damage_unlisted: Option<i64>,
    /// Why it is in its issue, for the page. `None` before the digest has fingerprinted it.
    pub grouping: Option<Grouping>,
}

/// How an event was grouped when it was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    /// Version of the algorithm.
    pub version: i16,
    /// What decided.
    pub explanation: Explanation,
}

/// A log message; `message` is the template where the client sent one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogEntry<'a> {
    /// Template with `%s` or `{}`; equal to the whole text where there is no template.
    pub message: Option<Text<'a>>,
    /// The text for people. Always set after reading.
    pub formatted: Option<Text<'a>>,
    pub params: Option<Json<'a>>,
    /// Everything else, as sent.
    pub other: Object<'a>,
}

impl LogEntry<'_> {
    /// What a person should read.
    pub fn text(&self) -> &str {
        self.formatted.as_deref().or(self.message.as_deref()).unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exception<'a> {
    /// Class name; may be missing (JavaScript messages).
    pub kind: Option<Text<'a>>,
    pub value: Option<Text<'a>>,
    pub module: Option<Text<'a>>,
    pub thread_id: Option<Json<'a>>,
    pub mechanism: Option<Mechanism<'a>>,
    pub stacktrace: Option<Stacktrace<'a>>,
    /// Everything else, as sent.
    pub other: Object<'a>,
}

impl<'a> Exception<'a> {
    /// The frames, oldest call first; empty if there are none.
    pub fn frames(&self) -> &[Frame<'a>] {
        self.stacktrace.as_ref().map_or(&[], |stacktrace| &stacktrace.frames)
    }
}

/// How the exception reached the SDK.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mechanism<'a> {
    /// `django`, `logging`, `excepthook`, `chained`, ….
    pub kind: Option<Text<'a>>,
    pub handled: Option<bool>,
    /// The type says nothing about the error (a message, a signal).
    pub synthetic: Option<bool>,
    pub exception_id: Option<i64>,
    pub parent_id: Option<i64>,
    /// `__cause__`, `__context__`, `exceptions[1]`, ….
    pub source: Option<Text<'a>>,
    pub is_exception_group: Option<bool>,
    /// `meta`, `data`, `help_link` and whatever else was sent.
    pub other: Object<'a>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stacktrace<'a> {
    /// Oldest call first, the crash last.
    pub frames: Vec<Frame<'a>>,
    /// What the stack trace rules of the project say about all of it.
    pub ruling: Option<StackRuling>,
    /// `registers`, `frames_omitted`, … as sent.
    pub other: Object<'a>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame<'a> {
    pub function: Option<Text<'a>>,
    pub module: Option<Text<'a>>,
    pub filename: Option<Text<'a>>,
    pub abs_path: Option<Text<'a>>,
    pub lineno: Option<i64>,
    pub colno: Option<i64>,
    pub pre_context: Vec<Text<'a>>,
    pub context_line: Option<Text<'a>>,
    pub post_context: Vec<Text<'a>>,
    /// Whether it is the application's own code. After normalization it is never `None`.
    pub in_app: Option<bool>,
    /// What the client had said, where normalization disagreed with it.
    pub client_in_app: Option<bool>,
    /// Locals: name to value.
    pub vars: Object<'a>,
    pub package: Option<Text<'a>>,
    pub platform: Option<Text<'a>>,
    pub instruction_addr: Option<Text<'a>>,
    /// What the stack trace rules of the project say about it.
    pub ruling: Option<Box<FrameRuling>>,
    /// Everything else, as sent.
    pub other: Object<'a>,
}

/// What the stack trace rules of a project say about a frame, with the lines of the rules that say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameRuling {
    /// Whether it would be the application's without them, where they changed that.
    pub was_in_app: Option<bool>,
    /// Who changed it.
    pub in_app_line: Option<i64>,
    /// Whether it takes part in grouping, where they say so.
    pub group: Option<bool>,
    /// Who says so.
    pub group_line: Option<i64>,
}

/// What they say about a stack trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StackRuling {
    /// Most frames that take part, those nearest to the failure.
    pub max_frames: Option<i64>,
    /// With fewer frames, none takes part.
    pub min_frames: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thread<'a> {
    pub id: Option<Json<'a>>,
    pub name: Option<Text<'a>>,
    pub crashed: Option<bool>,
    pub current: Option<bool>,
    pub stacktrace: Option<Stacktrace<'a>>,
    pub other: Object<'a>,
}

/// What happened just before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breadcrumb<'a> {
    pub timestamp: Option<OffsetDateTime>,
    pub kind: Option<Text<'a>>,
    pub category: Option<Text<'a>>,
    pub level: Option<Level>,
    pub message: Option<Text<'a>>,
    pub data: Object<'a>,
    /// Everything else, as sent.
    pub other: Object<'a>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request<'a> {
    pub method: Option<Text<'a>>,
    /// Without the query.
    pub url: Option<Text<'a>>,
    /// Decoded pairs where the query could be read as pairs.
    pub query: Pairs<'a>,
    /// Names as sent.
    pub headers: Pairs<'a>,
    pub cookies: Pairs<'a>,
    /// Body: text, or whatever JSON the SDK parsed it into.
    pub data: Option<Json<'a>>,
    pub env: Object<'a>,
    pub other: Object<'a>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct User<'a> {
    pub id: Option<Text<'a>>,
    pub username: Option<Text<'a>>,
    pub email: Option<Text<'a>>,
    pub name: Option<Text<'a>>,
    pub ip_address: Option<Text<'a>>,
    /// Whatever else the application said about the person.
    pub other: Object<'a>,
}

impl User<'_> {
    /// Who it is, as people are counted.
    pub fn person(&self) -> Option<Person> {
        Person::of(Self::kept(&self.id), Self::kept(&self.username), Self::kept(&self.email), Self::kept(&self.ip_address))
    }

    /// A name that was taken out by scrubbing is the same for everybody, and so nobody's.
    pub fn kept<'n>(name: &'n Option<Text<'_>>) -> Option<&'n str> {
        name.as_deref().filter(|name| !is_scrubbed(name))
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sdk<'a> {
    pub name: Option<Text<'a>>,
    pub version: Option<Text<'a>>,
    /// `packages`, `integrations`, `settings`, ….
    pub other: Object<'a>,
}

/// What kind of thing was done to a part of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was of a wrong type or form and is not there any more.
    Dropped,
    /// It was too long, too many or too deep; a part of it is there.
    Cut,
    /// A secret in it was removed. Nobody notes it: it can be seen.
    Filtered,
    /// It held what JSON or Postgres cannot, which was replaced.
    Repaired,
    /// It was replaced by something that can be right.
    #[default]
    Corrected,
}

impl Change {
    /// Under which it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Cut => "cut",
            Self::Filtered => "filtered",
            Self::Repaired => "repaired",
            Self::Corrected => "corrected",
        }
    }

    /// The inverse of [`Change::name`].
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Dropped, Self::Cut, Self::Filtered, Self::Repaired, Self::Corrected].into_iter().find(|change| change.name() == name)
    }
}

/// One thing that was changed or given up while an event was read: shown on its page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Where, in dots and the protocol's own words: `exception.values.0.stacktrace`. Empty: the event as a whole.
    pub path: String,
    /// What kind of change.
    pub change: Change,
    /// What was cut: its former characters, bytes or entries.
    pub was: Option<i64>,
    /// What was done and why, for people: `cut to 8,192 characters (was 12,004)`.
    pub what: String,
}
