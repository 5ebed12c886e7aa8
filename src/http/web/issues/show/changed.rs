//! What was changed in an event before it could be shown: the card that lists it, and the marks beside values.

use std::collections::HashMap;

use crate::http::web::format::many;
use crate::protocol::event::changes::{self, Changed};
use crate::protocol::event::{Change, Event};

use super::text::{Shown, cut};

/// Changes that are listed.
const ROWS_MAX: usize = 30;

/// The card.
pub struct ChangedCard {
    /// `2 values cut, 1 dropped, 3 secrets removed`
    pub summary: String,
    /// By Bugle, by the SDK, then secrets.
    pub rows: Vec<Row>,
    /// Changes that are not listed.
    pub more: i64,
}

/// One change.
pub struct Row {
    /// `extra.cart.items`
    pub path: String,
    /// `cut to 8,192 characters (was 12,004)`
    pub what: String,
    /// The SDK did it.
    pub by_client: bool,
}

/// What to say beside a value, by its path.
#[derive(Debug, Default)]
pub struct Marks(HashMap<String, String>);

impl Marks {
    /// What was done to a place, or nothing.
    pub fn at(&self, path: impl FnOnce() -> String) -> String {
        if self.0.is_empty() { String::new() } else { self.0.get(&path()).cloned().unwrap_or_default() }
    }

    /// The value with its mark.
    pub fn on(&self, shown: Shown, path: impl FnOnce() -> String) -> Shown {
        Shown { mark: self.at(path), ..shown }
    }
}

/// The card, where anything was changed, and the marks.
pub fn of(event: &Event) -> (Option<ChangedCard>, Marks) {
    let changes = changes::of(event);
    let marks =
        changes.iter().filter(|changed| is_visible(changed)).map(|changed| (changed.damage.path.clone(), changed.damage.what.clone()));
    (card(&changes, event.damage_unlisted.unwrap_or(0)), Marks(marks.collect()))
}

/// Something stands there, and nothing else says that it is not what was sent.
fn is_visible(changed: &Changed) -> bool {
    matches!(changed.damage.change, Change::Cut | Change::Repaired | Change::Corrected)
}

fn card(changes: &[Changed], unlisted: i64) -> Option<ChangedCard> {
    if changes.is_empty() {
        return None;
    }
    let row = |changed: &Changed| Row {
        path: if changed.damage.path.is_empty() { "event".to_owned() } else { cut(&changed.damage.path, 160) },
        what: cut(&changed.damage.what, 200),
        by_client: changed.by_client,
    };
    let rows: Vec<Row> = changes.iter().take(ROWS_MAX).map(row).collect();
    let more = i64::try_from(changes.len() - rows.len()).unwrap_or(i64::MAX).saturating_add(unlisted);
    Some(ChangedCard { summary: summary(changes), rows, more })
}

fn summary(changes: &[Changed]) -> String {
    let count = |change: Change| changes.iter().filter(|changed| changed.damage.change == change).count();
    let parts = [
        (count(Change::Cut), "value cut", "values cut"),
        (count(Change::Dropped), "dropped", "dropped"),
        (count(Change::Repaired), "repaired", "repaired"),
        (count(Change::Corrected), "corrected", "corrected"),
        (count(Change::Filtered), "secret removed", "secrets removed"),
    ];
    let said = parts.into_iter().filter(|(count, ..)| *count > 0).map(|(count, one, more)| many(count, one, more));
    said.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event;

    #[test]
    fn an_untouched_event_has_neither_card_nor_marks() {
        let (card, marks) = of(&event::read(br#"{"message":"m"}"#).unwrap());
        assert!(card.is_none() && marks.0.is_empty());
    }

    #[test]
    fn the_card_counts_by_kind_and_marks_stand_only_where_something_is_left() {
        let sent = br#"{"message":"a\u0000","level":[],"extra":{"k":"[Filtered]"},"_meta":{"extra":{"long":{"":{"len":9}}}}}"#;
        let (card, marks) = of(&event::read(sent).unwrap());
        let card = card.unwrap();
        assert_eq!(card.summary, "1 value cut, 1 dropped, 1 repaired, 1 secret removed");
        let rows: Vec<_> = card.rows.iter().map(|row| (row.path.as_str(), row.by_client)).collect();
        assert_eq!(rows, [("message", false), ("level", false), ("extra.long", true), ("extra.k", false)]);
        assert_eq!(marks.at(|| "extra.long".to_owned()), "cut by the SDK (was 9)");
        assert_eq!(marks.at(|| "level".to_owned()), "");
    }
}
