//! The HTTP request of an event.

use crate::protocol::event::{Event, Object, Request, Text};
use crate::protocol::json::Json;

use super::changed::Marks;
use super::curl;
use super::text::{Shown, cut, link};

/// Most entries of one table.
const ENTRIES_MAX: usize = 200;

/// The card.
#[derive(Debug)]
pub struct RequestCard {
    /// `POST`; empty if unknown.
    pub method: String,
    /// `/checkout/confirm/`
    pub path: String,
    /// With the query.
    pub url: Shown,
    /// The address, where it may be linked.
    pub href: Option<String>,
    /// `Referer`, the one header worth a line.
    pub referer: Option<Shown>,
    /// Tables: title, whether open, rows.
    pub tables: Vec<Table>,
    /// A body that is not a table.
    pub body: Option<Shown>,
    /// A command that repeats it, without cookies and secrets.
    pub curl: Option<String>,
}

/// A folding table.
#[derive(Debug)]
pub struct Table {
    /// `Headers`
    pub title: &'static str,
    /// Shown open.
    pub open: bool,
    /// Names and values.
    pub rows: Vec<(String, Shown)>,
    /// Entries there are; more than rows where some are left out.
    pub total: usize,
    /// What was changed in it as a whole.
    pub mark: String,
}

/// The card, if the event has a request with anything in it.
pub fn card(event: &Event, marks: &Marks) -> Option<RequestCard> {
    let request = event.request.as_ref().filter(|request| **request != Request::default())?;
    let full = full_url(request);
    let form = request.data.as_ref().and_then(Json::as_object);
    let tables = [
        pairs("Query", "request.query_string", &request.query, marks),
        form.and_then(|form| object("Body", true, form, "request.data", marks)),
        pairs("Headers", "request.headers", &request.headers, marks),
        pairs("Cookies", "request.cookies", &request.cookies, marks),
        object("Environment", false, &request.env, "request.env", marks),
    ];
    let referer = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("referer")).map(|(_, value)| Shown::new(value));
    Some(RequestCard {
        method: cut(request.method.as_deref().unwrap_or_default(), 20),
        path: cut(path(request.url.as_deref().unwrap_or_default()), 300),
        href: link(&full),
        url: marks.on(Shown::new(&full), || "request.url".to_owned()),
        referer,
        tables: tables.into_iter().flatten().collect(),
        body: request
            .data
            .as_ref()
            .filter(|data| !data.is_object() && !data.is_null())
            .map(|data| marks.on(Shown::json(data), || "request.data".to_owned())),
        curl: curl::command(request),
    })
}

/// With the query it was sent with.
pub fn full_url(request: &Request) -> String {
    let url = request.url.as_deref().unwrap_or_default();
    if request.query.is_empty() || url.contains('?') {
        return url.to_owned();
    }
    let pairs = request.query.iter().map(|(name, value)| if value.is_empty() { name.to_string() } else { format!("{name}={value}") });
    format!("{url}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// What is after the host.
pub fn path(url: &str) -> &str {
    let behind_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = if url.contains("://") { behind_scheme.find('/').map_or("/", |at| &behind_scheme[at..]) } else { url };
    path.split(['?', '#']).next().unwrap_or(path)
}

fn pairs(title: &'static str, path: &str, pairs: &[(Text<'_>, Text<'_>)], marks: &Marks) -> Option<Table> {
    let row = |(name, value): &(Text<'_>, Text<'_>)| (cut(name, 200), marks.on(Shown::new(value), || format!("{path}.{name}")));
    let rows: Vec<_> = pairs.iter().take(ENTRIES_MAX).map(row).collect();
    (!rows.is_empty()).then(|| Table { title, open: false, rows, total: pairs.len(), mark: marks.at(|| path.to_owned()) })
}

/// A table of an object's fields.
pub fn object(title: &'static str, open: bool, fields: &Object<'_>, path: &str, marks: &Marks) -> Option<Table> {
    let row = |(name, value): (&str, &Json<'_>)| (cut(name, 200), marks.on(Shown::json(value), || format!("{path}.{name}")));
    let rows: Vec<_> = fields.iter().take(ENTRIES_MAX).map(row).collect();
    (!rows.is_empty()).then(|| Table { title, open, rows, total: fields.len(), mark: marks.at(|| path.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_what_is_after_the_host() {
        for (url, expected) in [
            ("https://shop.example/checkout/?a=b", "/checkout/"),
            ("https://shop.example", "/"),
            ("/relative?x", "/relative"),
            ("", ""),
            ("app:///main.js#x", "/main.js"),
        ] {
            assert_eq!(path(url), expected, "{url}");
        }
    }

    #[test]
    fn the_query_returns_to_the_address() {
        let request = Request {
            url: Some("https://shop.example/".into()),
            query: vec![("a".into(), "1".into()), ("flag".into(), "".into())],
            ..Request::default()
        };
        assert_eq!(full_url(&request), "https://shop.example/?a=1&flag");
        assert!(card(&Event { request: Some(Request::default()), ..Event::default() }, &Marks::default()).is_none());
    }
}
