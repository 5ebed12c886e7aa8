//! Who sends: the public key, out of every place a client can put it.
//!
//! Several places may name a key as long as they agree. `trace.public_key` of an envelope header is never one of them: it names
//! the project that started the trace, often another one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::dsn::{Dsn, public_key_of};
use crate::domain::ids::ProjectId;

/// Versions of the protocol that are spoken; raven says 6, everything newer 7.
const VERSIONS: std::ops::RangeInclusive<u16> = 2..=7;
/// Longest SDK name kept, in characters.
const CLIENT_LEN_MAX: usize = 100;

/// Where a request can carry a key, each as received.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carriers<'a> {
    /// The header `X-Sentry-Auth`.
    pub x_sentry_auth: Option<&'a str>,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The query string, without `?`.
    pub query: Option<&'a str>,
    /// A key that is a segment of the path (cron check-ins).
    pub path: Option<&'a str>,
    /// The `dsn` of the envelope header.
    pub dsn: Option<&'a Dsn>,
}

/// What a request says about its sender. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The public key.
    pub public_key: String,
    /// Name and version of the SDK, `sentry.python/2.75.0`, where it was given.
    pub client: Option<String>,
}

/// Why a request cannot be attributed to a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No place names a key.
    #[error("missing authorization information")]
    Missing,
    /// Two places name different keys.
    #[error("multiple authorization payloads detected")]
    Disagree,
    /// The envelope's DSN is of another project than the path.
    #[error("the dsn of the envelope header is of another project")]
    OtherProject,
    /// `sentry_version` outside 2..=7.
    #[error("unsupported protocol version")]
    Version,
}

/// Reads all carriers of a request: the first that names a key wins, the others must agree. `project`: the one that is known already, of
/// the path or of the key; a DSN must be of the same.
pub fn read(carriers: &Carriers<'_>, project: Option<ProjectId>) -> Result<Credentials, AuthError> {
    if carriers.dsn.is_some_and(|dsn| project.is_some_and(|project| dsn.project_id != project)) {
        return Err(AuthError::OtherProject);
    }
    let pairs = [
        carriers.x_sentry_auth.map(header_pairs).unwrap_or_default(),
        carriers.authorization.map(authorization_pairs).unwrap_or_default(),
        carriers.query.map(query_pairs).unwrap_or_default(),
        carriers.path.map(|key| vec![pair("sentry_key", key)]).unwrap_or_default(),
        carriers.dsn.map(|dsn| vec![pair("sentry_key", &dsn.public_key)]).unwrap_or_default(),
    ]
    .concat();
    let values = |name: &'static str| pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str());

    let mut keys = values("sentry_key").filter_map(public_key_of);
    let public_key = keys.next().ok_or(AuthError::Missing)?;
    if keys.any(|other| other != public_key) {
        return Err(AuthError::Disagree);
    }
    if !values("sentry_version").all(is_spoken) {
        return Err(AuthError::Version);
    }
    let client = values("sentry_client").find(|client| !client.is_empty()).map(|client| client.chars().take(CLIENT_LEN_MAX).collect());
    Ok(Credentials { public_key, client })
}

type Pair = (String, String);

fn pair(name: &str, value: &str) -> Pair {
    (name.to_owned(), value.to_owned())
}

/// `Sentry sentry_key=…, sentry_version=7`; the scheme word is of any case and may be missing.
fn header_pairs(raw: &str) -> Vec<Pair> {
    let raw = raw.trim();
    let raw = match raw.split_once(char::is_whitespace) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sentry") => rest,
        _ => raw,
    };
    let trimmed = |(name, value): (&str, &str)| pair(name.trim(), value.trim().trim_matches('"'));
    raw.split(',').filter_map(|part| part.split_once('=')).map(trimmed).collect()
}

/// `Sentry …`, or `Basic` with the key as the user name. Other schemes are somebody else's, and so is a user name that is no key
/// of ours: proxies add their own credentials.
fn authorization_pairs(raw: &str) -> Vec<Pair> {
    let Some((scheme, rest)) = raw.trim().split_once(char::is_whitespace) else { return Vec::new() };
    if scheme.eq_ignore_ascii_case("sentry") {
        return header_pairs(raw);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Vec::new();
    }
    let decoded = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let user = decoded.as_deref().and_then(|text| text.split(':').next()).unwrap_or_default();
    if user.len() == 32 && user.bytes().all(|b| b.is_ascii_hexdigit()) { vec![pair("sentry_key", user)] } else { Vec::new() }
}

