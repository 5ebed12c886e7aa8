//! `/alerts/{id}`: one rule.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::actions;
use crate::domain::alert::Kind;
use crate::domain::alert_rule::{AlertRule, Recipients};
use crate::domain::ids::{RuleId, UserId};
use crate::domain::level::Level;
use crate::domain::spike::Sensitivity;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::http::web::signed_in::SignedIn;
use crate::store::alert_history::{self, MemberRow};
use crate::store::alert_rules;

/// Longest name of a rule, in characters.
const NAME_LEN_MAX: usize = 80;

#[derive(Template)]
#[template(path = "pages/alerts/edit.html")]
struct Page {
    shell: Shell,
    slug: String,
    rule: AlertRule,
    members: Vec<MemberRow>,
    environments: Vec<String>,
    may_work: bool,
    error: String,
}

/// What the form sends: pairs, since every ticked member repeats `to`.
type Fields = Vec<(String, String)>;

/// The answer to Pause and Turn on.
#[derive(Deserialize)]
pub struct Pause {
    enabled: bool,
}

/// Shows the rule.
pub async fn get(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Html<String>, PageError> {
    let (access, rule) = load(&doors, me, id).await?;
    show(&doors, &access, rule, String::new()).await
}

/// Changes the rule.
pub async fn post(
    State(doors): State<Doors>,
    me: SignedIn,
    Path(id): Path<i64>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let (access, before) = load(&doors, me, id).await?;
    access.must_work()?;
    let members = alert_history::members(&doors.db, access.project.id).await?;
    match read(&before, &fields, &members) {
        Ok(rule) => {
            actions::alert_rules::change(&doors.db, &doors.clock, &rule).await?;
            let note = Note::ok(format!("The rule “{}” is saved.", rule.name));
            Ok(flash::redirect(&doors, &format!("/{}/alerts", access.project.slug), note))
        }
        Err(problem) => Ok(show(&doors, &access, before, problem.to_owned()).await?.into_response()),
    }
}

/// Turns the rule off or on.
pub async fn pause(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>, Form(pause): Form<Pause>) -> Result<Response, PageError> {
    let (access, rule) = load(&doors, me, id).await?;
    access.must_work()?;
    let rule = AlertRule { enabled: pause.enabled, ..rule };
    actions::alert_rules::change(&doors.db, &doors.clock, &rule).await?;
    let said = if rule.enabled { "is on again" } else { "is off: what it would tell is held back and listed below" };
    Ok(flash::redirect(&doors, &format!("/{}/alerts", access.project.slug), Note::ok(format!("The rule “{}” {said}.", rule.name))))
}

async fn load(doors: &Doors, me: SignedIn, id: i64) -> Result<(ProjectAccess, AlertRule), PageError> {
    let rule = alert_rules::find(&doors.db, RuleId(id)).await?.ok_or(PageError::NotFound)?;
    Ok((ProjectAccess::by_id(doors, me, rule.project_id).await?, rule))
}

async fn show(doors: &Doors, access: &ProjectAccess, rule: AlertRule, error: String) -> Result<Html<String>, PageError> {
    let mut environments = alert_history::environments(&doors.db, access.project.id).await?;
    if !rule.environment.is_empty() && !environments.contains(&rule.environment) {
        environments.push(rule.environment.clone());
    }
    layout::html(&Page {
        slug: access.project.slug.clone(),
        members: alert_history::members(&doors.db, access.project.id).await?,
        environments,
        may_work: access.me.user.role.may_work(),
        error,
        rule,
        shell: Shell::for_project(doors, access, Tab::Alerts).await?,
    })
}

/// The rule as the form wants it. Ids of people who are not members of the project are not taken.
fn read(before: &AlertRule, fields: &Fields, members: &[MemberRow]) -> Result<AlertRule, &'static str> {
    let value = |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim());
    let name: String = value("name").chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() || name.chars().count() > NAME_LEN_MAX {
        return Err("A rule needs a name of 1 to 80 characters.");
    }
    let recipients = if value("who") == "members" {
        Recipients::Members
    } else {
        let ticked = fields.iter().filter(|(known, _)| known == "to").filter_map(|(_, id)| id.parse().ok()).map(UserId);
        Recipients::These(ticked.filter(|id| members.iter().any(|member| member.id == *id)).collect())
    };
    if recipients == Recipients::These(Vec::new()) {
        return Err("Choose at least one person, or pause the rule.");
    }
    Ok(AlertRule {
        name,
        enabled: value("enabled") == "on",
        min_level: Level::parse(value("min_level")).ok_or("Choose a level.")?,
        environment: value("environment").chars().take(200).collect(),
        recipients,
        sensitivity: if before.kind == Kind::Spiking {
            Sensitivity::parse(value("sensitivity")).unwrap_or_default()
        } else {
            before.sensitivity
        },
        ..before.clone()
    })
}
