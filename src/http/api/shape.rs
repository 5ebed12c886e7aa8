//! Small shapes that several answers share.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const TIMESTAMP: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// `2026-11-01T10:00:00.000000Z`
pub fn timestamp(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(TIMESTAMP).expect("every field of the format is part of a time")
}

/// As [`timestamp`], or `null`.
pub fn timestamp_or_null(at: Option<OffsetDateTime>) -> Value {
    at.map_or(Value::Null, |at| Value::String(timestamp(at)))
}

/// `null` for a text that is not there or empty.
pub fn text_or_null(text: Option<&str>) -> Value {
    text.filter(|text| !text.is_empty()).map_or(Value::Null, Value::from)
}

/// The picture of somebody who has none.
pub fn letter_avatar() -> Value {
    json!({ "avatarType": "letter_avatar", "avatarUuid": null, "avatarUrl": null })
}

/// A release as it stands inside other objects; `null` without one.
pub fn release(version: Option<&str>) -> Value {
    let Some(version) = version.filter(|version| !version.is_empty()) else { return Value::Null };
    let package = version.rsplit_once('@').map(|(package, _)| package);
    let short = version.rsplit_once('@').map_or(version, |(_, short)| short);
    json!({ "version": version, "shortVersion": short, "versionInfo": { "package": package, "version": { "raw": short } } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_utc_with_six_digits() {
        assert_eq!(timestamp(datetime!(2026-11-01 12:00:00.5 +2)), "2026-11-01T10:00:00.500000Z");
    }

    #[test]
    fn releases_are_split_at_their_package() {
        assert_eq!(release(Some("shop@3.2.0"))["shortVersion"], "3.2.0");
        assert_eq!(release(Some("3.2.0"))["versionInfo"]["package"], Value::Null);
        assert_eq!(release(Some("")), Value::Null);
    }
}
