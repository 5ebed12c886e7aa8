//! Tags and people: what was noted at the merge, and what the events say that came since.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::{Said, Split};
use crate::store::Tx;
use crate::store::counters::tags::{OTHER, Seen, add};

/// Most events that are opened, the newest: some 20,000 are a second of work. What older ones say beside their columns stays with the issue.
const OPENED_MAX: i64 = 20_000;

/// An event to open.
#[derive(Clone, Debug)]
pub struct Packed {
    /// When it happened.
    pub occurred_at: OffsetDateTime,
    /// What the person is called in lists.
    pub user_label: Option<String>,
    /// Which dictionary `payload` needs.
    pub dictionary_id: i32,
    /// zstd of the event's JSON.
    pub payload: Vec<u8>,
}

/// The events with the hashes that are not in what was noted at the merge.
pub async fn list_packed(db: impl PgExecutor<'_>, split: &Split) -> sqlx::Result<Vec<Packed>> {
    sqlx::query_as!(
        Packed,
        "SELECT occurred_at, user_label, dictionary_id, payload FROM events
         WHERE project_id = $1 AND issue_id = $2 AND hash = ANY($3) AND ($4::timestamptz IS NULL OR received_at > $4)
         ORDER BY received_at DESC, event_id DESC LIMIT $5",
        split.project_id.0,
        split.from.0,
        &split.hash_bytes(),
        split.merged_at,
        OPENED_MAX
    )
    .fetch_all(db)
    .await
}

/// Values that the issue counts among the others are taken from there.
pub(super) async fn divide_tags(tx: &mut Tx, split: &Split, said: &Said) -> sqlx::Result<()> {
    let (project, from, to) = (split.project_id.0, split.from.0, split.to.0);
    if split.merged_at.is_some() {
        sqlx::query!(
            "INSERT INTO issue_tags (project_id, issue_id, key, value, event_count, last_seen_at)
             SELECT $1, $2, t->>0, t->>1, (t->>2)::int8, (t->>3)::timestamptz
             FROM merged_issues m
             CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(m.counters->'tags') WHEN 'array' THEN m.counters->'tags' ELSE '[]' END) AS t
             WHERE m.project_id = $1 AND m.id = $2",
            project,
            to
        )
        .execute(&mut **tx)
        .await?;
    }
    let seen = said.tags.iter().map(|((key, value), (event_count, last_seen_at))| {
        let tag = (split.project_id, split.to, key.clone());
        ((tag, value.clone()), Seen { event_count: *event_count, last_seen_at: *last_seen_at })
    });
    add(tx, &seen.collect()).await?;
    sqlx::query!(
        r#"
        WITH gone AS (
            SELECT t.key, coalesce(k.value, $4) AS value, sum(t.event_count)::int8 AS n
            FROM issue_tags t
            LEFT JOIN issue_tags k ON k.project_id = $1 AND k.issue_id = $2 AND k.key = t.key AND k.value = t.value
            WHERE t.project_id = $1 AND t.issue_id = $3
            GROUP BY 1, 2
        )
        UPDATE issue_tags t SET event_count = t.event_count - least(t.event_count, g.n)
        FROM gone g WHERE t.project_id = $1 AND t.issue_id = $2 AND t.key = g.key AND t.value = g.value
        "#,
        project,
        from,
        to,
        OTHER
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("DELETE FROM issue_tags WHERE project_id = $1 AND issue_id = $2 AND event_count = 0", project, from)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// No key counts more than the issue has events: where tags of events stayed that went, all values of the key are scaled.
pub(super) async fn bound_tags(tx: &mut Tx, split: &Split) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        WITH over AS (
            SELECT t.issue_id, t.key, sum(t.event_count)::int8 AS n, i.event_count
            FROM issue_tags t JOIN issues i ON i.project_id = $1 AND i.id = t.issue_id
            WHERE t.project_id = $1 AND t.issue_id IN ($2, $3)
            GROUP BY t.issue_id, t.key, i.event_count HAVING sum(t.event_count) > i.event_count
        )
        UPDATE issue_tags t SET event_count = t.event_count * o.event_count / o.n
        FROM over o WHERE t.project_id = $1 AND t.issue_id = o.issue_id AND t.key = o.key
        "#,
        split.project_id.0,
        split.from.0,
        split.to.0
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM issue_tags WHERE project_id = $1 AND issue_id IN ($2, $3) AND event_count = 0",
        split.project_id.0,
        split.from.0,
        split.to.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A person goes where the issue had not seen them otherwise: not before the merge, not later than in what went, and none of its events
/// that are kept is by somebody called so.
pub(super) async fn divide_people(tx: &mut Tx, split: &Split, said: &Said) -> sqlx::Result<()> {
    let (project, from, to) = (split.project_id.0, split.from.0, split.to.0);
    let (people, seen): (Vec<_>, Vec<_>) = said.people.iter().map(|(person, seen)| (person.0.to_vec(), seen.clone())).unzip();
    sqlx::query!(
        r#"
        INSERT INTO issue_people AS p (project_id, issue_id, person, last_seen_at)
        SELECT $1, $2, person, max(last_seen_at)
        FROM (
            SELECT decode(n->>0, 'hex') AS person, (n->>1)::timestamptz AS last_seen_at
            FROM merged_issues m
            CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(m.counters->'people') WHEN 'array' THEN m.counters->'people' ELSE '[]' END) AS n
            WHERE m.project_id = $1 AND m.id = $2 AND $5
            UNION ALL
            SELECT person, last_seen_at FROM unnest($3::bytea[], $4::timestamptz[]) AS u (person, last_seen_at)
        ) AS s
        GROUP BY person ORDER BY person
        "#,
        project,
        to,
        &people,
        &seen.iter().map(|seen| seen.0).collect::<Vec<_>>(),
        split.merged_at.is_some()
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        r#"
        WITH labels AS MATERIALIZED (SELECT DISTINCT user_label FROM events WHERE project_id = $1 AND issue_id = $2 AND user_label IS NOT NULL),
        known AS (
            SELECT decode(n->>0, 'hex') AS person
            FROM merged_issues m
            CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(m.counters->'people') WHEN 'array' THEN m.counters->'people' ELSE '[]' END) AS n
            WHERE m.project_id = $1 AND m.id = $3 AND NOT (n->>2)::boolean
        ), heard AS (
            SELECT u.person FROM unnest($4::bytea[], $5::text[]) AS u (person, label) JOIN labels l ON l.user_label = u.label
        )
        DELETE FROM issue_people p
        USING issue_people g
        WHERE p.project_id = $1 AND p.issue_id = $2 AND g.project_id = $1 AND g.issue_id = $3 AND g.person = p.person
            AND p.last_seen_at <= g.last_seen_at
            AND NOT EXISTS (SELECT FROM known k WHERE k.person = p.person) AND NOT EXISTS (SELECT FROM heard h WHERE h.person = p.person)
        "#,
        project,
        from,
        to,
        &people,
        &seen.iter().map(|seen| seen.1.clone()).collect::<Vec<_>>()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
