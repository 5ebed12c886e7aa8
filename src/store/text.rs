//! What text must be before Postgres takes it.

use std::borrow::Cow;

/// Without NUL, which neither `text` nor `jsonb` can hold and SDK payloads do contain.
pub fn clean(raw: &str) -> Cow<'_, str> {
    if raw.contains('\0') { Cow::Owned(raw.replace('\0', "")) } else { Cow::Borrowed(raw) }
}

/// `clean`, and at most `max` bytes, cut at a character: for columns in an index, whose rows Postgres limits to about 2,700 bytes.
pub fn clean_cut(raw: &str, max: usize) -> String {
    let mut text = clean(raw).into_owned();
    let end = text.floor_char_boundary(max);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_dropped() {
        assert_eq!(clean("a\0b\0"), "ab");
        assert!(matches!(clean("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(clean_cut("aé\0é", 4), "aé");
        assert_eq!(clean_cut("short", 40), "short");
    }
}
