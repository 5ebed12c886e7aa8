//! The device out of an agent: what phones say of themselves, Apple's families, and robots.

/// A device by family and model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device<'a> {
    /// `iPhone`, `SM-S918B`, `Mac`, `Spider`
    pub(super) family: &'a str,
    /// Where it is more than a family.
    pub(super) model: Option<&'a str>,
    /// Who made it, where that is certain.
    pub(super) brand: Option<&'static str>,
}

/// Longest name of a model, in bytes.
const MODEL_LEN_MAX: usize = 64;
/// Parts of an Android agent that name no model; `K` stands in all of Chrome's since it hides the model.
const NO_MODELS: &[&str] = &["K", "Mobile", "Tablet", "U", "wv"];

/// The device, if the agent names one.
pub(super) fn of(agent: &str) -> Option<Device<'_>> {
    if is_robot(agent) {
        return Some(Device { family: "Spider", model: None, brand: None });
    }
    let apple = ["iPhone", "iPad", "iPod"].into_iter().find(|name| agent.contains(&format!("({name}")));
    if let Some(family) = apple {
        return Some(Device { family, model: Some(family), brand: Some("Apple") });
    }
    if agent.contains("(Macintosh") {
        return Some(Device { family: "Mac", model: Some("Mac"), brand: Some("Apple") });
    }
    let after = agent.split_once("Android ")?.1;
    let (inside, _) = after.split_once(')')?;
    let model = inside.split(';').skip(1).map(|part| part.split(" Build/").next().unwrap_or_default().trim());
    let model = model.filter(|part| !NO_MODELS.contains(part) && !part.starts_with("rv:") && !is_language(part));
    let model = model.filter(|part| (2..=MODEL_LEN_MAX).contains(&part.len())).last()?;
    Some(Device { family: model, model: Some(model), brand: None })
}

fn is_robot(agent: &str) -> bool {
    let lower = agent.to_ascii_lowercase();
    ["bot/", "bot;", "bot)", "crawler", "spider", "slurp"].iter().any(|mark| lower.contains(mark))
}

/// `en-us`, as old Androids say.
fn is_language(part: &str) -> bool {
    matches!(part.as_bytes(), [a, b, b'-' | b'_', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_say_what_they_are() {
        for (agent, family) in [
            ("Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 Chrome/125.0 Mobile Safari/537.36", Some("SM-S918B")),
            ("Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; GT-I9100 Build/IML74K) AppleWebKit/534.30", Some("GT-I9100")),
            ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/125.0 Mobile Safari/537.36", None),
            ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", None),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", Some("iPhone")),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", Some("Mac")),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Some("Spider")),
            ("Android 14", None),
            ("", None),
        ] {
            assert_eq!(of(agent).map(|device| device.family), family, "{agent}");
        }
    }
}
