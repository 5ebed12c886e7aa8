//! `/alerts/sent/{id}`: why this alert, and what became of it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;

use crate::domain::alert::Kind;
use crate::domain::ids::AlertId;
use crate::http::Doors;
use crate::http::web::format::{grouped, many};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::http::web::signed_in::SignedIn;
use crate::store::alert_history::{self, PastAlert, Sending};

#[derive(Template)]
#[template(path = "pages/alerts/sent.html")]
struct Page {
    shell: Shell,
    slug: String,
    alert: PastAlert,
    trigger: Vec<String>,
    sendings: Vec<Sending>,
    administers: bool,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Html<String>, PageError> {
    let alert = alert_history::find(&doors.db, AlertId(id)).await?.ok_or(PageError::NotFound)?;
    let access = ProjectAccess::by_id(&doors, me, alert.project_id).await?;
    layout::html(&Page {
        slug: access.project.slug.clone(),
        trigger: trigger(&alert),
        sendings: alert_history::sendings(&doors.db, access.project.id, alert.id).await?,
        administers: access.me.user.role.may_administer(),
        shell: Shell::for_project(&doors, &access, Tab::Alerts).await?,
        alert,
    })
}

fn trigger(alert: &PastAlert) -> Vec<String> {
    let numbers = &alert.numbers;
    let mut said = match alert.kind {
        Kind::New => vec![format!("{} was seen for the first time.", alert.short_id)],
        Kind::Regressed => {
            let by = numbers.resolved_by.as_deref().map(|name| format!(" {name} had resolved it.")).unwrap_or_default();
            vec![format!("{} was resolved and happened again.{by}", alert.short_id)]
        }
        Kind::Spiking | Kind::Escalated => vec![
            format!(
                "{} got {} within 15 minutes and {} within an hour; {:.1} an hour are usual at this time of the day.",
                alert.short_id,
                many(numbers.last15, "event", "events"),
                grouped(numbers.last60),
                numbers.usual_per_hour
            ),
            format!(
                "Counting one person at most 5 times per quarter of an hour, it is {} in the hour, of {}.",
                grouped(numbers.capped60),
                many(numbers.people60, "person", "people")
            ),
            format!(
                "In the 14 days before, the highest outside alerts was {} in 15 minutes. The project's traffic was {:.1} times the usual.",
                grouped(numbers.highest15_before),
                numbers.traffic.max(1.0)
            ),
        ],
    };
    let place: Vec<String> = [("release", &numbers.release), ("environment", &numbers.environment)]
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} {value}")))
        .collect();
    if !place.is_empty() {
        said.push(format!("Seen in {}.", place.join(", ")));
    }
    said
}
