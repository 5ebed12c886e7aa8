//! A count as it is shown, with the exact value where the text is shorter.

use crate::http::web::format;

/// A count to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// `1,284`, `1.2 M`
    pub text: String,
    /// `1,284,112`
    pub exact: String,
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self { text: format::count(number), exact: format::grouped(number) }
    }
}

impl Number {
    /// The text leaves something out.
    pub fn is_rounded(&self) -> bool {
        self.text != self.exact
    }
}
