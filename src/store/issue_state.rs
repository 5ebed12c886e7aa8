//! What the digest reads and changes of an issue: its row, locked, and the sums of a batch.

use time::OffsetDateTime;

use super::{Tx, copy};
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::issue::{IgnoreUntil, Status};

/// An issue that the batch found, as it is after the batch.
#[derive(Clone, Debug)]
pub struct NewIssue {
    /// `error`, or `default` for a message.
    pub kind: &'static str,
    /// Exception type, empty for a message.
    pub type_name: String,
    /// First line of the value or message.
    pub value: String,
    /// Name of the logger.
    pub logger: String,
    /// `python`, `javascript`, ….
    pub platform: String,
    /// Everything that later batches add to.
    pub advance: Advance,
}

/// What an issue shows of its latest event.
#[derive(Clone, Debug)]
pub struct Latest {
    /// `domain::level::Level::number`.
    pub level: i16,
    /// Route, task or command, else the failing function.
    pub culprit: String,
    /// File and line of the failing frame.
    pub location: String,
    /// Its function.
    pub function: String,
    /// Whether the application had caught it; `None`: not said.
    pub handled: Option<bool>,
    /// Version it happened in.
    pub release: Option<String>,
}

/// What decisions need to know of an issue.
#[derive(Clone, Debug)]
pub struct Held {
    /// Where.
    pub project_id: ProjectId,
    /// Which.
    pub id: IssueId,
    /// What people decided.
    pub status: Status,
    /// When they decided it.
    pub status_at: OffsetDateTime,
    /// When it last came back.
    pub regressed_at: Option<OffsetDateTime>,
    /// Highest level of its clean events so far, 0 before the first.
    pub top_level: i16,
    /// `None` unless ignored. Not changed by events.
    pub ignore_until: Option<IgnoreUntil>,
    /// People before the batch.
    pub user_count: i64,
}

/// What a batch adds to an issue.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The issue with the state it has after the batch.
    pub held: Held,
    /// Events.
    pub event_count: i64,
    /// People it had not seen before.
    pub user_count: i64,
    /// Earliest and latest event, as they happened.
    pub first_seen_at: OffsetDateTime,
    /// See `first_seen_at`.
    pub last_seen_at: OffsetDateTime,
    /// Of the latest event of the batch; taken where it is the latest of the issue.
    pub latest: Latest,
    /// The first release named in the batch, for an issue without one.
    pub first_release: Option<String>,
}

impl Held {
    /// What an issue is before its first event is looked at. `created_at`: the arrival of that event.
    pub fn new(project_id: ProjectId, id: IssueId, created_at: OffsetDateTime) -> Self {
        Self {
            project_id,
            id,
            status: Status::Unresolved,
            status_at: created_at,
            regressed_at: None,
            top_level: 0,
            ignore_until: None,
            user_count: 0,
        }
    }
}

/// `count` ids for new issues. Ids of transactions that fail are lost: short ids have gaps.
pub async fn allocate(tx: &mut Tx, count: usize) -> sqlx::Result<Vec<IssueId>> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let ids = sqlx::query_scalar!(r#"SELECT nextval('issues_id_seq') AS "id!" FROM generate_series(1, $1::int4)"#, count)
        .fetch_all(&mut **tx)
        .await?;
    Ok(ids.into_iter().map(IssueId).collect())
}

/// Inserts new issues with ids from [`allocate`].
pub async fn insert(tx: &mut Tx, issues: &[NewIssue]) -> sqlx::Result<()> {
    let statement =
        "COPY issues (project_id, id, kind, type, value, culprit, location, function, logger, platform, level, status, status_at,
            handled, first_seen_at, last_seen_at, first_release, last_release, event_count, user_count, top_level)
        FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, issues, 21, |row, issue| {
        let Advance { held, latest, .. } = &issue.advance;
        row.int8(held.project_id.0).int8(held.id.0).text(issue.kind).text(&issue.type_name).text(&issue.value);
        row.text(&latest.culprit).text(&latest.location).text(&latest.function).text(&issue.logger).text(&issue.platform);
        row.int2(latest.level).text(held.status.name()).time(held.status_at).maybe_bool(latest.handled);
        row.time(issue.advance.first_seen_at).time(issue.advance.last_seen_at);
        row.maybe_text(issue.advance.first_release.as_deref()).maybe_text(latest.release.as_deref());
        row.int8(issue.advance.event_count).int8(issue.advance.user_count).int2(held.top_level);
    })
    .await
}

