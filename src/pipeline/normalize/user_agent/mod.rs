//! Browser, system and device out of a `User-Agent`. What is not recognised is left out rather than guessed, and what the client said
//! itself is never replaced.

mod device;
mod known;

use super::Arrival;
use crate::protocol::event::Event;
use crate::protocol::json::{Json, Object};
use known::Product;
pub use known::forget;

/// Fills in the contexts `browser`, `os` and `device` where the SDK sent none. Servers have a system of their own: the visitor's goes to
/// `client_os`, as Sentry has it.
pub(super) fn contexts(event: &mut Event<'_>, arrival: &Arrival) {
    let is_browser = event.platform == "javascript";
    let headers = event.request.iter().flat_map(|request| &request.headers);
    let of_request = headers.filter(|(name, _)| name.eq_ignore_ascii_case("user-agent")).map(|(_, agent)| agent.as_ref()).next();
    // Only browsers report for themselves; the agent of any other SDK is the SDK.
    let of_browser = arrival.user_agent.as_deref().filter(|_| is_browser);
    let Some(text) = of_request.or(of_browser).filter(|text| !text.trim().is_empty()) else { return };
    let agent = known::agent(text);
    let device = device::of(text).map(device_context);
    let system = agent.system.as_ref().map(|product| context("os", product));
    let found = [
        ("browser", agent.browser.as_ref().map(|product| context("browser", product))),
        (if is_browser { "os" } else { "client_os" }, system),
        ("device", device),
    ];
    for (name, context) in found {
        if let Some(context) = context.filter(|_| !event.contexts.contains_key(name)) {
            event.contexts.insert(name, context);
        }
    }
}

fn context(kind: &'static str, product: &Product) -> Json<'static> {
    let version = Some(("version".into(), Json::from(product.version.clone()))).filter(|_| !product.version.is_empty());
    let named = [("type".into(), kind.into()), ("name".into(), Json::from(product.name.clone()))];
    Json::Object(Object::from_iter(named.into_iter().chain(version)))
}

fn device_context(device: device::Device<'_>) -> Json<'static> {
    let text = |text: &str| Json::from(text.to_owned());
    let fields = [
        ("type", Some(text("device"))),
        ("family", Some(text(device.family))),
        ("model", device.model.map(text)),
        ("brand", device.brand.map(text)),
    ];
    Json::Object(fields.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect())
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
                "Windows >=10",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
                "Safari",
                "17.4",
                "macOS >=10.15.7",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
                "Chrome Mobile iOS",
                "126.0.6478",
                "iOS 17.5",
            ),
            ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox Mobile", "127.0", "Android 14"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "2.1", ""),
        ] {
            let found = known::agent(agent);
            let browser = found.browser.as_ref().map(|product| (product.name.as_str(), product.version.as_str()));
            assert_eq!(browser, Some((name, version)), "{agent}");
            let system = found.system.as_ref().map(|product| format!("{} {}", product.name, product.version).trim().to_owned());
            assert_eq!(system.unwrap_or_default(), os, "{agent}");
        }
    }

    #[test]
    fn strangers_are_left_out() {
        for agent in ["", "sentry.python/2.75.0", "Version/", "Ünï/1.0"] {
            assert_eq!(*known::agent(agent), known::Agent::default(), "{agent}");
        }
    }
}
