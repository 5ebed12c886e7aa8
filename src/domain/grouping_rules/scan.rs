//! A line, read from left to right.

use super::fault::Fault;
use super::is_blank;

/// A place in a line.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    line: &'a str,
    at: usize,
}

/// A word as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Without quotes. Backslashes are still there, but for those before a quote.
    pub text: String,
    /// It stood in quotes.
    pub is_quoted: bool,
    /// Column of its first character, quotes aside.
    pub column: usize,
}

impl<'a> Scan<'a> {
    /// At the beginning.
    pub fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// Nothing is left.
    pub fn is_done(&self) -> bool {
        self.rest().is_empty()
    }

    /// In characters, from 1.
    pub fn column(&self) -> usize {
        self.line[..self.at].chars().count() + 1
    }

    /// A fault here.
    pub fn fault(&self, what: impl Into<String>, expected: impl Into<String>) -> Fault {
        Fault::at(1, self.column(), what.into(), expected.into())
    }

    /// Goes to the next word; whether there were blanks.
    pub fn skip_blanks(&mut self) -> bool {
        let before = self.at;
        self.at = self.line.len() - self.rest().trim_start_matches(is_blank).len();
        self.at > before
    }

    /// Takes `text` if it is what comes next.
    pub fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Takes characters as long as they are wanted.
    pub fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// What comes next up to a blank, without taking it.
    pub fn peek_word(&self) -> &'a str {
        self.rest().split(is_blank).next().unwrap_or_default()
    }

    /// A word in quotes, if one begins here. A backslash before a quote makes it part of the word.
    pub fn quoted(&mut self) -> Result<Option<Word>, Fault> {
        let start = *self;
        if !self.eat("\"") {
            return Ok(None);
        }
        let column = self.column();
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(Some(Word { text, is_quoted: true, column }));
                }
                '\\' => match chars.next() {
                    Some((_, '"')) => text.push('"'),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => {}
                },
                _ => text.push(c),
            }
        }
        Err(start.fault("the quote that opens here is not closed", "a \" before the end of the line"))
    }
}
