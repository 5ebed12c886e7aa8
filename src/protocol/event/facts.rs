//! What the filters of a project look at in an event.

use super::{Event, Request, Text};
use crate::domain::filters::Facts;
use crate::protocol::json::Json;

impl Event<'_> {
    /// The facts of an event, normalized or stored.
    pub fn facts(&self) -> Facts<'_> {
        let mut failures: Vec<(&str, &str)> = self.exceptions.iter().map(|one| (text(&one.kind), text(&one.value))).collect();
        if let Some(entry) = &self.logentry {
            failures.push(("", entry.formatted.as_deref().or(entry.message.as_deref()).unwrap_or_default()));
        }
        let browser =
            |field: &str| self.contexts.get("browser").and_then(|browser| browser.get(field)).and_then(Json::as_str).unwrap_or_default();
        Facts {
            failures,
            release: text(&self.release),
            environment: text(&self.environment),
            logger: text(&self.logger),
            urls: self.request.iter().filter_map(|request| request.url.as_deref()).chain(self.script()).collect(),
            transaction: text(&self.transaction),
            user_agent: self.request.as_ref().map_or("", Request::user_agent),
            browser: (browser("name"), browser("version")),
            address: self.user.as_ref().map_or("", |user| text(&user.ip_address)),
            remote: self.request.as_ref().and_then(|request| request.env.get("REMOTE_ADDR")).and_then(Json::as_str).unwrap_or_default(),
            sender: "",
        }
    }

    /// Where the script came from in which it failed.
    fn script(&self) -> Option<&str> {
        let frame = self.exceptions.last()?.frames().last()?;
        frame.abs_path.as_deref().filter(|path| path.contains("://"))
    }
}

impl Request<'_> {
    fn user_agent(&self) -> &str {
        self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent")).map_or("", |(_, value)| value)
    }
}

fn text<'a>(field: &'a Option<Text<'_>>) -> &'a str {
    field.as_deref().unwrap_or_default()
}
