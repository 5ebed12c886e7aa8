//! Telling an SDK which categories to keep to itself, and for how long.
//!
//! A 429 without categories would silence everything the process sends for a minute, so every answer names them. SDKs read the header on
//! a 200 as well, which spares the request that would be refused.

use axum::http::HeaderValue;
use axum::response::Response;

use super::limiter::Silence;
use crate::protocol::category::Category;

/// `seconds:categories:scope:reason`, several separated by commas.
const HEADER: &str = "x-sentry-rate-limits";

/// Puts the header on an answer, where there is something to tell.
pub fn tell(silences: &[Silence], response: &mut Response) {
    let limits: Vec<String> = silences.iter().map(limit).collect();
    if let (false, Ok(value)) = (limits.is_empty(), HeaderValue::try_from(limits.join(", "))) {
        response.headers_mut().insert(HEADER, value);
    }
}

/// For clients that know no categories: the shortest of the silences, in whole seconds.
pub fn retry_after(silences: &[Silence]) -> HeaderValue {
    silences.iter().map(|silence| silence.seconds).min().unwrap_or(1).into()
}

/// For the one who reads the answer.
pub fn cause(silence: &Silence) -> String {
    let Silence { category, limit, seconds } = silence;
    let (scope, period) = (limit.scope.name(), limit.period.name());
    format!("the {scope} has sent as many items of category {} as it may in this {period}; try again in {seconds} s", category.name())
}

fn limit(silence: &Silence) -> String {
    // SDKs have called errors `default` as well.
    let categories = if silence.category == Category::Error { "error;default" } else { silence.category.name() };
    format!("{}:{categories}:{}:{}", silence.seconds, silence.limit.scope.name(), silence.limit.reason())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;
    use crate::domain::rate_limit::Limit;

    #[test]
    fn the_header_names_categories_in_whole_seconds() {
        let silences = [
            Silence { category: Category::Error, limit: Limit::ALL[2], seconds: 42 },
            Silence { category: Category::Session, limit: Limit::ALL[1], seconds: 60 },
        ];
        let mut response = ().into_response();
        tell(&[], &mut response);
        assert!(!response.headers().contains_key(HEADER));
        tell(&silences, &mut response);
        let expected = "42:error;default:project:project_minute, 60:session:key:key_hour";
        assert_eq!(response.headers().get(HEADER).and_then(|value| value.to_str().ok()), Some(expected));
        assert_eq!(retry_after(&silences), HeaderValue::from(42_u64));
    }
}
