//! Issues that may be the same bug: suggested, and merged by people only.

use crate::domain::similarity::{self, ALIKE_MIN, Traits};
use crate::http::web::issues::number::Number;
use crate::store::Db;
use crate::store::issue_reads::Issue;
use crate::store::similar::{self, Candidate};

use super::text::cut;

/// Open issues that are compared, the latest.
const COMPARED_MAX: i64 = 200;
/// Suggestions.
const SHOWN_MAX: usize = 3;

/// A suggestion.
pub struct Similar {
    /// The number in addresses.
    pub id: i64,
    /// `SHOP-431`
    pub short_id: String,
    /// What it is called.
    pub title: String,
    /// Events.
    pub events: Number,
    /// 60 to 100.
    pub percent: i64,
}

/// The most alike first.
pub async fn load(db: &Db, issue: &Issue) -> sqlx::Result<Vec<Similar>> {
    let own = Traits {
        type_name: &issue.type_,
        value: &issue.value,
        culprit: &issue.culprit,
        location: &issue.location,
        function: &issue.function,
    };
    let candidates = similar::candidates(db, issue.project_id, issue.id, COMPARED_MAX).await?;
    let mut alike: Vec<(f64, Candidate)> = candidates.into_iter().map(|other| (similarity::of(&own, &traits(&other)), other)).collect();
    alike.retain(|(score, _)| *score >= ALIKE_MIN);
    alike.sort_by(|one, other| other.0.total_cmp(&one.0));
    Ok(alike.into_iter().take(SHOWN_MAX).map(|(score, other)| shown(issue, score, &other)).collect())
}

fn traits(other: &Candidate) -> Traits<'_> {
    Traits {
        type_name: &other.type_name,
        value: &other.value,
        culprit: &other.culprit,
        location: &other.location,
        function: &other.function,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 100")]
fn shown(issue: &Issue, score: f64, other: &Candidate) -> Similar {
    let title = if other.type_name.is_empty() { other.value.clone() } else { format!("{}: {}", other.type_name, other.value) };
    Similar {
        id: other.id.0,
        short_id: format!("{}-{}", issue.short_prefix, other.id),
        title: cut(&title, 120),
        events: other.event_count.into(),
        percent: (score * 100.0).floor() as i64,
    }
}
