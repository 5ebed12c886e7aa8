//! What the page about the instance says of the database itself.

use sqlx::PgExecutor;

/// Size of one kind of data.
pub struct Size {
    /// What it is, as people call it.
    pub what: &'static str,
    /// On disk, indexes included.
    pub bytes: i64,
}

/// The server's own version, as `15.14`.
pub async fn server_version(db: impl PgExecutor<'_>) -> sqlx::Result<String> {
    let version = sqlx::query_scalar!(r#"SELECT current_setting('server_version') AS "version!""#).fetch_one(db).await?;
    Ok(version.split_whitespace().next().unwrap_or_default().to_owned())
}

/// What takes how much space: events, everything else, all.
pub async fn sizes(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Size>> {
    let row = sqlx::query!(
        r#"SELECT COALESCE((SELECT sum(pg_total_relation_size(i.inhrelid)) FROM pg_inherits i WHERE i.inhparent = 'events'::regclass), 0)::int8
                      AS "events!",
                  pg_database_size(current_database()) AS "all!""#
    )
    .fetch_one(db)
    .await?;
    Ok(vec![
        Size { what: "Events", bytes: row.events },
        Size { what: "Issues, counters and the rest", bytes: (row.all - row.events).max(0) },
    ])
}
