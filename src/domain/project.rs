//! A project: one thing a team deploys.

use std::fmt;

use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// One thing a team deploys. Environments and releases live inside it.
#[derive(Clone, Debug)]
pub struct Project {
    /// A small integer.
    pub id: ProjectId,
    /// Its part of every address.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it runs on, one of [`PLATFORMS`] by key; '' unknown.
    pub platform: String,
    /// `SHOP` in `SHOP-431`.
    pub short_prefix: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Arrival of its first event.
    pub first_event_at: Option<OffsetDateTime>,
    /// Arrival of its latest event.
    pub last_event_at: Option<OffsetDateTime>,
}

/// What a project can run on: key and name on pages, in the order they are offered.
pub const PLATFORMS: &[(&str, &str)] = &[
    ("django", "Django"),
    ("flask", "Flask"),
    ("fastapi", "FastAPI"),
    ("celery", "Celery"),
    ("python", "Python"),
    ("node", "Node.js"),
    ("browser", "Browser JS"),
    ("go", "Go"),
    ("ruby", "Ruby"),
    ("php", "PHP"),
    ("java", "Java"),
    ("rust", "Rust"),
    ("dotnet", ".NET"),
    ("other", "Something else"),
];

/// The name of a platform on pages; '' where it is unknown.
pub fn platform_name(key: &str) -> &str {
    match PLATFORMS.iter().find(|(known, _)| *known == key) {
        Some(("other", _)) => "",
        Some((_, name)) => name,
        None => key,
    }
}

/// Longest name of a project, in characters.
pub const NAME_LEN_MAX: usize = 100;

/// Words that are addresses of the installation and so cannot be a project's slug.
const RESERVED: &[&str] = &[
    "a",
    "account",
    "admin",
    "alerts",
    "api",
    "events",
    "health",
    "healthz",
    "help",
    "invite",
    "issues",
    "login",
    "logout",
    "members",
    "metrics",
    "new",
    "objectives",
    "otlp",
    "projects",
    "readyz",
    "reset",
    "setup",
    "share",
    "static",
    "teams",
    "traces",
    "v1",
];
/// Longest slug, in characters.
pub const SLUG_LEN_MAX: usize = 50;

/// Lower-case letters, digits and single dashes; not one of the installation's own words. `parse` and `from_name` are the only ways to get one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slug(String);

/// Why a text cannot be a slug.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlug {
    /// Empty, too long, or with other characters.
    #[error("use 1 to {SLUG_LEN_MAX} lower-case letters, digits and dashes, and begin and end with a letter or a digit")]
    Form,
    /// Only digits would be read as a project id.
    #[error("a slug needs at least one letter")]
    OnlyDigits,
    /// It is an address of Bugle itself.
    #[error("“{0}” is an address of Bugle itself; choose another name")]
    Reserved(String),
}

impl Slug {
    /// Accepts what already is a slug.
    pub fn parse(raw: &str) -> Result<Self, InvalidSlug> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if raw.is_empty() || raw.len() > SLUG_LEN_MAX || !raw.chars().all(allowed) || raw.starts_with('-') || raw.ends_with('-') {
            return Err(InvalidSlug::Form);
        }
        if raw.chars().all(|c| c.is_ascii_digit() || c == '-') {
            return Err(InvalidSlug::OnlyDigits);
        }
        if RESERVED.contains(&raw) {
            return Err(InvalidSlug::Reserved(raw.to_owned()));
        }
        Ok(Self(raw.to_owned()))
    }

    /// Makes a slug of a name: lower case, everything else becomes a dash.
    pub fn from_name(name: &str) -> Result<Self, InvalidSlug> {
        let mut slug = String::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        slug.truncate(SLUG_LEN_MAX);
        Self::parse(slug.trim_end_matches('-'))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefix of short issue ids: the first word in capitals, at most 8 characters (`shop-web` gives `SHOP`).
    pub fn short_prefix(&self) -> String {
        let word = self.0.split('-').find(|word| word.chars().any(|c| c.is_ascii_alphabetic())).unwrap_or(&self.0);
        word.chars().take(8).collect::<String>().to_ascii_uppercase()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The DSN of a project key: `scheme://key@host[:port][/prefix]/project`, made from the public base URL.
/// `base_url` is without a trailing slash.
pub fn dsn(base_url: &str, public_key: &str, project_id: i64) -> String {
    match base_url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{public_key}@{rest}/{project_id}"),
        None => format!("http://{public_key}@{base_url}/{project_id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_slugs() {
        assert_eq!(Slug::from_name("Shop Web").map(|slug| slug.0).as_deref(), Ok("shop-web"));
        assert_eq!(Slug::from_name("  Café & Bar! ").map(|slug| slug.0).as_deref(), Ok("caf-bar"));
        assert_eq!(Slug::from_name("42"), Err(InvalidSlug::OnlyDigits));
        assert_eq!(Slug::from_name("API"), Err(InvalidSlug::Reserved("api".into())));
        assert_eq!(Slug::from_name("…"), Err(InvalidSlug::Form));
    }

    #[test]
    fn short_ids_carry_the_first_word() {
        assert_eq!(Slug::parse("shop-web").map(|slug| slug.short_prefix()).as_deref(), Ok("SHOP"));
        assert_eq!(Slug::parse("3-warehousegateway").map(|slug| slug.short_prefix()).as_deref(), Ok("WAREHOUS"));
    }

    #[test]
    fn a_dsn_keeps_port_and_prefix_of_the_base_url() {
        assert_eq!(dsn("https://bugle.example/errors", "k", 7), "https://k@bugle.example/errors/7");
        assert_eq!(dsn("http://localhost:9000", "k", 1), "http://k@localhost:9000/1");
    }
}
