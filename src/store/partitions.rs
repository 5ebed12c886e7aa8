//! The day partitions of `events` and of the bytes of attachments: made ahead, dropped past the retention. Names are `events_YYYYMMDD`, made
//! here from dates only.

use sqlx::{Acquire, AssertSqlSafe, PgExecutor};
use time::{Date, Duration, OffsetDateTime, Time};

use super::Tx;

/// How long a change of the table may wait for readers; while it waits, everybody else waits behind it.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '1s'";

/// Every column of `events`, for moving rows as they are.
pub const COLUMNS: &str = "project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction, user_label, \
                           trace_id, has_context, hash, dictionary_id, payload";

/// Most days that are repaired at a time.
const STRAY_DAYS_MAX: usize = 1_000;
/// Every column of `attachment_chunks`.
const CHUNK_COLUMNS: &str = "project_id, attachment_id, number, received_at, is_packed, content";

/// A table that is partitioned by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `events`.
    Events,
    /// `attachment_chunks`.
    Attachments,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Events, Self::Attachments];

    /// The partitioned table.
    pub fn table(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Attachments => "attachment_chunks",
        }
    }

    fn columns(self) -> &'static str {
        match self {
            Self::Events => COLUMNS,
            Self::Attachments => CHUNK_COLUMNS,
        }
    }

    fn default(self) -> String {
        format!("{}_default", self.table())
    }
}

/// A day partition that exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// Of which table.
    pub family: Family,
    /// The UTC day of arrival it holds.
    pub day: Date,
}

impl Partition {
    /// The events of a day.
    pub fn of_events(day: Date) -> Self {
        Self { family: Family::Events, day }
    }

    /// The table's name.
    pub fn table(&self) -> String {
        let (year, month, day) = self.day.to_calendar_date();
        format!("{}_{year:04}{:02}{day:02}", self.family.table(), u8::from(month))
    }

    fn parse(family: Family, table: &str) -> Option<Self> {
        let digits = table.strip_prefix(family.table())?.strip_prefix('_').filter(|digits| digits.len() == 8)?;
        let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u16>().ok();
        let month = time::Month::try_from(u8::try_from(number(4..6)?).ok()?).ok()?;
        let day = Date::from_calendar_date(i32::from(number(0..4)?), month, u8::try_from(number(6..8)?).ok()?).ok()?;
        Some(Self { family, day })
    }

    /// The first moment of the day and the first one after it.
    pub fn range(&self) -> (OffsetDateTime, OffsetDateTime) {
        let start = OffsetDateTime::new_utc(self.day, Time::MIDNIGHT);
        (start, start + Duration::DAY)
    }
}

/// The partitions that exist, oldest first, without the default one.
pub async fn list(db: impl PgExecutor<'_>, family: Family) -> sqlx::Result<Vec<Partition>> {
    let names = sqlx::query_scalar!(
        r#"
        SELECT c.relname::text AS "name!"
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass($1::text)
        "#,
        family.table()
    )
    .fetch_all(db)
    .await?;
    let mut partitions: Vec<Partition> = names.iter().filter_map(|name| Partition::parse(family, name)).collect();
    partitions.sort_unstable();
    Ok(partitions)
}

/// The days whose rows lie in the default partition because their own did not exist, oldest first, with how many rows these are.
/// Reads all of that partition; to be asked only where [`count_strays`] says that there is something in it.
pub async fn stray_days(db: impl PgExecutor<'_>, family: Family) -> sqlx::Result<Vec<(Date, i64)>> {
    let sql = format!(
        "SELECT (received_at AT TIME ZONE 'UTC')::date, count(*) FROM {} GROUP BY 1 ORDER BY 1 LIMIT {STRAY_DAYS_MAX}",
        family.default()
    );
    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await
}

/// How many rows lie in the default partition, counted up to `limit`: cheap where none does, which is what is expected.
pub async fn count_strays(db: impl PgExecutor<'_>, family: Family, limit: i64) -> sqlx::Result<i64> {
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT $1) AS capped", family.default());
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(limit).fetch_one(db).await
}

