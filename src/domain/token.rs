//! Bearer tokens of the Web API: their form and what they may be allowed to do.

use sha2::{Digest, Sha256};

/// Longest name of a token, in characters.
pub const NAME_LEN_MAX: usize = 100;
/// What a token may be allowed to do; Sentry's names. A token never does more than its owner's role allows.
pub const SCOPES: &[&str] = &["event:read", "event:write", "event:admin", "org:read", "project:read", "project:write", "project:releases"];
/// What a token may do when nothing was chosen: read everything its owner can.
pub const DEFAULT_SCOPES: &[&str] = &["event:read", "org:read", "project:read"];
/// Prefix that Sentry gives to user tokens; accepted and left out.
const SENTRY_PREFIX: &str = "sntryu_";

/// Why a token cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Nothing but blanks.
    #[error("Give the token a name that says what it is for.")]
    NameMissing,
    /// Over the maximum.
    #[error("Use {NAME_LEN_MAX} characters or fewer for the name.")]
    NameTooLong,
    /// Not one of [`SCOPES`].
    #[error("“{0}” is not a scope; the scopes are {list}.", list = SCOPES.join(", "))]
    UnknownScope(String),
}

/// The name without surrounding blanks and control characters.
pub fn check_name(raw: &str) -> Result<String, InvalidToken> {
    let name: String = raw.trim().chars().filter(|c| !c.is_control()).collect();
    match name.chars().count() {
        0 => Err(InvalidToken::NameMissing),
        count if count > NAME_LEN_MAX => Err(InvalidToken::NameTooLong),
        _ => Ok(name),
    }
}

/// The scopes sorted and each once; [`DEFAULT_SCOPES`] for none.
pub fn check_scopes(raw: &[String]) -> Result<Vec<String>, InvalidToken> {
    if let Some(unknown) = raw.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(InvalidToken::UnknownScope(unknown.clone()));
    }
    let mut scopes = if raw.is_empty() { DEFAULT_SCOPES.iter().map(|&scope| scope.to_owned()).collect() } else { raw.to_vec() };
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

/// Writes 32 random bytes as the 64 hex digits people copy.
pub fn plain(random: [u8; 32]) -> String {
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is stored in place of the token.
pub fn hash(plain: &str) -> [u8; 32] {
    let plain = plain.strip_prefix(SENTRY_PREFIX).unwrap_or(plain);
    Sha256::digest(plain.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_64_hex_digits_and_found_with_sentrys_prefix_too() {
        let token = plain([0xab; 32]);
        assert_eq!(token, "ab".repeat(32));
        assert_eq!(hash(&token), hash(&format!("sntryu_{token}")));
    }

    #[test]
    fn scopes_are_sorted_known_and_never_empty() {
        let strings = |scopes: &[&str]| scopes.iter().map(|&scope| scope.to_owned()).collect::<Vec<_>>();
        assert_eq!(check_scopes(&[]), Ok(strings(DEFAULT_SCOPES)));
        assert_eq!(check_scopes(&strings(&["project:read", "event:read", "project:read"])), Ok(strings(&["event:read", "project:read"])));
        assert_eq!(check_scopes(&strings(&["admin"])), Err(InvalidToken::UnknownScope("admin".into())));
    }

    #[test]
    fn a_name_has_something_in_it() {
        assert_eq!(check_name(" deploy\n bot "), Ok("deploy bot".to_owned()));
        assert_eq!(check_name(" \n"), Err(InvalidToken::NameMissing));
        assert_eq!(check_name(&"x".repeat(101)), Err(InvalidToken::NameTooLong));
    }
}
