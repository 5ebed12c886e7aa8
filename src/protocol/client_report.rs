//! What an SDK says it threw away itself.

use super::category::Category;
use super::json::{self, Json, JsonError};

/// Most entries read of one report; SDKs merge equal ones, so real reports have a few.
pub const ENTRIES_MAX: usize = 200;
/// Longest reason kept, in characters.
pub const REASON_LEN_MAX: usize = 64;
/// Most items one entry may claim: a broken or hostile client must not drown the accounting.
pub const QUANTITY_MAX: u64 = 1_000_000;

/// So many items of one category, thrown away for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discard {
    /// `before_send`, `sample_rate`, `ratelimit_backoff`, `network_error`, ….
    pub reason: String,
    /// What kind of items.
    pub category: Category,
    /// How many, at least 1.
    pub quantity: u64,
}

/// Reads the payload of a `client_report`. Entries that cannot be read are left out: a refused report is only answered by another report.
pub fn read(payload: &[u8]) -> Result<Vec<Discard>, JsonError> {
    let report = json::parse_object(payload)?;
    let lists = ["discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events"];
    let entries = lists.iter().filter_map(|key| report.get(key)?.as_array()).flatten();
    Ok(entries.filter_map(discard).take(ENTRIES_MAX).collect())
}

fn discard(entry: &Json<'_>) -> Option<Discard> {
    let reason = entry.get("reason").and_then(Json::as_str).unwrap_or_default().trim();
    let category = Category::parse(entry.get("category")?.as_str()?);
    let quantity = entry.get("quantity").map_or(Some(1), whole)?;
    let reason = if reason.is_empty() { "unknown" } else { reason };
    (quantity > 0).then(|| Discard {
        reason: reason.chars().take(REASON_LEN_MAX).collect(),
        category,
        quantity: quantity.min(QUANTITY_MAX),
    })
}

fn whole(value: &Json<'_>) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, and the result is capped")]
    let from_float = |float: f64| float as u64;
    value.as_u64().or_else(|| value.as_f64().map(from_float))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_entries_are_kept_and_others_left_out() {
        let payload = br#"{"timestamp": 1795161739.2, "discarded_events": [
            {"reason": "before_send", "category": "error", "quantity": 3},
            {"reason": "sample_rate", "category": "shiny", "quantity": 1e30},
            {"reason": "network_error", "category": "span", "quantity": -1},
            {"category": "session"}, {"reason": "x"}, null, 7]}"#;
        let read = read(payload).unwrap();
        let entry = |reason: &str, category, quantity| Discard { reason: reason.into(), category, quantity };
        assert_eq!(
            read,
            [
                entry("before_send", Category::Error, 3),
                entry("sample_rate", Category::Unknown, QUANTITY_MAX),
                entry("unknown", Category::Session, 1)
            ]
        );
    }

    #[test]
    fn an_empty_report_is_legal_and_other_json_is_not() {
        assert_eq!(super::read(b"{}"), Ok(vec![]));
        assert!(super::read(b"[]").is_err());
    }
}
