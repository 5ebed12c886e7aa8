//! Points in time in all the forms clients write them.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::json::Json;

/// Numbers from here on are taken for milliseconds: as seconds they would lie beyond the year 5138.
const MILLISECONDS_FROM: f64 = 100_000_000_000.0;

/// Reads RFC 3339 (any fraction, any offset, no zone means UTC), or seconds since 1970 as number or text. In UTC, whole microseconds.
pub fn read(value: &Json<'_>) -> Option<OffsetDateTime> {
    match value {
        Json::Text(text) => parse(text),
        Json::Number(number) => from_seconds(number.as_f64()?),
        _ => None,
    }
}

/// Reads the text forms of [`read`].
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    let at = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| parse_without_zone(text)).or_else(|| parse_short_offset(text))?;
    micros(at.checked_to_offset(UtcOffset::UTC)?)
}

fn parse_without_zone(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!(
        version = 2,
        "[year]-[month]-[day][first [T][t][ ]][hour]:[minute][optional [:[second][optional [.[subsecond]]]]]"
    );
    PrimitiveDateTime::parse(text, &format).ok().map(PrimitiveDateTime::assume_utc)
}

/// `+0100` and `+01` instead of `+01:00`.
fn parse_short_offset(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!(
        version = 2,
        "[year]-[month]-[day][first [T][t][ ]][hour]:[minute]:[second][optional [.[subsecond]]][optional [ ]][offset_hour sign:mandatory][optional [[offset_minute]]]"
    );
    OffsetDateTime::parse(text, &format).ok()
}

fn from_seconds(seconds: f64) -> Option<OffsetDateTime> {
    let seconds = if seconds.abs() >= MILLISECONDS_FROM { seconds / 1_000.0 } else { seconds };
    // The range of four-digit years; it also keeps NaN and infinities out of the conversion.
    if !(-62_135_596_800.0..253_402_300_800.0).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked, and what is below a microsecond is meant to go")]
    let micros = (seconds * 1_000_000.0).round() as i128;
    OffsetDateTime::from_unix_timestamp_nanos(micros * 1_000).ok()
}

/// Postgres keeps microseconds, RFC 3339 knows no years before Christ.
fn micros(at: OffsetDateTime) -> Option<OffsetDateTime> {
    at.replace_nanosecond(at.microsecond() * 1_000).ok().filter(|at| at.year() > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn every_form_in_the_wild_is_the_same_moment() {
        let expected = Some(datetime!(2026-11-20 08:02:19.25 UTC));
        for value in [
            json!("2026-11-20T08:02:19.25Z"),
            json!("2026-11-20T08:02:19.250000Z"),
            json!("2026-11-20T08:02:19.250000123Z"),
            json!("2026-11-20T09:02:19.25+01:00"),
            json!("2026-11-20T09:02:19.25+0100"),
            json!("2026-11-20T08:02:19.25"),
            json!(" 2026-11-20 08:02:19.25 "),
            json!("2026-11-20 08:02:19.25Z"),
            json!(1_795_161_739.25),
            json!("1795161739.25"),
            json!(1_795_161_739_250_i64),
        ] {
            assert_eq!(read(&value.clone().into()), expected, "{value}");
        }
        assert_eq!(read(&json!("2026-11-20T08:02").into()), Some(datetime!(2026-11-20 08:02 UTC)));
        assert_eq!(read(&json!(0).into()), Some(OffsetDateTime::UNIX_EPOCH));
    }

    #[test]
    fn nonsense_is_no_time() {
        for value in [
            json!(null),
            json!(""),
            json!("yesterday"),
            json!("NaN"),
            json!("inf"),
            json!(1e300),
            json!(-1e300),
            json!([]),
            json!("99999-01-01T00:00:00Z"),
            json!("0000-01-01T00:00:00+10:00"),
        ] {
            assert_eq!(read(&value.clone().into()), None, "{value}");
        }
    }
}
