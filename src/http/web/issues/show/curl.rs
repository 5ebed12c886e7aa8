//! A command that repeats a request. Without cookies and secrets: it is made to be pasted into chats and tickets.

use url::form_urlencoded;

use crate::domain::scrubbing::{self, is_scrubbed};
use crate::protocol::event::Request;
use crate::protocol::json::Json;

use super::request::full_url;
use super::text::link;

/// Headers that identify somebody, or that curl writes itself.
const LEFT_OUT: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "proxy-authorization",
    "accept-encoding",
    "x-api-key",
    "x-auth-token",
    "x-csrftoken",
    "x-csrf-token",
    "x-xsrf-token",
];
/// Longest command, in bytes.
const LEN_MAX: usize = 8_192;

/// The command; `None` without a web address or where it would be too long to paste.
pub fn command(request: &Request) -> Option<String> {
    let url = scrubbing::with_markers_as(&full_url(request), "FILTERED");
    let url = link(&url)?;
    let method = request.method.as_deref().filter(|method| method.chars().all(|c| c.is_ascii_alphabetic())).unwrap_or("GET");
    let mut command = format!("curl -X {} {}", method.to_ascii_uppercase(), quoted(&url));
    for (name, value) in request.headers.iter().filter(|(name, value)| repeats(name, value)) {
        command.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
    }
    if let Some(body) = body(request) {
        command.push_str(&format!(" --data {}", quoted(&body)));
    }
    (command.len() <= LEN_MAX).then_some(command)
}

fn repeats(name: &str, value: &str) -> bool {
    !LEFT_OUT.contains(&name.to_ascii_lowercase().as_str()) && !is_scrubbed(value)
}

/// The body in the form it was sent in, fields that were scrubbed left out.
fn body(request: &Request) -> Option<String> {
    let is_json = request.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("content-type") && value.contains("json"));
    match request.data.as_ref()? {
        Json::Object(fields) if !is_json => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields.iter() {
                for one in value.as_array().map_or_else(|| vec![value], |values| values.iter().collect()) {
                    let text = one.as_str().map_or_else(|| one.to_string(), str::to_owned);
                    if !is_scrubbed(&text) {
                        form.append_pair(name, &text);
                    }
                }
            }
            Some(form.finish()).filter(|body| !body.is_empty())
        }
        Json::Null => None,
        Json::Text(text) => Some(text.to_string()).filter(|text| !text.is_empty() && !is_scrubbed(text)),
        other => Some(other.to_string()).filter(|text| !is_scrubbed(text)),
    }
}

/// In single quotes, in which a shell reads nothing; line breaks, which could end a command, become blanks.
fn quoted(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::event::Text;

    fn pair<'a>(name: &'a str, value: &'a str) -> (Text<'a>, Text<'a>) {
        (name.into(), value.into())
    }

    #[test]
    fn cookies_and_secrets_stay_behind() {
        let request = Request {
            method: Some("post".into()),
            url: Some("https://shop.example/confirm/".into()),
            query: vec![pair("step", "pay")],
            headers: vec![
                pair("Cookie", "sessionid=1"),
                pair("Authorization", "Bearer x"),
                pair("Accept", "text/html"),
                pair("X-Key", "[Filtered]"),
            ],
            data: Some(json!({ "order": "HP-1", "csrfmiddlewaretoken": "[Filtered]", "tags": ["a", "b c"] }).into()),
            ..Request::default()
        };
        let expected = "curl -X POST 'https://shop.example/confirm/?step=pay' -H 'Accept: text/html' --data 'order=HP-1&tags=a&tags=b+c'";
        assert_eq!(command(&request).as_deref(), Some(expected));
    }

    #[test]
    fn nothing_in_a_request_can_leave_its_quotes() {
        let request = Request {
            method: Some("GET; rm -rf /".into()),
            url: Some("https://x.example/'$(id)'".into()),
            headers: vec![pair("A", "b'\n; reboot #")],
            ..Request::default()
        };
        assert_eq!(command(&request).as_deref(), Some(r"curl -X GET 'https://x.example/'\''$(id)'\''' -H 'A: b'\'' ; reboot #'"));
        assert_eq!(command(&Request { url: Some("file:///etc/passwd".into()), ..Request::default() }), None);
    }
}
