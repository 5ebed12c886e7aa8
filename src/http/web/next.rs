//! `?next=`: where to go after signing in. Only paths of Bugle itself.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What would end or change a query value.
const QUERY_VALUE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'>').add(b'=').add(b'?');

/// A path on this host: begins with one slash, and holds nothing a browser would read as a host or drop.
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace())
        && path.len() <= 2_000
}

/// The wanted path where it is our own, else `/`.
pub fn or_home(path: Option<&str>) -> &str {
    path.filter(|path| is_own_path(path)).unwrap_or("/")
}

/// The sign-in page that leads back to `path`.
pub fn login_for(path: &str) -> String {
    if path == "/" || !is_own_path(path) {
        return "/login".to_owned();
    }
    format!("/login?next={}", utf8_percent_encode(path, QUERY_VALUE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own_are_followed() {
        for bad in
            ["//evil.example", "https://evil.example", "/\\evil.example", "\\/evil", "evil", "", "/\t/evil.example", "/ /x", "javascript:1"]
        {
            assert_eq!(or_home(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(or_home(Some("/shop-web/issues?query=is:new")), "/shop-web/issues?query=is:new");
        assert_eq!(or_home(None), "/");
    }

    #[test]
    fn the_query_of_the_wanted_page_survives() {
        assert_eq!(login_for("/issues?query=a b&sort=x"), "/login", "a blank never occurs in a request path");
        assert_eq!(login_for("/issues?query=a%20b&sort=x"), "/login?next=/issues%3Fquery%3Da%2520b%26sort%3Dx");
    }
}
