//! Numbers with all their digits.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Whole numbers of more digits are rounded: nobody counts that far, and nothing else would bound what is stored.
const WHOLE_LEN_MAX: usize = 40;

/// A number as text: whole numbers as they were sent, others as `serde_json` writes the nearest float.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number<'a>(Cow<'a, str>);

impl<'a> Number<'a> {
    /// From a text that follows the grammar of JSON numbers. `None` beyond the range of floats.
    pub(super) fn of(text: &'a str, is_whole: bool) -> Option<Self> {
        if is_whole && text.len() <= WHOLE_LEN_MAX && text != "-0" {
            return Some(Self(Cow::Borrowed(text)));
        }
        let number = serde_json::Number::from_f64(text.parse().ok()?)?;
        let mut canonical = Buffer::default();
        let is_same = write!(canonical, "{number}").is_ok() && canonical.as_bytes() == text.as_bytes();
        Some(Self(if is_same { Cow::Borrowed(text) } else { Cow::Owned(number.to_string()) }))
    }

    /// The whole number, if it is one of 64 bits with a sign.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The whole number, if it is one of 64 bits without a sign.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// As near as a float comes.
    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is written.
    pub fn into_text(self) -> Cow<'a, str> {
        self.0
    }

    /// The same with a text of its own.
    pub fn into_owned(self) -> Number<'static> {
        Number(Cow::Owned(self.0.into_owned()))
    }
}

impl From<&serde_json::Number> for Number<'static> {
    fn from(number: &serde_json::Number) -> Self {
        Number(Cow::Owned(number.to_string()))
    }
}

impl From<i64> for Number<'static> {
    fn from(number: i64) -> Self {
        Number(Cow::Owned(number.to_string()))
    }
}

impl From<u64> for Number<'static> {
    fn from(number: u64) -> Self {
        Number(Cow::Owned(number.to_string()))
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Room for any float, to compare without an allocation.
#[derive(Default)]
struct Buffer {
    bytes: [u8; 32],
    len: usize,
}

impl Buffer {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
