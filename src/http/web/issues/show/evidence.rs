//! The rest of an event: user, tags, contexts, extra data, packages, and what was not sent or could not be kept.

use crate::domain::scrubbing::is_scrubbed;
use crate::http::web::issues::address;
use crate::protocol::event::{Event, Object, Text};
use crate::protocol::json::Json;
use crate::protocol::security_report::Kind;

use super::changed::Marks;
use super::request::{self, Table};
use super::text::{Shown, cut};

/// Most tags of one event that are drawn.
const TAGS_MAX: usize = 100;
/// Most contexts, and entries of one.
const CONTEXTS_MAX: usize = 40;
const ENTRIES_MAX: usize = 40;

/// A name and a value.
pub type Pair = (String, Shown);

/// Who was affected.
pub struct UserCard {
    /// What is known.
    pub pairs: Vec<Pair>,
    /// All issues of this person; empty where nothing identifies them.
    pub issues: String,
}

/// A tag that leads to the search for it.
pub struct Chip {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The search.
    pub href: String,
}

/// A context by name.
pub struct Context {
    /// `Runtime`
    pub name: String,
    /// What it says.
    pub pairs: Vec<Pair>,
    /// What was changed in it as a whole.
    pub mark: String,
}

/// The person; `base` is the list of the project.
pub fn user(event: &Event, base: &str, marks: &Marks) -> Option<UserCard> {
    let user = event.user.as_ref()?;
    let known = [("Id", &user.id), ("Username", &user.username), ("Email", &user.email), ("Name", &user.name), ("IP", &user.ip_address)];
    let path = |name: &str| if name == "IP" { "user.ip_address".to_owned() } else { format!("user.{}", name.to_ascii_lowercase()) };
    let shown = |name: &str, value: &str| (name.to_owned(), marks.on(Shown::new(value), || path(name)));
    let mut pairs: Vec<Pair> = known.iter().filter_map(|(name, value)| Some(shown(name, value.as_deref()?))).collect();
    pairs.extend(user.other.iter().take(ENTRIES_MAX).map(|(name, value)| match place(name, value) {
        Some(place) => ("Place".to_owned(), Shown::new(&place)),
        None => (cut(name, 100), Shown::json(value)),
    }));
    // The same order in which people are told apart when they are counted.
    let keys = [("user.id", &user.id), ("user.username", &user.username), ("user.email", &user.email), ("user.ip", &user.ip_address)];
    let first = keys.iter().find_map(|(key, value)| Some((*key, value.as_deref().filter(|value| !value.is_empty())?)));
    let issues = first.filter(|(_, value)| !is_scrubbed(value)).map(|(key, value)| address::search_pair(base, key, value));
    (!pairs.is_empty()).then(|| UserCard { pairs, issues: issues.unwrap_or_default() })
}

/// `Reveille, Hornshire, XB` of the user's `geo`.
fn place(name: &str, geo: &Json<'_>) -> Option<String> {
    let fields = geo.as_object().filter(|_| name == "geo")?;
    let known = ["city", "region", "country_code"].iter().filter_map(|field| fields.get(field)?.as_str());
    Some(known.collect::<Vec<_>>().join(", ")).filter(|place| !place.is_empty())
}

/// Environment, release and level first, then the tags as sent.
pub fn tags(event: &Event, base: &str) -> Vec<Chip> {
    let level = event.level.map(|level| Text::Borrowed(level.name()));
    let fields = [("environment", event.environment.clone()), ("release", event.release.clone()), ("level", level)];
    let fields = fields.into_iter().filter_map(|(key, value)| Some((Text::Borrowed(key), value?)));
    let sent = event.tags.iter().take(TAGS_MAX).filter(|(key, _)| !matches!(key.as_ref(), "environment" | "release" | "level")).cloned();
    let chip = |(key, value): (Text<'_>, Text<'_>)| Chip {
        href: address::search_pair(base, &cut(&key, 200), &cut(&value, 200)),
        key: cut(&key, 100),
        value: cut(&value, 200),
    };
    fields.chain(sent).map(chip).collect()
}

