//! The limits of a project and of its keys: what the settings page shows of them, and saving them.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use tracing::info;

use super::settings::back;
use crate::actions::limits;
use crate::config::Config;
use crate::domain::ids::ProjectId;
use crate::http::Doors;
use crate::http::web::flash::Note;
use crate::http::web::format;
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store::project_limits::ProjectLimits;
use crate::store::refusals::{self, Refusal};
use crate::store::{self, Db};

/// Largest limit; more is no limit.
const NUMBER_MAX: i32 = 1_000_000_000;
/// Said where a field holds something else.
const NO_NUMBER: &str = "Nothing was saved: a limit is a whole number from 0 (no limit) to 1,000,000,000, or empty for the instance's own.";

/// The card of the settings page.
pub struct Card {
    /// What can be chosen.
    pub fields: Vec<Field>,
    /// What is refused right now, one sentence each.
    pub going_on: Vec<String>,
}

/// One number.
pub struct Field {
    /// Of the input.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// As chosen.
    pub value: String,
    /// What holds where the field is empty.
    pub default: String,
}

/// The numbers of the form, as typed.
#[derive(Deserialize)]
pub struct Numbers {
    #[serde(default)]
    minute_limit: String,
    #[serde(default)]
    hour_limit: String,
    #[serde(default)]
    sample_after: String,
}

impl Card {
    /// Reads what is chosen and what is refused.
    pub async fn load(doors: &Doors, access: &ProjectAccess) -> sqlx::Result<Self> {
        let (db, project) = (&doors.db, access.project.id);
        let chosen = store::project_limits::get(db, project).await?;
        let refused = refusals::list_going_on(db, &[project], doors.clock.now()).await?;
        let keys = store::keys::list(db, project).await?;
        let label = |key: &str| keys.iter().find(|known| known.public_key == key).map_or("?", |known| known.label.as_str()).to_owned();
        let going_on = refused.iter().map(|refusal| sentence(refusal, &label(&refusal.public_key))).collect();
        Ok(Self { fields: fields(chosen, &doors.config), going_on })
    }
}

fn fields(chosen: ProjectLimits, config: &Config) -> Vec<Field> {
    let rates = config.rates;
    let field = |name, label, value: Option<i32>, default: Option<u32>, none: &str| Field {
        name,
        label,
        value: value.map(|value| value.to_string()).unwrap_or_default(),
        default: default.map_or_else(|| none.to_owned(), format::grouped),
    };
    vec![
        field("minute_limit", "Events a minute", chosen.minute_limit, rates.project_minute, "no limit"),
        field("hour_limit", "Events an hour", chosen.hour_limit, rates.project_hour, "no limit"),
        field("sample_after", "Stored whole per issue and hour", chosen.sample_after, config.sample_after, "all"),
    ]
}

/// `The limit of this project per minute is reached: 1,200 items refused since 12:03 UTC.`
fn sentence(refusal: &Refusal, label: &str) -> String {
    let whose = if refusal.public_key.is_empty() { "this project".to_owned() } else { format!("the key “{label}”") };
    let (count, since) = (format::many(refusal.item_count, "item", "items"), format::exact(refusal.since));
    format!("The limit of {whose} per {} is reached: {count} refused since {since}.", refusal.period.name())
}

/// Above the issue list: that events of these projects are refused, and since when. Empty: nothing is.
pub async fn notice(db: &Db, projects: &[ProjectId], now: time::OffsetDateTime) -> sqlx::Result<String> {
    let refused = refusals::list_going_on(db, projects, now).await?;
    let Some(first) = refused.first() else { return Ok(String::new()) };
    let since = format::exact(first.since);
    Ok(match projects {
        [_] => format!("Events of this project are being refused since {since}: a limit is reached. What is listed here is not all."),
        _ => {
            format!("Events of some of these projects are being refused since {since}: a limit is reached. What is listed here is not all.")
        }
    })
}

/// Saves the limits of the project.
pub async fn save(State(doors): State<Doors>, access: ProjectAccess, Form(typed): Form<Numbers>) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let numbers = [&typed.minute_limit, &typed.hour_limit, &typed.sample_after].map(|text| number(text));
    let [Ok(minute_limit), Ok(hour_limit), Ok(sample_after)] = numbers else {
        return Ok(back(&doors, &access, "#limits", Note::bad(NO_NUMBER)));
    };
    let chosen = ProjectLimits { minute_limit, hour_limit, sample_after };
    limits::change_project(&doors.db, access.project.id, chosen).await?;
    info!(project.id = access.project.id.0, user.id = access.me.user.id.0, ?chosen, "changed the limits of a project");
    Ok(back(&doors, &access, "#limits", Note::ok("Saved. It holds within seconds.")))
}

/// Saves the limits of a key.
pub async fn save_key(
    State(doors): State<Doors>,
    access: ProjectAccess,
    Path((_, key)): Path<(String, String)>,
    Form(typed): Form<Numbers>,
) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let (Ok(minute), Ok(hour)) = (number(&typed.minute_limit), number(&typed.hour_limit)) else {
        return Ok(back(&doors, &access, "#keys", Note::bad(NO_NUMBER)));
    };
    if !limits::change_key(&doors.db, access.project.id, &key.replace('\0', ""), minute, hour).await? {
        return Err(PageError::NotFound);
    }
    info!(project.id = access.project.id.0, user.id = access.me.user.id.0, minute, hour, "changed the limits of a key");
    Ok(back(&doors, &access, "#keys", Note::ok("Saved. It holds within seconds.")))
}

/// Empty: `None`.
fn number(text: &str) -> Result<Option<i32>, ()> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().ok().filter(|number| (0..=NUMBER_MAX).contains(number)).map(Some).ok_or(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_whole_number_or_nothing() {
        assert_eq!(["", " ", "0", " 100 "].map(number), [Ok(None), Ok(None), Ok(Some(0)), Ok(Some(100))]);
        for text in ["-1", "1.5", "many", "1000000001", "99999999999999", "1,000"] {
            assert_eq!(number(text), Err(()), "{text}");
        }
    }
}
