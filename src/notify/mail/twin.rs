//! The HTML twin of a mail that was queued as text only: the letters of `domain::letter`.

use anyhow::Context;
use askama::Template;

/// A paragraph: lines, or one address that becomes a button.
struct Paragraph<'a> {
    lines: Vec<&'a str>,
    link: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Page<'a> {
    subject: &'a str,
    paragraphs: Vec<Paragraph<'a>>,
    base_url: &'a str,
}

/// Makes it. Only addresses of this installation become links.
pub fn of(subject: &str, text: &str, base_url: &str) -> anyhow::Result<String> {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).map(|part| {
        let own = part.strip_prefix(base_url).is_some_and(|rest| rest.starts_with('/') || rest.is_empty());
        Paragraph { lines: part.lines().collect(), link: (own && !part.contains(char::is_whitespace)).then_some(part) }
    });
    Page { subject, paragraphs: paragraphs.collect(), base_url }.render().context("rendering the HTML part of a letter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_become_links_and_everything_else_is_escaped() {
        let text = "Hello <b>you</b>\n\nhttps://bugle.example/reset/t\n\nhttps://bugle.example.evil/x\n";
        let html = of("s", text, "https://bugle.example").expect("it renders");
        assert!(html.contains("href=\"https://bugle.example/reset/t\""));
        assert!(!html.contains("href=\"https://bugle.example.evil"));
        assert!(!html.contains("<b>you</b>"));
    }
}