/// Locks the issues in the order of their key and reads them. One that was deleted meanwhile is missing.
pub async fn lock(tx: &mut Tx, issues: &[(ProjectId, IssueId)]) -> sqlx::Result<Vec<Held>> {
    if issues.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query!(
        r#"
        SELECT project_id, id, status, status_at, regressed_at, top_level, ignore_until, user_count
        FROM issues
        WHERE (project_id, id) IN (SELECT u.project_id, u.id FROM unnest($1::int8[], $2::int8[]) AS u (project_id, id))
        ORDER BY project_id, id
        FOR NO KEY UPDATE
        "#,
        &issues.iter().map(|issue| issue.0.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.1.0).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let held = rows.into_iter().map(|row| {
        let status = Status::parse(&row.status)
            .ok_or_else(|| sqlx::Error::Decode(format!("issues.status of {} is {:?}", row.id, row.status).into()))?;
        Ok(Held {
            project_id: ProjectId(row.project_id),
            id: IssueId(row.id),
            status,
            status_at: row.status_at,
            regressed_at: row.regressed_at,
            top_level: row.top_level,
            ignore_until: IgnoreUntil::parse(&row.ignore_until),
            user_count: row.user_count,
        })
    });
    held.collect()
}

/// Changes what an issue is called.
pub async fn rename(tx: &mut Tx, project: ProjectId, id: IssueId, value: &str) -> sqlx::Result<()> {
    let value = super::text::clean(value);
    sqlx::query!("UPDATE issues SET value = $3 WHERE project_id = $1 AND id = $2", project.0, id.0, value.as_ref())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Adds what a batch found to issues that [`lock`] holds.
pub async fn advance(tx: &mut Tx, issues: &[Advance]) -> sqlx::Result<()> {
    if issues.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&Advance) -> &str| issues.iter().map(|issue| of(issue).to_owned()).collect::<Vec<String>>();
    sqlx::query!(
        r#"
        UPDATE issues AS i
        SET event_count = i.event_count + u.event_count,
            user_count = i.user_count + u.user_count,
            first_seen_at = least(i.first_seen_at, u.first_seen_at),
            last_seen_at = greatest(i.last_seen_at, u.last_seen_at),
            level = CASE WHEN u.last_seen_at >= i.last_seen_at THEN u.level ELSE i.level END,
            culprit = CASE WHEN u.last_seen_at >= i.last_seen_at THEN u.culprit ELSE i.culprit END,
            location = CASE WHEN u.last_seen_at >= i.last_seen_at THEN u.location ELSE i.location END,
            function = CASE WHEN u.last_seen_at >= i.last_seen_at THEN u.function ELSE i.function END,
            handled = CASE WHEN u.last_seen_at >= i.last_seen_at THEN u.handled ELSE i.handled END,
            first_release = coalesce(i.first_release, u.first_release),
            last_release = CASE WHEN u.last_seen_at >= i.last_seen_at THEN coalesce(u.last_release, i.last_release)
                ELSE i.last_release END,
            status = u.status,
            status_at = u.status_at,
            regressed_at = u.regressed_at,
            top_level = u.top_level
        FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::timestamptz[], $6::timestamptz[], $7::int2[], $8::text[],
            $9::text[], $10::text[], $11::bool[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::timestamptz[],
            $17::int2[])
            AS u (project_id, id, event_count, user_count, first_seen_at, last_seen_at, level, culprit, location, function, handled,
            first_release, last_release, status, status_at, regressed_at, top_level)
        WHERE i.project_id = u.project_id AND i.id = u.id
        "#,
        &issues.iter().map(|issue| issue.held.project_id.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.held.id.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.event_count).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.user_count).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.first_seen_at).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.last_seen_at).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.latest.level).collect::<Vec<_>>(),
        &text(|issue| &issue.latest.culprit),
        &text(|issue| &issue.latest.location),
        &text(|issue| &issue.latest.function),
        &issues.iter().map(|issue| issue.latest.handled).collect::<Vec<_>>() as &[Option<bool>],
        &issues.iter().map(|issue| issue.first_release.clone()).collect::<Vec<_>>() as &[Option<String>],
        &issues.iter().map(|issue| issue.latest.release.clone()).collect::<Vec<_>>() as &[Option<String>],
        &text(|issue| issue.held.status.name()),
        &issues.iter().map(|issue| issue.held.status_at).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.held.regressed_at).collect::<Vec<_>>() as &[Option<OffsetDateTime>],
        &issues.iter().map(|issue| issue.held.top_level).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