/// All contexts that say something.
pub fn contexts(event: &Event, marks: &Marks) -> Vec<Context> {
    let contexts = event.contexts.iter().take(CONTEXTS_MAX).filter_map(|(name, value)| {
        let pairs = match value {
            Json::Object(fields) => fields.iter().filter(|(key, value)| says(key, value)).take(ENTRIES_MAX).map(pair).collect(),
            Json::Null => Vec::new(),
            other => vec![("value".to_owned(), Shown::json(other))],
        };
        (!pairs.is_empty()).then(|| Context { name: title(name), pairs, mark: marks.at(|| format!("contexts.{name}")) })
    });
    contexts.chain(program(event)).collect()
}

/// The SDK and the machine, which the protocol keeps outside of the contexts.
fn program(event: &Event) -> Option<Context> {
    let sdk = event.sdk.as_ref().and_then(|sdk| {
        let name = sdk.name.as_deref()?;
        Some(format!("{name} {}", sdk.version.as_deref().unwrap_or_default()).trim().to_owned())
    });
    let known = [
        ("Server", event.server_name.clone()),
        ("Logger", event.logger.clone()),
        ("Dist", event.dist.clone()),
        ("SDK", sdk.map(Text::Owned)),
    ];
    let pairs: Vec<Pair> = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Shown::new(&value?)))).collect();
    (!pairs.is_empty()).then(|| Context { name: "Program".to_owned(), pairs, mark: String::new() })
}

fn says(key: &str, value: &Json<'_>) -> bool {
    key != "type" && !value.is_null() && value.as_str() != Some("")
}

fn pair((name, value): (&str, &Json<'_>)) -> Pair {
    (cut(name, 100), Shown::json(value))
}

/// `trace` is `Trace`, `os` is `OS`.
fn title(name: &str) -> String {
    match name {
        "os" | "gpu" => name.to_uppercase(),
        _ => {
            let name = cut(&name.replace('_', " "), 80);
            let mut letters = name.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}

/// Additional data, package versions, and fields that nobody knows.
pub fn tables(event: &Event, marks: &Marks) -> Vec<Table> {
    let parameters: Option<Object<'_>> = event.logentry.as_ref().and_then(|entry| {
        let params = entry.params.as_ref().filter(|params| !params.is_null())?;
        let template = entry.message.clone().filter(|message| message.as_ref() != entry.text());
        let template = template.map(|template| (Text::Borrowed("template"), Json::Text(template)));
        Some(template.into_iter().chain([(Text::Borrowed("parameters"), params.clone())]).collect())
    });
    let message = parameters.as_ref().and_then(|parameters| request::object("Message", false, parameters, "logentry", marks));
    let extra = request::object("Additional data", true, &event.extra, "extra", marks);
    let modules = request::object("Packages", false, &event.modules, "modules", marks);
    let unknown = request::object("Other fields", false, &event.other, "", marks);
    [message, extra, modules, unknown].into_iter().flatten().collect()
}

/// What would have helped and is not there: `user, HTTP request`. A browser's report has all there is.
pub fn missing(event: &Event) -> String {
    if Kind::in_event(&event.other).is_some() {
        return String::new();
    }
    let has_trace = event.contexts.get("trace").and_then(|trace| trace.get("trace_id")).is_some();
    let has_stack = event.exceptions.iter().any(|exception| !exception.frames().is_empty()) || event.stacktrace.is_some();
    let parts = [
        (has_stack || !event.threads.is_empty(), "stack trace"),
        (event.user.is_some(), "user"),
        (event.request.is_some(), "HTTP request"),
        (!event.breadcrumbs.is_empty(), "breadcrumbs"),
        (event.environment.is_some(), "environment"),
        (event.release.is_some(), "release"),
        (has_trace, "trace"),
    ];
    parts.iter().filter(|(there, _)| !there).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}
