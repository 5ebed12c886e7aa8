//! How mail looks: a text and an HTML part with the same content in the same order. Values are escaped by the templates, links lead to
//! the public address only.

pub mod code;
pub mod digest;
pub mod facts;
pub mod issue;
pub mod twin;
pub mod words;

pub use digest::DigestMail;
pub use issue::{Cx, IssueMail, Told};

/// A mail, ready for the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// Longest subject, in characters.
const SUBJECT_LEN_MAX: usize = 160;

/// A subject of values that come from outside: one line, nothing invisible, not endless.
fn subject(project: &str, rest: &str) -> String {
    let line: String = format!("[{project}] {rest}").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    words::cut(line.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), SUBJECT_LEN_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_add_a_header() {
        let subject = subject("shop", "New: Error\r\nBcc: all@example.org");
        assert_eq!(subject, "[shop] New: Error Bcc: all@example.org");
    }
}
