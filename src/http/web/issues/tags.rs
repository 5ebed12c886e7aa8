//! What the events of an issue have in common, tag by tag.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;

use crate::http::Doors;
use crate::http::web::format;
use crate::http::web::issues::list::heading;
use crate::http::web::issues::show::side::{self, Distribution};
use crate::http::web::issues::show::text::cut;
use crate::http::web::issues::{address, find};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store::issue_parts;

/// Values of a tag on its card.
const VALUES_MAX: usize = 8;

#[derive(Template)]
#[template(path = "pages/issues/tags.html")]
struct Page {
    shell: Shell,
    id: i64,
    short_id: String,
    base: String,
    kind: String,
    total: String,
    cards: Vec<Card>,
}

struct Card {
    tag: Distribution,
    /// `14 values`
    values: String,
    /// Issues with this tag at all.
    has: String,
}

/// `GET /issues/{id}/tags`
pub async fn get(State(doors): State<Doors>, me: SignedIn, Path(id): Path<String>) -> Result<Html<String>, PageError> {
    let found = find::visible(&doors, me, &id).await?;
    let shell = Shell::for_project(&doors, &found.access, Tab::Issues).await?;
    let issue = found.issue;
    let base = format!("/{}/issues", issue.project_slug);
    let (project, most) = (issue.project_id, i64::try_from(VALUES_MAX).unwrap_or(i64::MAX) + 1);
    let counts = issue_parts::tags(&doors.db, project, issue.id, most).await?;
    let mut cards: Vec<Card> = Vec::new();
    for (key, values) in [
        ("environment", issue_parts::environments(&doors.db, project, issue.id, most).await?),
        ("release", issue_parts::releases(&doors.db, project, issue.id, most).await?),
    ] {
        let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
        cards.extend((count > 0).then(|| card(key, &values, issue.event_count, count, &base)));
    }
    let value_counts: Vec<i64> = value_counts(&counts);
    let tags = side::grouped(counts).into_iter().zip(value_counts);
    let tags = tags.filter(|((key, ..), _)| !matches!(key.as_str(), "environment" | "release"));
    cards.extend(tags.map(|((key, values, total), count)| card(&key, &values, total, count, &base)));
    let page = Page {
        id: issue.id.0,
        short_id: issue.short_id(),
        kind: cut(&heading(&issue).0, 200),
        total: format::many(issue.event_count, "event", "events"),
        cards,
        base,
        shell,
    };
    layout::html(&page)
}

/// Values per key, in the order of the keys.
fn value_counts(counts: &[issue_parts::TagCount]) -> Vec<i64> {
    let mut last = None;
    let first_of_key = counts.iter().filter(|count| last.replace(&count.key) != Some(&count.key));
    first_of_key.map(|count| count.value_count).collect()
}

fn card(key: &str, values: &[(String, i64)], total: i64, value_count: i64, base: &str) -> Card {
    // Of environments and releases one more than is shown is read, so how many there are is not known.
    let shown = i64::try_from(VALUES_MAX).unwrap_or(i64::MAX);
    let how_many = match key {
        "environment" | "release" if value_count > shown => "the most frequent".to_owned(),
        _ if value_count > shown => format!("the most frequent of {}", format::count(value_count)),
        _ => format::many(value_count, "value", "values"),
    };
    Card { tag: side::of_key(key, values, total, VALUES_MAX, base), values: how_many, has: address::search_pair(base, "has", key) }
}