/// Makes the partition and moves into it what lies in the default one. The caller has seen that it does not exist.
pub async fn make(tx: &mut Tx, partition: &Partition) -> sqlx::Result<()> {
    let (table, (from, to)) = (partition.table(), partition.range());
    let (whole, default, columns) = (partition.family.table(), partition.family.default(), partition.family.columns());
    run(tx, LOCK_TIMEOUT.to_owned()).await?;
    // Nobody may add to the default partition between looking into it and attaching the new one.
    run(tx, format!("LOCK TABLE {whole} IN SHARE ROW EXCLUSIVE MODE")).await?;
    run(tx, format!("CREATE TABLE {table} (LIKE {whole} INCLUDING ALL)")).await?;
    let (from, to) = (from.date(), to.date());
    let of_day = format!("received_at >= '{from} 00:00+00' AND received_at < '{to} 00:00+00'");
    run(
        tx,
        format!(
            "WITH moved AS (DELETE FROM {default} WHERE {of_day} RETURNING {columns}) \
             INSERT INTO {table} ({columns}) SELECT {columns} FROM moved"
        ),
    )
    .await?;
    run(tx, format!("ALTER TABLE {whole} ATTACH PARTITION {table} FOR VALUES FROM ('{from} 00:00+00') TO ('{to} 00:00+00')")).await
}

/// Keeps everybody from adding to the partition until the transaction ends; reading goes on.
pub async fn close(tx: &mut Tx, partition: &Partition) -> sqlx::Result<()> {
    run(tx, LOCK_TIMEOUT.to_owned()).await?;
    run(tx, format!("LOCK TABLE {} IN SHARE MODE", partition.table())).await
}

/// Whether nothing is in it.
pub async fn is_empty(db: impl PgExecutor<'_>, partition: &Partition) -> sqlx::Result<bool> {
    let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {})", partition.table());
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await
}

/// Drops the partition with its rows, or does nothing and answers `false` where a reader holds it for longer than a moment; the
/// transaction goes on either way.
pub async fn try_drop(tx: &mut Tx, partition: &Partition) -> sqlx::Result<bool> {
    let mut attempt = tx.begin().await?;
    let dropped = sqlx::query(AssertSqlSafe(format!("DROP TABLE IF EXISTS {}", partition.table()))).execute(&mut *attempt).await;
    match dropped {
        Ok(_) => attempt.commit().await.map(|()| true),
        Err(error) if is_busy(&error) => attempt.rollback().await.map(|()| false),
        Err(error) => Err(error),
    }
}

/// Whether the change did not get its lock in time, or was in the way of another that waited for it, and is to be tried again.
pub fn is_busy(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|refusal| refusal.code()).is_some_and(|code| code == "55P03" || code == "40P01")
}

/// Forgets rows of the default partition that are past the retention. The caller has noted them as absent.
pub async fn trim_default(tx: &mut Tx, family: Family, before: OffsetDateTime) -> sqlx::Result<u64> {
    let sql = format!("DELETE FROM {} WHERE received_at < $1", family.default());
    Ok(sqlx::query(AssertSqlSafe(sql)).bind(before).execute(&mut **tx).await?.rows_affected())
}

/// Keeps everybody from adding to the default partition until the transaction ends.
pub async fn close_default(tx: &mut Tx, family: Family) -> sqlx::Result<()> {
    run(tx, LOCK_TIMEOUT.to_owned()).await?;
    run(tx, format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", family.default())).await
}

async fn run(tx: &mut Tx, sql: String) -> sqlx::Result<()> {
    sqlx::query(AssertSqlSafe(sql)).execute(&mut **tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn names_and_days_are_the_same_thing() {
        let partition = Partition::of_events(date!(2026 - 11 - 05));
        assert_eq!(partition.table(), "events_20261105");
        assert_eq!(Partition::parse(Family::Events, "events_20261105"), Some(partition));
        for other in ["events_default", "events_2026110", "events_20261399", "issues", "events_2026110é", "attachment_chunks_20261105"] {
            assert_eq!(Partition::parse(Family::Events, other), None, "{other}");
        }
        let chunks = Partition { family: Family::Attachments, day: date!(2026 - 11 - 05) };
        assert_eq!(Partition::parse(Family::Attachments, &chunks.table()), Some(chunks));
    }
}
