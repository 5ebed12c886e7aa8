//! `issue_people`: the distinct people of an issue, so that its number of users is exact.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::person::Person;
use crate::store::{Tx, copy};

/// People counted per issue. Beyond, somebody sends something unique as the user: who is new is not counted any more, and pages say
/// "more than". A batch may go a little beyond it.
pub const PEOPLE_MAX: i64 = 100_000;

/// Notes who was seen when, and tells how many people of each issue are new to it. Not for issues that have [`PEOPLE_MAX`].
pub async fn upsert(
    tx: &mut Tx,
    people: &BTreeMap<(ProjectId, IssueId, Person), OffsetDateTime>,
) -> sqlx::Result<HashMap<(ProjectId, IssueId), i64>> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    // `xmax` is 0 in a row that this statement inserted and this transaction's number in one that it updated.
    let rows = sqlx::query!(
        r#"
        WITH seen AS (
            INSERT INTO issue_people AS p (project_id, issue_id, person, last_seen_at)
            SELECT project_id, issue_id, person, last_seen_at
            FROM unnest($1::int8[], $2::int8[], $3::bytea[], $4::timestamptz[]) AS u (project_id, issue_id, person, last_seen_at)
            ON CONFLICT (project_id, issue_id, person) DO UPDATE SET last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at)
            RETURNING project_id, issue_id, xmax = 0 AS is_new
        )
        SELECT project_id, issue_id, count(*) AS "new_count!" FROM seen WHERE is_new GROUP BY project_id, issue_id
        "#,
        &people.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &people.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &people.keys().map(|key| key.2.0.to_vec()).collect::<Vec<_>>(),
        &people.values().copied().collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((ProjectId(row.project_id), IssueId(row.issue_id)), row.new_count)).collect())
}

/// The same for issues that have [`PEOPLE_MAX`]: of whom is known it is noted that they were seen.
pub async fn see_again(tx: &mut Tx, people: &BTreeMap<(ProjectId, IssueId, Person), OffsetDateTime>) -> sqlx::Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        UPDATE issue_people AS p
        SET last_seen_at = greatest(p.last_seen_at, u.last_seen_at)
        FROM unnest($1::int8[], $2::int8[], $3::bytea[], $4::timestamptz[]) AS u (project_id, issue_id, person, last_seen_at)
        WHERE p.project_id = u.project_id AND p.issue_id = u.issue_id AND p.person = u.person
        "#,
        &people.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &people.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &people.keys().map(|key| key.2.0.to_vec()).collect::<Vec<_>>(),
        &people.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The people of issues that this transaction made: all of them are new.
pub async fn insert(
    tx: &mut Tx,
    people: &BTreeMap<(ProjectId, IssueId, Person), OffsetDateTime>,
) -> sqlx::Result<HashMap<(ProjectId, IssueId), i64>> {
    let statement = "COPY issue_people (project_id, issue_id, person, last_seen_at) FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, people, 4, |row, ((project, issue, person), at)| {
        row.int8(project.0).int8(issue.0).bytes(&person.0).time(*at);
    })
    .await?;
    let mut counts = HashMap::new();
    for (project, issue, _) in people.keys() {
        *counts.entry((*project, *issue)).or_default() += 1;
    }
    Ok(counts)
}
