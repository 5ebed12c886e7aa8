//! `/{project}/alerts`: the rules with what they did lately, and every decision with its outcome.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::domain::alert_rule::{AlertRule, Recipients};
use crate::domain::ids::AlertId;
use crate::domain::spike::Sensitivity;
use crate::http::Doors;
use crate::http::web::charts::{Bucket, Spark, spark};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store::alert_history::{self, MemberRow, PastAlert, RuleRecord};
use crate::store::alert_rules;

/// Lines of history on a page.
const PAGE: i64 = 50;

/// Where the history goes on.
#[derive(Deserialize)]
pub struct Paging {
    before: Option<i64>,
}

struct RuleRow {
    rule: AlertRule,
    when: String,
    to: String,
    spark: Spark,
    last_at: Option<OffsetDateTime>,
}

#[derive(Template)]
#[template(path = "pages/alerts/list.html")]
struct Page {
    shell: Shell,
    slug: String,
    may_work: bool,
    week: (i64, i64),
    rules: Vec<RuleRow>,
    history: Vec<PastAlert>,
    older: String,
    first_page: bool,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess, Query(paging): Query<Paging>) -> Result<Html<String>, PageError> {
    let (db, project, now) = (&doors.db, access.project.id, doors.clock.now());
    let members = alert_history::members(db, project).await?;
    let records = alert_history::records(db, project, now).await?;
    let rules = alert_rules::list(db, project).await?;
    let mut history = alert_history::list(db, project, paging.before.map(AlertId), PAGE + 1).await?;
    let slug = access.project.slug.clone();
    let mut older = String::new();
    if history.len() > usize::try_from(PAGE).unwrap_or(usize::MAX) {
        history.pop();
        older = history.last().map(|last| format!("/{slug}/alerts?before={}#history", last.id)).unwrap_or_default();
    }
    layout::html(&Page {
        may_work: access.me.user.role.may_work(),
        week: alert_history::week(db, project, now).await?,
        rules: rules.into_iter().map(|rule| row(rule, &records, &members)).collect(),
        history,
        older,
        first_page: paging.before.is_none(),
        slug,
        shell: Shell::for_project(&doors, &access, Tab::Alerts).await?,
    })
}

fn row(rule: AlertRule, records: &[RuleRecord], members: &[MemberRow]) -> RuleRow {
    let record = records.iter().find(|record| record.rule_id == rule.id);
    let days: Vec<Bucket> = record.map_or_else(Vec::new, |record| record.days.iter().map(|&count| Bucket { count, hot: false }).collect());
    let fired: i64 = days.iter().map(|day| day.count).sum();
    let label = match fired {
        0 => "never in 14 days".to_owned(),
        1 => "once in 14 days".to_owned(),
        times => format!("{times} times in 14 days"),
    };
    RuleRow {
        when: when(&rule),
        to: to(&rule.recipients, members),
        spark: Spark { label, ..spark(&days, "14 days", "today") },
        last_at: record.and_then(|record| record.last_at),
        rule,
    }
}

fn when(rule: &AlertRule) -> String {
    let kind = super::kind_words(rule.kind);
    let place = if rule.environment.is_empty() { String::new() } else { format!(", only {}", rule.environment) };
    let sensitivity = match rule.sensitivity {
        Sensitivity::Normal => "",
        Sensitivity::Low => ", only big ones",
        Sensitivity::High => ", early",
    };
    format!("{kind}, level {} or above{place}{sensitivity}", rule.min_level)
}

fn to(recipients: &Recipients, members: &[MemberRow]) -> String {
    let reached: Vec<&str> =
        members.iter().filter(|member| member.reachable && recipients.include(member.id)).map(|member| member.name.as_str()).collect();
    match (recipients, reached.as_slice()) {
        (_, []) => "Nobody who can be reached".to_owned(),
        (Recipients::Members, all) => format!("Every member ({})", all.len()),
        (Recipients::These(_), some) => some.join(", "),
    }
}
