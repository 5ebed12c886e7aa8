//! Pagination as Sentry's clients know it: a `Link` header with both directions, and cursors that are passed back verbatim.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use url::form_urlencoded;

use super::error::ApiError;
use super::params::Params;

/// Items of a page where nothing is asked for, and at most.
pub const LIMIT_MAX: usize = 100;
/// Hits are counted up to here.
pub const HITS_MAX: i64 = 1_000;

/// Three parts, of which clients know nothing: where, what, and whether the page lies before that place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The order's value at the place: a time, a count, or 0.
    pub value: String,
    /// What stands there: an id, or how many items to pass over.
    pub item: String,
    /// The page before the place.
    pub backwards: bool,
}

impl Cursor {
    fn parse(raw: &str) -> Option<Self> {
        let mut parts = raw.split(':');
        let (value, item, backwards) = (parts.next()?, parts.next()?, parts.next()?);
        let sound = |part: &str| !part.is_empty() && part.len() <= 40 && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let backwards = match backwards {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        let whole = parts.next().is_none() && sound(value) && sound(item);
        whole.then(|| Self { value: value.to_owned(), item: item.to_owned(), backwards })
    }

    /// `0:0:1`, which Sentry sends as the page before the first.
    fn is_first(&self) -> bool {
        self.value == "0" && self.item == "0"
    }

    /// Passes over items by their number.
    pub fn offset(offset: usize, backwards: bool) -> Self {
        Self { value: "0".into(), item: offset.to_string(), backwards }
    }

    fn text(&self) -> String {
        format!("{}:{}:{}", self.value, self.item, u8::from(self.backwards))
    }
}

/// Which page is asked for.
#[derive(Debug)]
pub struct Ask {
    /// `None`: the first.
    pub cursor: Option<Cursor>,
    /// 1 to 100.
    pub limit: usize,
}

impl Ask {
    /// Reads `cursor` and `per_page` or `limit`.
    pub fn read(params: &Params) -> Result<Self, ApiError> {
        let invalid = |what: &str| ApiError::BadRequest(format!("Invalid {what} parameter."));
        let cursor = params.filled("cursor").map(|raw| Cursor::parse(raw).ok_or_else(|| invalid("cursor"))).transpose()?;
        let limit = match params.filled("per_page").or(params.filled("limit")) {
            Some(raw) => raw.parse::<usize>().ok().filter(|limit| *limit > 0).ok_or_else(|| invalid("per_page"))?,
            None => LIMIT_MAX,
        };
        Ok(Self { cursor: cursor.filter(|cursor| !cursor.is_first()), limit: limit.min(LIMIT_MAX) })
    }

    /// One page of a list that is in memory.
    pub fn cut<T>(&self, items: Vec<T>) -> Result<(Vec<T>, Neighbours), ApiError> {
        let offset = match &self.cursor {
            Some(cursor) => cursor.item.parse::<usize>().map_err(|_| ApiError::BadRequest("Invalid cursor parameter.".into()))?,
            None => 0,
        };
        let has_next = items.len() > offset.saturating_add(self.limit);
        let neighbours = Neighbours {
            previous: (offset > 0).then(|| Cursor::offset(offset.saturating_sub(self.limit), true)),
            next: has_next.then(|| Cursor::offset(offset + self.limit, false)),
        };
        Ok((items.into_iter().skip(offset).take(self.limit).collect(), neighbours))
    }
}

/// The pages beside this one, where there are any.
#[derive(Debug, Default)]
pub struct Neighbours {
    /// Newer, or earlier in the list.
    pub previous: Option<Cursor>,
    /// Older, or later in the list.
    pub next: Option<Cursor>,
}

/// A page as it is sent.
pub struct Page {
    /// Each one object.
    pub items: Vec<Value>,
    /// For the `Link` header.
    pub neighbours: Neighbours,
    /// How many match, where that is cheap to say; [`HITS_MAX`] means that many or more.
    pub hits: Option<i64>,
}

impl Page {
    /// The answer; `address` is the public address of this path.
    pub fn answer(self, address: &str, params: &Params, ask: &Ask) -> Response {
        let mut headers = HeaderMap::new();
        let link = |cursor: &Option<Cursor>, rel: &str, absent: Cursor| {
            let has_results = cursor.is_some();
            let cursor = cursor.clone().unwrap_or(absent).text();
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(params.without("cursor"))
                .append_pair("cursor", &cursor)
                .finish();
            // Colons are legal in a query, and clients compare this with the cursor beside it.
            let query = query.replace("%3A", ":");
            format!("<{address}?{query}>; rel=\"{rel}\"; results=\"{has_results}\"; cursor=\"{cursor}\"")
        };
        let previous = link(&self.neighbours.previous, "previous", Cursor::offset(0, true));
        let next = link(&self.neighbours.next, "next", Cursor::offset(ask.limit, false));
        if let Ok(value) = HeaderValue::from_str(&format!("{previous}, {next}")) {
            headers.insert(header::LINK, value);
        }
        if let Some(hits) = self.hits {
            headers.insert(HeaderName::from_static("x-hits"), hits.into());
            headers.insert(HeaderName::from_static("x-max-hits"), HITS_MAX.into());
        }
        (headers, Json(Value::Array(self.items))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_were_sent() {
        for raw in ["0:100:0", "1763632000000000:431:1", "1763632000000000:9ec79c33ec9942ab8353589fcb2e04dc:0"] {
            assert_eq!(Cursor::parse(raw).map(|cursor| cursor.text()).as_deref(), Some(raw));
        }
        for raw in ["", "1", "1:2", "1:2:3", "1:2:0:0", "a b:1:0", "::0"] {
            assert_eq!(Cursor::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn lists_in_memory_are_cut_into_pages_that_end() {
        let ask = |item: &str| Ask { cursor: Some(Cursor { value: "0".into(), item: item.into(), backwards: false }), limit: 2 };
        let (items, beside) = Ask { cursor: None, limit: 2 }.cut(vec![1, 2, 3]).expect("a first page");
        assert_eq!((items, beside.previous, beside.next), (vec![1, 2], None, Some(Cursor::offset(2, false))));
        let (items, beside) = ask("2").cut(vec![1, 2, 3]).expect("a second page");
        assert_eq!((items, beside.previous, beside.next), (vec![3], Some(Cursor::offset(0, true)), None));
        let (items, beside) = ask("18446744073709551615").cut(vec![1]).expect("an empty page");
        assert_eq!((items, beside.next), (vec![], None));
    }
}
