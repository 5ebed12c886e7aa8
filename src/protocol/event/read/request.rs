//! The HTTP request during which it happened.

use serde_json::Value;

use super::super::{Notes, Place, Request};
use super::scalar;

/// Most query pairs, headers and cookies kept of each, whatever is sent.
const PAIRS_MAX: usize = 500;

type Pairs = Vec<(String, String)>;

/// `None` where nothing is in it.
pub(super) fn request(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<Request> {
    let mut request = Request::default();
    for (key, value) in scalar::object(value, at, notes)? {
        let at = at.key(&key);
        match key.as_str() {
            _ if value.is_null() => {}
            "method" => request.method = scalar::name(value, at, notes).map(|method| method.to_ascii_uppercase()),
            "url" => request.url = scalar::name(value, at, notes),
            "query_string" | "query" => request.query = query(value, at, notes),
            "headers" => request.headers = headers(value, at, notes),
            "cookies" => request.cookies = cookies(value, at, notes),
            "data" => request.data = Some(value),
            "env" => request.env = scalar::object(value, at, notes).unwrap_or_default(),
            _ => {
                request.other.insert(key, value);
            }
        }
    }
    split_url(&mut request);
    (request != Request::default()).then_some(request)
}

/// JavaScript sends the query within the URL; its pairs are only taken where no `query_string` says it better.
fn split_url(request: &mut Request) {
    let Some(url) = request.url.take() else { return };
    let (rest, fragment) = url.split_once('#').map_or((url.as_str(), None), |(rest, fragment)| (rest, Some(fragment)));
    let (address, query) = rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    if let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) {
        request.other.entry("fragment").or_insert_with(|| Value::String(fragment.to_owned()));
    }
    if request.query.is_empty() {
        request.query = query.map(form_pairs).unwrap_or_default();
    }
    request.url = Some(address.to_owned()).filter(|address| !address.is_empty());
}

fn query(value: Value, at: Place<'_>, notes: &mut Notes) -> Pairs {
    match value {
        Value::String(text) => form_pairs(text.trim_start_matches('?')),
        other => pairs(other, at, notes),
    }
}

fn form_pairs(text: &str) -> Pairs {
    let pair = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| (without_nul(name), without_nul(value));
    url::form_urlencoded::parse(text.as_bytes()).take(PAIRS_MAX).map(pair).collect()
}

/// Percent-decoding can bring back what the JSON parser took out.
fn without_nul(text: std::borrow::Cow<'_, str>) -> String {
    crate::protocol::json::without_nul(&text).into_owned()
}

/// Values that are lists are joined, as HTTP would.
fn headers(value: Value, at: Place<'_>, notes: &mut Notes) -> Pairs {
    pairs(value, at, notes)
}

fn cookies(value: Value, at: Place<'_>, notes: &mut Notes) -> Pairs {
    let Value::String(text) = value else { return pairs(value, at, notes) };
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (!name.trim().is_empty()).then(|| (name.trim().to_owned(), value.trim().to_owned()))
    };
    text.split(';').filter_map(pair).take(PAIRS_MAX).collect()
}

/// An object or a list of pairs; values as text, lists joined by commas, anything else as JSON.
fn pairs(value: Value, at: Place<'_>, notes: &mut Notes) -> Pairs {
    let found: Pairs = match value {
        Value::Object(object) => object.into_iter().map(|(key, value)| (key, joined(value))).collect(),
        Value::Array(list) => list.into_iter().filter_map(pair).collect(),
        other => {
            notes.add(at, format!("expected pairs, found {}; dropped", scalar::shown(&other)));
            Vec::new()
        }
    };
    if found.len() > PAIRS_MAX {
        notes.add(at, format!("cut to {PAIRS_MAX} entries (was {})", found.len()));
    }
    found.into_iter().take(PAIRS_MAX).collect()
}

fn pair(entry: Value) -> Option<(String, String)> {
    match entry {
        Value::Array(pair) => {
            let mut pair = pair.into_iter();
            Some((scalar::text_or_json(pair.next()?)?, pair.next().map(joined).unwrap_or_default()))
        }
        Value::Object(mut object) => {
            Some((scalar::text_or_json(object.remove("key")?)?, object.remove("value").map(joined).unwrap_or_default()))
        }
        _ => None,
    }
}

fn joined(value: Value) -> String {
    match value {
        Value::Array(list) => list.into_iter().filter_map(scalar::text_or_json).collect::<Vec<_>>().join(", "),
        other => scalar::text_or_json(other).unwrap_or_default(),
    }
}
