//! Making a day of `events` smaller: what stays is copied into a new partition that takes the place of the old one, whose files go at once.
//! Deleting the rows instead would leave files as large as before, for VACUUM to fill again some day.

use sqlx::{Acquire, AssertSqlSafe, PgExecutor};
use time::{Date, OffsetDateTime};

use super::Tx;
use super::absences;
use super::partitions::{self, COLUMNS, Family, Partition};
use crate::domain::thinning::{Day, Step};

/// What the whole database and its events take on disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Everything.
    pub all: i64,
    /// The partitions of `events`, with their indexes.
    pub events: i64,
    /// The bytes of attachments, with their indexes.
    pub attachments: i64,
}

/// From the sizes of files; no row is read.
pub async fn space(db: impl PgExecutor<'_>) -> sqlx::Result<Space> {
    sqlx::query_as!(
        Space,
        r#"
        SELECT pg_database_size(current_database()) AS "all!",
            coalesce((SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'events'::regclass), 0)::int8 AS "events!",
            coalesce((SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'attachment_chunks'::regclass), 0)::int8
                AS "attachments!"
        "#
    )
    .fetch_one(db)
    .await
}

/// What a day takes on disk, in bytes.
pub async fn bytes_of(db: impl PgExecutor<'_>, day: Date) -> sqlx::Result<i64> {
    let table = Partition::of_events(day).table();
    sqlx::query_scalar!(r#"SELECT coalesce(pg_total_relation_size(to_regclass($1::text)), 0) AS "bytes!""#, table).fetch_one(db).await
}

/// The partitions of days before `before`, with how far each was thinned.
pub async fn days(db: &super::Db, before: Date) -> sqlx::Result<Vec<Day>> {
    let done = sqlx::query!("SELECT day, step FROM thinned_days").fetch_all(db).await?;
    let partitions = partitions::list(db, Family::Events).await?;
    let day = |partition: Partition| {
        let row = done.iter().find(|row| row.day == partition.day);
        Day { day: partition.day, done: row.and_then(|row| usize::try_from(row.step).ok()) }
    };
    Ok(partitions.into_iter().filter(|partition| partition.day < before).map(day).collect())
}

/// Notes that a step was done.
pub async fn record(tx: &mut Tx, day: Date, step: usize, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO thinned_days (day, step, thinned_at) VALUES ($1, $2, $3)
         ON CONFLICT (day) DO UPDATE SET step = excluded.step, thinned_at = excluded.thinned_at",
        day,
        i16::try_from(step).unwrap_or(i16::MAX),
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Copies what `step` leaves of the day into a table beside it, and notes the rest as absent. The caller has closed the partition, and
/// exchanges the two next. Tells how many events go.
pub async fn copy(tx: &mut Tx, partition: &Partition, step: Step) -> sqlx::Result<i64> {
    let (old, new) = (partition.table(), beside(partition));
    run(tx, format!("CREATE TABLE {new} (LIKE events INCLUDING ALL)")).await?;
    run(
        tx,
        format!(
            "INSERT INTO {new} ({COLUMNS}) SELECT {COLUMNS} FROM {old} WHERE (project_id, event_id, received_at) IN (
                 SELECT project_id, event_id, received_at
                 FROM (
                     SELECT project_id, issue_id, event_id, received_at,
                         row_number() OVER (PARTITION BY project_id, issue_id ORDER BY received_at DESC, event_id DESC) AS place,
                         count(*) OVER (PARTITION BY project_id, issue_id) AS n
                     FROM {old}
                 ) AS placed
                 WHERE {}
             )",
            kept(partition, step)
        ),
    )
    .await?;
    note_others(tx, &old, &new).await
}

/// The condition on `placed`. Places count from the latest event of the issue on that day.
fn kept(partition: &Partition, step: Step) -> String {
    let (from, to) = partition.range();
    let (from, to) = (from.date(), to.date());
    let none = |when: String| {
        format!("NOT EXISTS (SELECT 1 FROM events o WHERE o.project_id = placed.project_id AND o.issue_id = placed.issue_id AND {when})")
    };
    match step {
        Step::Some(count) => {
            let gaps = count.max(2) - 1;
            format!("place = n OR (place - 1) % greatest(1, (n - 1 + {gaps} - 1) / {gaps}) = 0")
        }
        Step::FirstAndLatest => format!(
            "place = n AND {} OR place = 1 AND {}",
            none(format!("o.received_at < '{from} 00:00+00'")),
            none(format!("o.received_at >= '{to} 00:00+00'"))
        ),
        Step::Nothing => "false".to_owned(),
    }
}

/// As `absences::note_all`, of the events in `old` that are not in `new`.
async fn note_others(tx: &mut Tx, old: &str, new: &str) -> sqlx::Result<i64> {
    let sql = absences::noting(&format!(
        "{old} e WHERE NOT EXISTS (
             SELECT 1 FROM {new} k WHERE k.project_id = e.project_id AND k.event_id = e.event_id AND k.received_at = e.received_at
         )"
    ));
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut **tx).await
}

/// Puts the copy in the place of the partition, or does nothing and answers `false` where a reader holds `events` for longer than a moment;
/// the transaction goes on either way.
pub async fn try_exchange(tx: &mut Tx, partition: &Partition) -> sqlx::Result<bool> {
    let (old, new) = (partition.table(), beside(partition));
    let (from, to) = partition.range();
    let (from, to) = (from.date(), to.date());
    let mut attempt = tx.begin().await?;
    let statements = [
        format!("ALTER TABLE events DETACH PARTITION {old}"),
        format!("DROP TABLE {old}"),
        format!("ALTER TABLE {new} RENAME TO {old}"),
        format!("ALTER TABLE events ATTACH PARTITION {old} FOR VALUES FROM ('{from} 00:00+00') TO ('{to} 00:00+00')"),
    ];
    for statement in statements {
        match sqlx::query(AssertSqlSafe(statement)).execute(&mut *attempt).await {
            Ok(_) => {}
            Err(error) if partitions::is_busy(&error) => return attempt.rollback().await.map(|()| false),
            Err(error) => return Err(error),
        }
    }
    attempt.commit().await?;
    Ok(true)
}

fn beside(partition: &Partition) -> String {
    format!("{}_thinned", partition.table())
}

async fn run(tx: &mut Tx, sql: String) -> sqlx::Result<()> {
    sqlx::query(AssertSqlSafe(sql)).execute(&mut **tx).await?;
    Ok(())
}
