//! Browser and operating system out of a `User-Agent`, for the handful of products that make up nearly all traffic.
//!
//! Deliberately absent: a database of agents. What is not recognised is left out rather than guessed.

use super::Arrival;
use crate::protocol::event::Event;
use crate::protocol::json::{Json, Object};

/// Mark in the text and name, the more particular before those whose mark they also carry.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("FxiOS/", "Firefox iOS"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("HeadlessChrome/", "HeadlessChrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("python-requests/", "Python Requests"),
];

/// Fills in the contexts `browser` and `os` where the SDK sent none.
pub(super) fn contexts(event: &mut Event<'_>, arrival: &Arrival) {
    let headers = event.request.iter().flat_map(|request| &request.headers);
    let of_request = headers.filter(|(name, _)| name.eq_ignore_ascii_case("user-agent")).map(|(_, agent)| agent.as_ref()).next();
    // Only browsers report for themselves; the agent of any other SDK is the SDK.
    let of_browser = arrival.user_agent.as_deref().filter(|_| event.platform == "javascript");
    let Some(agent) = of_request.or(of_browser) else { return };
    let found = [("browser", browser(agent)), ("os", system(agent).filter(|_| of_request.is_none() || event.platform == "javascript"))];
    let client_os = system(agent).filter(|_| of_request.is_some() && event.platform != "javascript");
    for (name, product) in found.into_iter().chain([("client_os", client_os)]) {
        if let Some(context) = product.filter(|_| !event.contexts.contains_key(name)) {
            event.contexts.insert(name, context);
        }
    }
}

fn browser(agent: &str) -> Option<Json<'static>> {
    let (at, mark, name) = BROWSERS.iter().find_map(|(mark, name)| agent.find(mark).map(|at| (at, *mark, *name)))?;
    if name == "Safari" && !agent.contains("Safari/") {
        return None;
    }
    let version = version(&agent[at + mark.len()..]);
    Some(context("browser", name, version))
}

fn context(kind: &'static str, name: &'static str, version: String) -> Json<'static> {
    let version = Some(("version".into(), Json::from(version.clone()))).filter(|_| !version.is_empty());
    Json::Object(Object::from_iter([("type".into(), kind.into()), ("name".into(), name.into())].into_iter().chain(version)))
}

/// Servers send their own `os` context: the visitor's system goes to `client_os`, as Sentry has it.
fn system(agent: &str) -> Option<Json<'static>> {
    let after = |mark: &str| agent.find(mark).map(|at| &agent[at + mark.len()..]);
    let (name, version) = if let Some(rest) = after("Windows NT ") {
        ("Windows", if version(rest) == "10.0" { ">=10".to_owned() } else { version(rest) })
    } else if let Some(rest) = after("Android ") {
        ("Android", version(rest))
    } else if let Some(rest) = after("iPhone OS ").or_else(|| after("CPU OS ")) {
        ("iOS", version(rest))
    } else if let Some(rest) = after("Mac OS X ") {
        ("macOS", version(rest))
    } else if agent.contains("CrOS ") {
        ("Chrome OS", String::new())
    } else if agent.contains("Linux") {
        ("Linux", String::new())
    } else {
        return None;
    };
    Some(context("os", name, version))
}

fn version(rest: &str) -> String {
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(rest.len());
    rest[..end].replace('_', ".").chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_browsers_are_recognised() {
        for (agent, name, version, os) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
                "Chrome",
                "126.0",
                "Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.1",
                "Edge",
                "126.0.1",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
                "Safari",
                "17.4",
                "macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile/15E148 Safari/604.1",
                "Chrome Mobile iOS",
                "126.0",
                "iOS",
            ),
            ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox", "127.0", "Android"),
        ] {
            let found = browser(agent).unwrap();
            assert_eq!((found["name"].as_str(), found["version"].as_str()), (Some(name), Some(version)), "{agent}");
            assert_eq!(system(agent).unwrap()["name"].as_str(), Some(os), "{agent}");
        }
    }

    #[test]
    fn strangers_are_left_out() {
        for agent in ["", "sentry.python/2.75.0", "Version/", "Ünï/1.0"] {
            assert_eq!((browser(agent), system(agent)), (None, None), "{agent}");
        }
    }
}
