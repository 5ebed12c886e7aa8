//! Whether a name promises a secret.
//!
//! Case, `_`, `-` and `.` do not matter: `apiKey`, `X-Api-Key` and `API_KEY` are one. A name counts if it contains one of the words below,
//! except where the word is only part of an innocent one (`author`, `discard`, `className`).

use super::beginnings::Table;

/// Longest part of a name that is looked at, in bytes.
const LEN_MAX: usize = 96;
/// Too short to be looked for inside other words: `ssn` is in `className`, `sid` in `inside`.
const WHOLE_WORDS: &[&str] = &["ssn", "cvc", "cvv", "cvv2", "sid", "jwt", "otp", "pass", "passcode", "sess"];
/// Names of counts and sizes: their numbers are no secrets (`session_count`, `max_tokens`).
const COUNTERS: &[&str] = &[
    "count", "len", "length", "size", "max", "min", "limit", "total", "num", "ttl", "age", "timeout", "expires", "expiry", "used", "usage",
    "index",
];

/// How the words begin that promise a secret, those first that also begin one of [`WHOLE_WORDS`].
const BEGINNINGS: Table = Table::new(&[
    [b"cC", b"vV", b"cCvV"],
    [b"jJ", b"wW", b"tT"],
    [b"oO", b"tT", b"pP"],
    [b"pP", b"aA", b"sS"],
    [b"sS", b"eE", b"sS"],
    [b"sS", b"iI", b"dD"],
    [b"sS", b"sS", b"nN"],
    [b"aA", b"pP", b"iI"],
    [b"aA", b"cC", b"cC"],
    [b"aA", b"uU", b"tT"],
    [b"bB", b"eE", b"aA"],
    [b"cC", b"rR", b"eE"],
    [b"cC", b"sSaA", b"rR"],
    [b"cC", b"oO", b"oO"],
    [b"eE", b"nN", b"cC"],
    [b"pP", b"wW", b"dD"],
    [b"pP", b"rR", b"iI"],
    [b"sS", b"eE", b"cC"],
    [b"sS", b"iIsS", b"gGhH"],
    [b"tT", b"oO", b"kK"],
    [b"xX", b"sS", b"rR"],
]);
/// The bits of the first of them.
const WHOLE: u64 = (1 << 7) - 1;

/// A name whose value must not be kept.
pub(super) fn is_sensitive(name: &str) -> bool {
    promises_secret(name.as_bytes())
}

/// As [`is_sensitive`], for a name that was found among bytes.
pub(super) fn promises_secret(name: &[u8]) -> bool {
    let kinds = BEGINNINGS.kinds_in_name(name);
    kinds != 0 && (holds_word(name) || kinds & WHOLE != 0 && words(name).any(|word| is_one_of(word, WHOLE_WORDS)))
}

fn holds_word(name: &[u8]) -> bool {
    let mut compact = [0; LEN_MAX];
    let mut len = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()).take(LEN_MAX) {
        compact[len] = byte.to_ascii_lowercase();
        len += 1;
    }
    let compact = &compact[..len];
    let mut at = BEGINNINGS.next(compact, 0);
    while at < len {
        if names_secret(compact, at) {
            return true;
        }
        at = BEGINNINGS.next(compact, at + 1);
    }
    false
}

/// A name whose numbers are harmless even if it [`is_sensitive`].
pub(super) fn is_counter(name: &str) -> bool {
    words(name.as_bytes()).any(|word| is_one_of(word, COUNTERS))
}

/// A name whose value is a secret whatever it looks like.
pub(super) fn is_password(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["passw", "pwd", "passphrase", "secret"].iter().any(|word| name.contains(word))
}

/// A header whose whole line is secret.
pub(super) fn is_secret_header(name: &str) -> bool {
    ["cookie", "set-cookie", "authorization", "proxy-authorization"].iter().any(|header| name.eq_ignore_ascii_case(header))
}

/// Where it stands whose request it was, besides the user: what servers and proxies call it, without `_`, `-` and `HTTP_`.
const CALLERS: &[&str] = &[
    "cfconnectingip",
    "clientip",
    "fastlyclientip",
    "forwarded",
    "forwardedfor",
    "ip",
    "ipaddr",
    "ipaddress",
    "remoteaddr",
    "remoteaddress",
    "remotehost",
    "remoteip",
    "trueclientip",
    "xclientip",
    "xclusterclientip",
    "xenvoyexternaladdress",
    "xforwardedfor",
    "xoriginalforwardedfor",
    "xrealip",
];

