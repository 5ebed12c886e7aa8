//! Query parameters. Names may repeat (`environment=a&environment=b`); empty values count as not given, except where noted.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use time::Duration;
use url::form_urlencoded;

use super::error::ApiError;
use crate::http::Doors;

/// Most parameters that are read.
const PARAMS_MAX: usize = 100;
/// Longest period, in days.
const PERIOD_DAYS_MAX: i64 = 3_650;

/// The decoded pairs, in order.
pub struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of a name, even an empty one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a name, if it is not empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All values of a name that are not empty.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// `1` or `true`.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "true"))
    }

    /// The pairs besides `name`, to build the address of another page.
    pub fn without<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter(move |(key, _)| key != name).map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// `statsPeriod`: a number with `s`, `m`, `h`, `d` or `w`.
    pub fn period(&self) -> Result<Option<Duration>, ApiError> {
        self.duration("statsPeriod")
    }

    /// A number with a unit, as in `statsPeriod`.
    pub fn duration(&self, name: &str) -> Result<Option<Duration>, ApiError> {
        self.filled(name).map(|raw| period(raw).ok_or_else(|| ApiError::BadRequest(format!("Invalid {name}: {raw}")))).transpose()
    }
}

fn period(raw: &str) -> Option<Duration> {
    let unit = raw.chars().next_back()?;
    let count: i32 = raw[..raw.len() - unit.len_utf8()].parse().ok().filter(|count| *count >= 0)?;
    let one = match unit {
        's' => Duration::SECOND,
        'm' => Duration::MINUTE,
        'h' => Duration::HOUR,
        'd' => Duration::DAY,
        'w' => Duration::WEEK,
        _ => return None,
    };
    Some(one.checked_mul(count)?.min(Duration::days(PERIOD_DAYS_MAX)))
}

impl FromRequestParts<Doors> for Params {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &Doors) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).take(PARAMS_MAX);
        Ok(Self(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_a_number_and_a_unit() {
        assert_eq!(period("14d"), Some(Duration::days(14)));
        assert_eq!(period("90m"), Some(Duration::minutes(90)));
        assert_eq!(period("2000000000w"), Some(Duration::days(PERIOD_DAYS_MAX)));
        for raw in ["", "d", "14", "-1d", "1y", "1ü"] {
            assert_eq!(period(raw), None, "{raw}");
        }
    }
}
