//! The HTTP request during which it happened.

use std::borrow::Cow;

use super::super::{Notes, Pairs, Place, Request, Text};
use super::scalar;
use crate::protocol::json::{Json, without_nul};

/// Most query pairs, headers and cookies kept of each, whatever is sent.
const PAIRS_MAX: usize = 500;

/// `None` where nothing is in it.
pub(super) fn request<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Request<'a>> {
    let mut request = Request::default();
    for (key, value) in scalar::object(value, at, notes)? {
        let at = at.key(&key);
        match key.as_ref() {
            _ if value.is_null() => {}
            "method" => request.method = scalar::name(value, at, notes).map(upper_case),
            "url" => request.url = scalar::name(value, at, notes),
            "query_string" | "query" => request.query = query(value, at, notes),
            "headers" => request.headers = headers(value, at, notes),
            "cookies" => request.cookies = cookies(value, at, notes),
            "data" => request.data = Some(value),
            "env" => request.env = scalar::object(value, at, notes).unwrap_or_default(),
            _ => {
                request.other.push(key, value);
            }
        }
    }
    split_url(&mut request);
    (request != Request::default()).then_some(request)
}

fn upper_case(text: Text<'_>) -> Text<'_> {
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) { text.to_ascii_uppercase().into() } else { text }
}

/// JavaScript sends the query within the URL; its pairs are only taken where no `query_string` says it better.
fn split_url(request: &mut Request<'_>) {
    let Some(url) = request.url.take() else { return };
    let (rest, fragment) = url.split_once('#').map_or((url.as_ref(), None), |(rest, fragment)| (rest, Some(fragment)));
    let (address, query) = rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    if let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty() && !request.other.contains_key("fragment")) {
        request.other.insert("fragment", Json::from(fragment.to_owned()));
    }
    if request.query.is_empty() {
        request.query = query.map(form_pairs).unwrap_or_default();
    }
    let address = if address.len() == url.len() { url } else { Text::Owned(address.to_owned()) };
    request.url = Some(address).filter(|address| !address.is_empty());
}

fn query<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Pairs<'a> {
    match value {
        Json::Text(text) => form_pairs(text.trim_start_matches('?')),
        other => pairs(other, at, notes),
    }
}

/// Percent-decoding can bring back the NUL that the JSON parser took out.
fn form_pairs<'a>(text: &str) -> Pairs<'a> {
    let owned = |text: Cow<'_, str>| Text::Owned(without_nul(&text).into_owned());
    url::form_urlencoded::parse(text.as_bytes()).take(PAIRS_MAX).map(|(name, value)| (owned(name), owned(value))).collect()
}

/// Values that are lists are joined, as HTTP would.
fn headers<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Pairs<'a> {
    pairs(value, at, notes)
}

fn cookies<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Pairs<'a> {
    let Json::Text(text) = value else { return pairs(value, at, notes) };
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (!name.trim().is_empty()).then(|| (name.trim().to_owned().into(), value.trim().to_owned().into()))
    };
    text.split(';').filter_map(pair).take(PAIRS_MAX).collect()
}

/// An object or a list of pairs; values as text, lists joined by commas, anything else as JSON.
fn pairs<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Pairs<'a> {
    let found: Pairs = match value {
        Json::Object(object) => object.into_iter().map(|(key, value)| (key, joined(value))).collect(),
        Json::Array(list) => list.into_iter().filter_map(pair).collect(),
        other => {
            notes.drop(at, format!("expected pairs, found {}; dropped", scalar::shown(&other)));
            Vec::new()
        }
    };
    if found.len() > PAIRS_MAX {
        notes.cut(at, found.len(), format!("cut to {PAIRS_MAX} entries (was {})", found.len()));
    }
    found.into_iter().take(PAIRS_MAX).collect()
}

fn pair(entry: Json<'_>) -> Option<(Text<'_>, Text<'_>)> {
    match entry {
        Json::Array(pair) => {
            let mut pair = pair.into_iter();
            Some((scalar::text_or_json(pair.next()?)?, pair.next().map(joined).unwrap_or_default()))
        }
        Json::Object(mut object) => {
            Some((scalar::text_or_json(object.remove("key")?)?, object.remove("value").map(joined).unwrap_or_default()))
        }
        _ => None,
    }
}

fn joined(value: Json<'_>) -> Text<'_> {
    match value {
        Json::Array(list) => list.into_iter().filter_map(scalar::text_or_json).collect::<Vec<_>>().join(", ").into(),
        other => scalar::text_or_json(other).unwrap_or_default(),
    }
}
