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
const MOST_FREQUENT: &str = "the most frequent";

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
        // One more than is shown is read, so how many there are is not known.
        let how_many = if values.len() > VALUES_MAX { MOST_FREQUENT.to_owned() } else { values_of(values.len()) };
        cards.extend((!values.is_empty()).then(|| card(key, &values, issue.event_count, how_many, &base)));
    }
    let how_many = how_many(&counts);
    let tags = side::grouped(counts).into_iter().zip(how_many);
    let tags = tags.filter(|((key, ..), _)| !matches!(key.as_str(), "environment" | "release"));
    cards.extend(tags.map(|((key, values, total), how_many)| card(&key, &values, total, how_many, &base)));
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

/// Of each key, in the order of the keys.
fn how_many(counts: &[issue_parts::TagCount]) -> Vec<String> {
    let mut last = None;
    let first_of_key = counts.iter().filter(|count| last.replace(&count.key) != Some(&count.key));
    let text = |count: &issue_parts::TagCount| match usize::try_from(count.value_count).unwrap_or_default() {
        _ if count.has_others => format!("{MOST_FREQUENT} of more than {}", format::count(count.value_count)),
        values if values > VALUES_MAX => format!("{MOST_FREQUENT} of {}", format::count(count.value_count)),
        values => values_of(values),
    };
    first_of_key.map(text).collect()
}

fn values_of(count: usize) -> String {
    format::many(i64::try_from(count).unwrap_or(i64::MAX), "value", "values")
}

fn card(key: &str, values: &[(String, i64)], total: i64, values_text: String, base: &str) -> Card {
    Card { tag: side::of_key(key, values, total, VALUES_MAX, base), values: values_text, has: address::search_pair(base, "has", key) }
}
