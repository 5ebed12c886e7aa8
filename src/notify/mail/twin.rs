//! The HTML twin of a mail that was queued as text only: the letters of `domain::letter`.

use anyhow::Context;
use askama::Template;

/// A paragraph: lines, or one address that becomes a button with the words before it, `Choose a password:`.
struct Paragraph<'a> {
    lines: Vec<&'a str>,
    link: Option<&'a str>,
    /// On the button; empty: the address itself.
    label: &'a str,
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
    let mut paragraphs: Vec<Paragraph<'_>> = Vec::new();
    for part in text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
        let own = part.strip_prefix(base_url).is_some_and(|rest| rest.starts_with('/') || rest.is_empty());
        let link = (own && !part.contains(char::is_whitespace)).then_some(part);
        let announced = paragraphs.pop_if(|last| link.is_some() && matches!(last.lines[..], [only] if only.ends_with(':')));
        let label = announced.map(|last| last.lines[0].trim_end_matches(':')).unwrap_or_default();
        paragraphs.push(Paragraph { lines: part.lines().collect(), link, label });
    }
    Page { subject, paragraphs, base_url }.render().context("rendering the HTML part of a letter")
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

    #[test]
    fn the_words_before_an_address_are_on_its_button() {
        let html = of("s", "Choose one:\n\nhttps://bugle.example/reset/t\n", "https://bugle.example").expect("it renders");
        assert!(html.contains(">Choose one</a>"), "{html}");
        assert!(html.contains(">https://bugle.example/reset/t</p>"), "it can be copied too: {html}");
    }
}
