//! The DSN inside an envelope header: which project, with which key.

use crate::domain::ids::ProjectId;

/// What a DSN says about the sender: `https://<key>@host/prefix/<project>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// The public key.
    pub public_key: String,
    /// Host with its port, as written; IPv6 in brackets.
    pub host: String,
    /// The project of the path's last segment.
    pub project_id: ProjectId,
}

impl Dsn {
    /// Reads a DSN of up to 1,000 bytes; an obsolete secret and a query are ignored. `None` for anything else.
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        let (scheme, rest) = raw.split_once("://")?;
        if raw.len() > 1_000 || !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
            return None;
        }
        let rest = rest.split(['?', '#']).next()?;
        let (userinfo, address) = rest.rsplit_once('@')?;
        let (host, path) = address.split_once('/')?;
        let public_key = userinfo.split(':').next()?;
        let project = path.trim_end_matches('/').rsplit('/').next()?;
        // JavaScript SDKs take the leading digits of the last segment.
        let digits = project.find(|c: char| !c.is_ascii_digit()).map_or(project, |end| &project[..end]);
        let project_id = ProjectId(digits.parse().ok()?);
        (!host.is_empty()).then(|| public_key_of(public_key))?.map(|public_key| Self { public_key, host: host.to_owned(), project_id })
    }
}

/// A text that can be a public key: 1 to 64 letters, digits, `_` or `-`. Anything else would only be a strange argument to a query.
pub(super) fn public_key_of(raw: &str) -> Option<String> {
    let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().ok()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    ((1..=64).contains(&decoded.len()) && decoded.chars().all(allowed)).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Option<(String, String, i64)> {
        Dsn::parse(raw).map(|dsn| (dsn.public_key, dsn.host, dsn.project_id.0))
    }

    #[test]
    fn all_documented_forms_are_read() {
        let found = |host: &str, project| Some(("abc".to_owned(), host.to_owned(), project));
        assert_eq!(read("https://abc@sentry.example.test/42"), found("sentry.example.test", 42));
        assert_eq!(read("http://abc:secret@h:9000/some/prefix/42/"), found("h:9000", 42));
        assert_eq!(read("https://abc@[::1]:9000/7?timeout=3"), found("[::1]:9000", 7));
        assert_eq!(read(" https://%61bc@h/42-shop "), found("h", 42));
    }

    #[test]
    fn anything_else_is_not_a_dsn() {
        for raw in [
            "",
            "https://h/42",
            "https://@h/42",
            "https://abc@/42",
            "https://abc@h",
            "https://abc@h/shop",
            "ftp://abc@h/1",
            "https://a%00c@h/1",
            "https://abc@h/99999999999999999999",
        ] {
            assert_eq!(read(raw), None, "{raw:?}");
        }
    }
}