fn query_pairs(raw: &str) -> Vec<Pair> {
    let ours = |(name, _): &(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| name.starts_with("sentry_");
    let owned = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| (name.into_owned(), value.into_owned());
    url::form_urlencoded::parse(raw.trim_start_matches('?').as_bytes()).filter(ours).map(owned).collect()
}

/// `7`, or `2.0` of very old clients.
fn is_spoken(version: &str) -> bool {
    version.is_empty() || version.split('.').next().and_then(|major| major.parse().ok()).is_some_and(|major| VERSIONS.contains(&major))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";
    const OTHER: &str = "b1b2c3d4e5f60718293a4b5c6d7e8f91";

    fn key(carriers: Carriers<'_>) -> Result<String, AuthError> {
        read(&carriers, Some(ProjectId(42))).map(|credentials| credentials.public_key)
    }

    fn header(raw: &str) -> Carriers<'_> {
        Carriers { x_sentry_auth: Some(raw), ..Carriers::default() }
    }

    fn dsn(key: &str, project_id: i64) -> Dsn {
        Dsn { public_key: key.into(), host: "h".into(), project_id: ProjectId(project_id) }
    }

    #[test]
    fn headers_of_all_clients_are_read() {
        for raw in [
            format!("Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0"),
            format!("sentry sentry_key={KEY}"),
            format!(
                "Sentry sentry_timestamp=1795161739.4, sentry_client=raven-python/6.10.0, sentry_version=6,sentry_key={KEY},sentry_secret=x"
            ),
            format!("sentry_version=2.0, sentry_key=\"{KEY}\""),
        ] {
            assert_eq!(key(header(&raw)).as_deref(), Ok(KEY), "{raw}");
        }
        let client = read(&header(&format!("Sentry sentry_key={KEY}, sentry_client=sentry.rust/0.49.5")), Some(ProjectId(42)));
        assert_eq!(client.map(|credentials| credentials.client), Ok(Some("sentry.rust/0.49.5".into())));
    }

    #[test]
    fn authorization_query_path_and_dsn_carry_it_too() {
        let basic = format!("Basic {}", STANDARD.encode(format!("{KEY}:")));
        let query = format!("sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.browser%2F11.12.0");
        let sentry = format!("Sentry sentry_key={KEY}");
        let dsn = dsn(KEY, 42);
        for carriers in [
            Carriers { authorization: Some(&basic), ..Carriers::default() },
            Carriers { authorization: Some(&sentry), ..Carriers::default() },
            Carriers { query: Some(&query), ..Carriers::default() },
            Carriers { path: Some(KEY), ..Carriers::default() },
            Carriers { dsn: Some(&dsn), ..Carriers::default() },
            Carriers { authorization: Some(&basic), query: Some(&query), dsn: Some(&dsn), ..Carriers::default() },
        ] {
            assert_eq!(key(carriers).as_deref(), Ok(KEY), "{carriers:?}");
        }
    }

    #[test]
    fn carriers_that_disagree_are_refused() {
        let ours = format!("Sentry sentry_key={KEY}");
        let theirs = format!("sentry_key={OTHER}");
        let (other_key, other_project) = (dsn(OTHER, 42), dsn(KEY, 43));
        assert_eq!(key(Carriers { query: Some(&theirs), ..header(&ours) }), Err(AuthError::Disagree));
        assert_eq!(key(Carriers { dsn: Some(&other_key), ..header(&ours) }), Err(AuthError::Disagree));
        assert_eq!(key(Carriers { dsn: Some(&other_project), ..header(&ours) }), Err(AuthError::OtherProject));
    }

    #[test]
    fn a_proxys_own_credentials_do_not_count() {
        let (ours, basic) = (format!("Sentry sentry_key={KEY}"), format!("Basic {}", STANDARD.encode("admin:hunter2")));
        assert_eq!(key(Carriers { authorization: Some(&basic), ..header(&ours) }).as_deref(), Ok(KEY));
        for foreign in [basic.as_str(), "Bearer abcdef", "Basic %%%", "Basic"] {
            assert_eq!(key(Carriers { authorization: Some(foreign), ..Carriers::default() }), Err(AuthError::Missing), "{foreign}");
        }
    }

    #[test]
    fn a_missing_or_impossible_key_is_missing() {
        for raw in ["", "Sentry", "Sentry sentry_version=7", "Sentry sentry_key=", "Sentry sentry_key=a b\u{0}"] {
            assert_eq!(key(header(raw)), Err(AuthError::Missing), "{raw:?}");
        }
    }

    #[test]
    fn versions_of_the_future_are_refused() {
        for version in ["8", "1", "x"] {
            let raw = format!("Sentry sentry_key={KEY}, sentry_version={version}");
            assert_eq!(key(header(&raw)), Err(AuthError::Version), "{version}");
        }
    }
}
