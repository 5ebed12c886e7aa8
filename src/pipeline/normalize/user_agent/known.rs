//! Products by the expressions of uap-core, the list that Sentry uses too (`uap-core.json`: release 0.18.0 of
//! <https://github.com/ua-parser/uap-core>, browsers and systems only, under the licence beside it).
//!
//! Its 550 expressions need 10 MB once compiled, which happens when an agent is looked at that is not remembered; the 630 for devices would need another
//! 15 MB and are replaced by a few rules in [`super::device`]. Looking one up takes 10 to 200 µs, hence the cache.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::Deserialize;
use ua_parser::{os, user_agent};

/// Longest agent that is looked at, in bytes.
const AGENT_LEN_MAX: usize = 512;
/// Most agents that are remembered, about 300 bytes each; beyond, all are forgotten.
const REMEMBERED_MAX: usize = 1_024;

static EXPRESSIONS: &str = include_str!("uap-core.json");
/// Compiled when an agent has to be looked up, until [`forget`].
static KNOWN: Mutex<Option<Arc<Known>>> = Mutex::new(None);
static REMEMBERED: LazyLock<Mutex<HashMap<String, Arc<Agent>>>> = LazyLock::new(Mutex::default);

/// A name and a version, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Product {
    /// `Chrome`
    pub(super) name: String,
    /// `126.0.0`
    pub(super) version: String,
}

/// What an agent says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Agent {
    /// The program.
    pub(super) browser: Option<Product>,
    /// The system it runs on.
    pub(super) system: Option<Product>,
}

/// Looks an agent up. The same text has the same answer for ever.
pub(super) fn agent(text: &str) -> Arc<Agent> {
    let text = &text[..text.floor_char_boundary(AGENT_LEN_MAX)];
    if let Some(agent) = remembered().get(text) {
        return Arc::clone(agent);
    }
    let agent = Arc::new(known().map(|known| known.agent(text)).unwrap_or_default());
    let mut remembered = remembered();
    if remembered.len() >= REMEMBERED_MAX {
        remembered.clear();
    }
    remembered.insert(text.to_owned(), Arc::clone(&agent));
    agent
}

/// Gives the memory of the compiled expressions back: what comes while little comes has agents that are remembered.
pub fn forget() {
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// The compiled expressions. Who needs them while they are being compiled waits for that.
fn known() -> Option<Arc<Known>> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.is_none() {
        *known = Known::compile(EXPRESSIONS).map(Arc::new);
    }
    known.clone()
}

/// A panic elsewhere leaves the cache as good as it was.
fn remembered() -> std::sync::MutexGuard<'static, HashMap<String, Arc<Agent>>> {
    REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Deserialize)]
struct Lists {
    user_agent_parsers: Vec<user_agent::Parser<'static>>,
    os_parsers: Vec<os::Parser<'static>>,
}

struct Known {
    browsers: user_agent::Extractor<'static>,
    systems: os::Extractor<'static>,
}

impl Known {
    /// `None` if the list is broken, which a test keeps from happening.
    fn compile(json: &str) -> Option<Self> {
        let lists: Lists = serde_json::from_str(json).ok()?;
        let browsers = user_agent::Builder::new().push_all(lists.user_agent_parsers).ok()?.build().ok()?;
        let systems = os::Builder::new().push_all(lists.os_parsers).ok()?.build().ok()?;
        Some(Self { browsers, systems })
    }

    fn agent(&self, text: &str) -> Agent {
        let browser = self
            .browsers
            .extract(text)
            .map(|found| Product { version: version(&[found.major, found.minor, found.patch]), name: found.family.into_owned() });
        let system = self.systems.extract(text).map(|found| {
            let parts = [&found.major, &found.minor, &found.patch].map(|part| part.as_ref().map(Cow::as_ref));
            system(&found.os, version(&parts))
        });
        Agent { browser: browser.filter(|product| product.name != "Other"), system: system.filter(|product| product.name != "Other") }
    }
}

fn version(parts: &[Option<&str>]) -> String {
    let known: Vec<&str> = parts.iter().map_while(|part| part.filter(|part| !part.is_empty())).collect();
    known.join(".")
}

/// Browsers have frozen the versions of these systems: what they say is a lower bound.
fn system(name: &str, version: String) -> Product {
    match (name, version.as_str()) {
        ("Windows", "10") => Product { name: name.to_owned(), version: ">=10".to_owned() },
        ("Mac OS X", "10.15.7" | "10.15") => Product { name: "macOS".to_owned(), version: ">=10.15.7".to_owned() },
        ("Mac OS X", _) => Product { name: "macOS".to_owned(), version },
        _ => Product { name: name.to_owned(), version },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_compiles() {
        assert!(Known::compile(EXPRESSIONS).is_some());
        assert!(Known::compile("{}").is_none());
    }

    #[test]
    fn the_cache_is_bounded_and_agents_without_end_are_cut() {
        for n in 0..REMEMBERED_MAX + 10 {
            let first = agent(&format!("curl/8.{n}"));
            assert_eq!(first.browser.as_ref().map(|product| product.name.as_str()), Some("curl"));
            assert_eq!(agent(&format!("curl/8.{n}")), first);
        }
        assert!(remembered().len() <= REMEMBERED_MAX);
        assert_eq!(*agent(&"ü".repeat(100_000)), Agent::default());
    }
}
