//! The state of the list as it is in the address.

use serde::Deserialize;

use crate::http::web::issues::address;
use crate::store::issue_search::{Cursor, Sort};

/// What a list shows that was not asked for anything.
pub const DEFAULT_QUERY: &str = "is:unresolved";

/// As sent.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Params {
    query: Option<String>,
    sort: Option<String>,
    period: Option<String>,
    cursor: Option<String>,
}

/// What the sparklines cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    /// 24 bars of an hour.
    #[default]
    Day,
    /// 28 bars of 6 hours.
    Week,
    /// 30 bars of a day.
    Month,
}

impl Period {
    /// In the order of the menu.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The word used in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// On the button.
    pub fn label(self) -> &'static str {
        match self {
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
        }
    }

    /// In a sentence.
    pub fn span(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
        }
    }

    /// What the last bar is.
    pub fn last(self) -> &'static str {
        match self {
            Self::Day => "in the last hour",
            Self::Week => "in the last 6 hours",
            Self::Month => "today",
        }
    }

    /// Hours of a bar, and bars.
    pub fn grid(self) -> (i64, usize) {
        match self {
            Self::Day => (1, 24),
            Self::Week => (6, 28),
            Self::Month => (24, 30),
        }
    }
}

/// As understood. What cannot be understood falls back to the default: these come from links, not from typing.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The text of the search box.
    pub query: String,
    /// Order.
    pub sort: Sort,
    /// Of the sparklines.
    pub period: Period,
    /// Place.
    pub cursor: Option<Cursor>,
}

impl From<Params> for Wanted {
    fn from(params: Params) -> Self {
        Self {
            query: params.query.map_or_else(|| DEFAULT_QUERY.to_owned(), |query| query.trim().to_owned()),
            sort: params.sort.as_deref().and_then(Sort::parse).unwrap_or_default(),
            period: Period::ALL.into_iter().find(|period| Some(period.name()) == params.period.as_deref()).unwrap_or_default(),
            cursor: params.cursor.as_deref().and_then(Cursor::parse),
        }
    }
}

impl Wanted {
    /// The list at `base` with another search, from its beginning.
    pub fn with_query(&self, base: &str, query: &str) -> String {
        self.address(base, query, self.sort, self.period, None)
    }

    /// In another order.
    pub fn with_sort(&self, base: &str, sort: Sort) -> String {
        self.address(base, &self.query, sort, self.period, None)
    }

    /// With other sparklines.
    pub fn with_period(&self, base: &str, period: Period) -> String {
        self.address(base, &self.query, self.sort, period, None)
    }

    /// From another place on.
    pub fn with_cursor(&self, base: &str, cursor: &Cursor) -> String {
        self.address(base, &self.query, self.sort, self.period, Some(cursor))
    }

    fn address(&self, base: &str, query: &str, sort: Sort, period: Period, cursor: Option<&Cursor>) -> String {
        let mut address = address::search(base, query);
        if sort != Sort::default() {
            address.push_str(&format!("&sort={}", sort.name()));
        }
        if period != Period::default() {
            address.push_str(&format!("&period={}", period.name()));
        }
        if let Some(cursor) = cursor {
            address.push_str(&format!("&cursor={cursor}"));
        }
        address
    }
}
