//! Addresses of the issue pages. The address is the state: search, order, period and place are all in it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::ids::IssueId;
use crate::domain::search::Query;

/// Everything that could end or change a query value; what a search is made of stays readable.
const VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'!').remove(b'/').remove(b',').remove(b'*');

/// A text as the value of a query parameter.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// `/issues/431`
pub fn issue(id: IssueId) -> String {
    format!("/issues/{id}")
}

/// The list at `base` with this search.
pub fn search(base: &str, query: &str) -> String {
    format!("{base}?query={}", encoded(query))
}

/// The list at `base` with one condition on open and closed issues alike.
pub fn search_pair(base: &str, key: &str, value: &str) -> String {
    search(base, &pair(key, value))
}

/// `key:value`, in quotes where the language needs them. A quotation mark cannot be written; a star stands for it.
pub fn pair(key: &str, value: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && c != '"';
    let tame = !value.is_empty() && !value.starts_with(['[', '<', '>', '=', '/', '\\']) && value.chars().all(plain);
    if tame { format!("{key}:{value}") } else { format!("{key}:\"{}\"", value.replace('"', "*")) }
}

/// The search with its conditions on `key` replaced by this one.
pub fn narrowed(query: &Query, key: &str, value: &str) -> String {
    let others = query.terms.iter().map(|term| term.source.as_str()).filter(|source| !source.starts_with(&format!("{key}:")));
    others.map(str::to_owned).chain([pair(key, value)]).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::search::{Pattern, Test, parse};
    use time::OffsetDateTime;

    #[test]
    fn every_value_survives_the_language_and_the_address() {
        for value in ["production", "1.0 beta", "[x]", ">1", "//host/a", "a:b", "https://x/?a=b&c", "back\\slash", "ü", "#1"] {
            let query = parse(&pair("tag", value), OffsetDateTime::UNIX_EPOCH).expect("understood");
            assert_eq!(query.terms[0].test, Test::Tag("tag".into(), vec![Pattern::new(value)]), "{value}");
        }
        assert_eq!(search("/issues", "a&b #c d:\"e\""), "/issues?query=a%26b%20%23c%20d:%22e%22");
    }

    #[test]
    fn a_facet_replaces_its_own_condition_only() {
        let query = parse("is:unresolved environment:staging !environment:dev word", OffsetDateTime::UNIX_EPOCH).expect("understood");
        assert_eq!(narrowed(&query, "environment", "prod 1"), "is:unresolved !environment:dev word environment:\"prod 1\"");
    }
}
