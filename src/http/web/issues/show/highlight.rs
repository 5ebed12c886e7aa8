//! A hint of colour in source lines: keywords, strings and comments of the languages the SDKs send. One line at a time, so a string
//! that spans lines is only half coloured; that is worth less than being wrong about the code.

/// A run of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// `k` keyword, `s` string, `c` comment, or empty.
    pub class: &'static str,
    /// As sent.
    pub text: String,
}

/// Longest line that is coloured, and shown, in characters.
const LINE_MAX: usize = 1_000;

const KEYWORDS: &[&str] = &[
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "export",
    "extends",
    "finally",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "global",
    "if",
    "import",
    "in",
    "instanceof",
    "interface",
    "is",
    "lambda",
    "let",
    "match",
    "mut",
    "new",
    "nonlocal",
    "not",
    "or",
    "pass",
    "pub",
    "raise",
    "return",
    "self",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "None",
    "True",
    "False",
    "null",
    "true",
    "false",
    "undefined",
];

/// Colours one line.
pub fn line(text: &str) -> Vec<Token> {
    let (text, rest) = super::text::split_at_char(text, LINE_MAX);
    let mut tokens = Vec::new();
    let mut left = text;
    while let Some(first) = left.chars().next() {
        let (class, len) = token(left, first);
        push(&mut tokens, class, &left[..len]);
        left = &left[len..];
    }
    if !rest.is_empty() {
        push(&mut tokens, "", " …");
    }
    tokens
}

/// Class and length in bytes of the token at the start of `left`.
fn token(left: &str, first: char) -> (&'static str, usize) {
    if first == '#' || left.starts_with("//") {
        return ("c", left.len());
    }
    if matches!(first, '"' | '\'' | '`') {
        return ("s", string_len(left, first));
    }
    if first.is_alphanumeric() || first == '_' {
        let end = left.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(left.len());
        return (if KEYWORDS.contains(&&left[..end]) { "k" } else { "" }, end);
    }
    ("", first.len_utf8())
}

/// Up to the closing quote, or to the end of the line.
fn string_len(left: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in left.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    left.len()
}

fn push(tokens: &mut Vec<Token>, class: &'static str, text: &str) {
    match tokens.last_mut() {
        Some(last) if last.class == class => last.text.push_str(text),
        _ => tokens.push(Token { class, text: text.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(text: &str) -> Vec<(&'static str, String)> {
        line(text).into_iter().map(|token| (token.class, token.text)).collect()
    }

    #[test]
    fn keywords_strings_and_comments_stand_out() {
        let found = classes("    raise Bad('it\\'s', x)  # why");
        let expected = [("", "    "), ("k", "raise"), ("", " Bad("), ("s", "'it\\'s'"), ("", ", x)  "), ("c", "# why")];
        assert_eq!(found, expected.map(|(class, text)| (class, text.to_owned())));
    }

    #[test]
    fn nothing_of_a_line_is_lost_or_endless() {
        for text in ["", "é\"", "'unclosed", "a.b(c)=>d", "\t\\"] {
            assert_eq!(line(text).into_iter().map(|token| token.text).collect::<String>(), text);
        }
        assert!(line(&"x".repeat(1 << 20)).iter().map(|token| token.text.len()).sum::<usize>() < 1_100);
    }
}
