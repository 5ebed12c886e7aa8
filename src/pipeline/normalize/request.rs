//! The HTTP request.

use super::cut::{self, Size};
use crate::protocol::event::{Event, Notes, Pairs, Place};
use crate::protocol::json::Json;

/// Longest URL, in characters; what every browser takes.
const URL_MAX: usize = 2_048;
/// Most query pairs, headers and cookies, of each.
const PAIRS_MAX: usize = 100;
/// Longest name and value of a pair, in characters.
const PAIR_LEN_MAX: usize = 1_024;
const DATA: Size = Size { depth: 7, text: 8_192, bytes: 8_192 };
const ENV: Size = Size { depth: 3, text: 1_024, bytes: 8_192 };

/// Cuts every part of the request.
pub(super) fn trim(event: &mut Event<'_>, notes: &mut Notes) {
    let Some(request) = &mut event.request else { return };
    let at = Place::root("request");
    cut::optional(&mut request.method, 32, at.key("method"), notes);
    cut::optional(&mut request.url, URL_MAX, at.key("url"), notes);
    pairs(&mut request.query, at.key("query_string"), notes);
    pairs(&mut request.headers, at.key("headers"), notes);
    pairs(&mut request.cookies, at.key("cookies"), notes);
    match &mut request.data {
        Some(Json::Text(text)) => cut::text(text, DATA.text, at.key("data"), notes),
        Some(data) => cut::value(data, DATA, at.key("data"), notes),
        None => {}
    }
    cut::object(&mut request.env, ENV, at.key("env"), notes);
    cut::object(&mut request.other, ENV, at, notes);
}

fn pairs(pairs: &mut Pairs<'_>, at: Place<'_>, notes: &mut Notes) {
    if pairs.len() > PAIRS_MAX {
        notes.cut(at, pairs.len(), format!("cut to {PAIRS_MAX} entries (was {})", cut::grouped(pairs.len())));
        pairs.truncate(PAIRS_MAX);
    }
    for (name, value) in pairs {
        cut::text(value, PAIR_LEN_MAX, at.key(name), notes);
        cut::text(name, PAIR_LEN_MAX, at, notes);
    }
}
