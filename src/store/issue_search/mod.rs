//! The issue list: which issues match, in which order, one page of them.

mod conditions;
mod cursor;

use sqlx::{Postgres, QueryBuilder};

use super::issue_reads::{COLUMNS, Issue, Row};
use super::{Db, Tx};
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::search::Query;

pub use cursor::{Cursor, Sort};

/// A page of issues, in the order of the sort.
#[derive(Debug)]
pub struct Page {
    /// At most the limit.
    pub issues: Vec<Issue>,
    /// The page after this one.
    pub older: Option<Cursor>,
    /// The page before this one.
    pub newer: Option<Cursor>,
}

/// A transaction in which no statement runs for longer than 5 seconds: what people type must not keep connections and the disk busy.
/// It ends when it is dropped; there is nothing to commit.
async fn bounded(db: &Db) -> sqlx::Result<Tx> {
    let mut tx = super::begin(db).await?;
    sqlx::query!("SET LOCAL statement_timeout = '5s'").execute(&mut *tx).await?;
    Ok(tx)
}

/// The issues of `projects` that match, at most `limit` from the cursor on.
pub async fn search(
    db: &Db,
    projects: &[ProjectId],
    query: &Query,
    sort: Sort,
    cursor: Option<&Cursor>,
    limit: usize,
) -> sqlx::Result<Page> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(COLUMNS).push(" FROM issues i JOIN projects p ON p.id = i.project_id");
    conditions::push(&mut sql, projects, query);
    if let Some(cursor) = cursor {
        cursor.push_condition(&mut sql, sort);
    }
    let backwards = cursor.is_some_and(|cursor| cursor.backwards);
    let direction = if backwards { "ASC" } else { "DESC" };
    sql.push(format!(" ORDER BY {} {direction}, i.id {direction} LIMIT ", sort.column()));
    sql.push_bind(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1));
    let rows: Vec<Row> = sql.build_query_as().fetch_all(&mut *bounded(db).await?).await?;
    Ok(page(rows.into_iter().map(Issue::from).collect(), sort, cursor, limit))
}

/// Cuts the one row too many, which only says that there is more.
fn page(mut issues: Vec<Issue>, sort: Sort, cursor: Option<&Cursor>, limit: usize) -> Page {
    let more = issues.len() > limit;
    issues.truncate(limit);
    let backwards = cursor.is_some_and(|cursor| cursor.backwards);
    if backwards {
        issues.reverse();
    }
    let (has_older, has_newer) = if backwards { (true, more) } else { (more, cursor.is_some()) };
    let older = issues.last().filter(|_| has_older).map(|last| Cursor::at(sort, last, false));
    let newer = issues.first().filter(|_| has_newer).map(|first| Cursor::at(sort, first, true));
    Page { issues, older, newer }
}

/// How many match, counted up to `cap`.
pub async fn count(db: &Db, projects: &[ProjectId], query: &Query, cap: i64) -> sqlx::Result<i64> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT count(*) FROM (SELECT 1 FROM issues i JOIN projects p ON p.id = i.project_id");
    conditions::push(&mut sql, projects, query);
    sql.push(" LIMIT ").push_bind(cap).push(") AS found");
    sql.build_query_scalar().fetch_one(&mut *bounded(db).await?).await
}

/// The ids of the latest that match, at most `limit`: for a change to everything that matches.
pub async fn ids(db: &Db, projects: &[ProjectId], query: &Query, limit: i64) -> sqlx::Result<Vec<IssueId>> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT i.id FROM issues i JOIN projects p ON p.id = i.project_id");
    conditions::push(&mut sql, projects, query);
    sql.push(" ORDER BY i.last_seen_at DESC, i.id DESC LIMIT ").push_bind(limit);
    let ids: Vec<i64> = sql.build_query_scalar().fetch_all(&mut *bounded(db).await?).await?;
    Ok(ids.into_iter().map(IssueId).collect())
}