/// A name that holds the IP address of whoever made a request.
pub(super) fn is_address(name: &str) -> bool {
    let compact: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).take(LEN_MAX).collect();
    let bare = compact.strip_prefix("http").unwrap_or(&compact);
    CALLERS.binary_search(&bare).is_ok()
}

fn names_secret(compact: &[u8], at: usize) -> bool {
    let (before, rest) = compact.split_at(at);
    let begins = |words: &[&str]| words.iter().any(|word| rest.starts_with(word.as_bytes()));
    let follows = |words: &[&str]| words.iter().any(|word| before.ends_with(word.as_bytes()));
    match rest[0] {
        b'a' => begins(&["apikey", "accesskey"]) || begins(&["auth"]) && (!begins(&["author"]) || begins(&["authoriz", "authoris"])),
        b'b' => begins(&["bearer"]),
        b'c' => {
            begins(&["credential", "csrf", "cookie"])
                || begins(&["card"])
                    && !begins(&["cardinal", "cardio"])
                    && !follows(&["dis", "wild", "score", "post", "flash", "dash", "v", "pla"])
        }
        b'e' => begins(&["encryptionkey"]),
        b'p' => begins(&["passw", "passphrase", "pwd", "privatekey"]),
        b's' => begins(&["session", "signingkey", "sshkey"]) || begins(&["secret"]) && !begins(&["secretar"]),
        b't' => begins(&["token"]) && !begins(&["tokeniz", "tokenis"]),
        b'x' => begins(&["xsrf"]),
        _ => false,
    }
}

fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

/// The words of a snake, kebab or camel case name.
fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let start = rest.iter().position(u8::is_ascii_alphanumeric)?;
        rest = &rest[start..];
        let ends = |at: &usize| !rest[*at].is_ascii_alphanumeric() || rest[*at].is_ascii_uppercase() && rest[*at - 1].is_ascii_lowercase();
        let end = (1..rest.len()).find(ends).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_every_spelling() {
        for name in [
            "password",
            "PASSWORD1",
            "db_passwd",
            "userPwd",
            "client-secret",
            "api_key",
            "apiKey",
            "X-Api-Key",
            "APIKEY",
            "access_token",
            "csrfmiddlewaretoken",
            "Authorization",
            "auth",
            "oauth_state",
            "SENTRY_AUTH_TOKEN",
            "credentials",
            "aws_credential",
            "private_key",
            "PrivateKey",
            "sessionid",
            "PHPSESSION",
            "X-CSRFToken",
            "XSRF-TOKEN",
            "Set-Cookie",
            "credit_card",
            "card",
            "cardNumber",
            "ssn",
            "user_ssn",
            "cvc",
            "cardCVV",
            "SMTP_PASS",
            "connect.sid",
            "'api_key'",
            "user%5Bpassword%5D",
            "bearer",
            "passphrase",
            "ünï_token",
        ] {
            assert!(is_sensitive(name), "{name}");
        }
    }

    #[test]
    fn innocent_names_are_left_alone() {
        for name in [
            "author",
            "authors",
            "coauthor_id",
            "authority",
            "discard",
            "discarded",
            "wildcard",
            "cardinality",
            "postcard",
            "className",
            "processname",
            "businessName",
            "tokenizer",
            "secretary",
            "passenger",
            "passed",
            "compass",
            "inside",
            "user",
            "email",
            "sku",
            "subtotal",
            "theme",
            "",
            "ü",
        ] {
            assert!(!is_sensitive(name), "{name}");
        }
    }

    #[test]
    fn addresses_of_callers_are_known_by_what_servers_call_them() {
        assert!(CALLERS.is_sorted());
        for name in ["REMOTE_ADDR", "X-Forwarded-For", "HTTP_X_REAL_IP", "cf-connecting-ip", "ip_address", "Forwarded"] {
            assert!(is_address(name), "{name}");
        }
        assert!(!["SERVER_ADDR", "ship", "zip", "description", "X-Forwarded-Proto", "address"].iter().any(|name| is_address(name)));
    }

    #[test]
    fn counters_are_told_from_secrets() {
        assert!(["session_count", "maxTokens", "token_ttl", "cookie-length"].iter().all(|name| is_counter(name)));
        assert!(!["session_id", "card_number", "token", "discount"].iter().any(|name| is_counter(name)));
    }
}
