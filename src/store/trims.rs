//! Removing rows that time has made useless, where that is all a table's file would have to say about it. Each takes a bounded batch.

use sqlx::PgExecutor;
use time::OffsetDateTime;

/// Signed-in browsers whose session has expired.
pub async fn expired_sessions(db: impl PgExecutor<'_>, now: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM sessions WHERE token_hash = ANY (ARRAY(SELECT token_hash FROM sessions WHERE expires_at < $1 LIMIT $2))",
        now,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// One-time links that were used or have expired before `before`.
pub async fn spent_links(db: impl PgExecutor<'_>, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM one_time_links
        WHERE token_hash = ANY (ARRAY(SELECT token_hash FROM one_time_links WHERE expires_at < $1 OR used_at < $1 LIMIT $2))
        "#,
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Failed sign-ins before `before`.
pub async fn login_failures(db: impl PgExecutor<'_>, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM login_failures WHERE ctid = ANY (ARRAY(SELECT ctid FROM login_failures WHERE failed_at < $1 LIMIT $2))",
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Mails made before `before` that are no longer on their way.
pub async fn mails(db: impl PgExecutor<'_>, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM mails WHERE id = ANY (ARRAY(SELECT id FROM mails WHERE created_at < $1 AND state <> 'queued' ORDER BY created_at LIMIT $2))",
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Dead letters that arrived before `before`: their events would be past the retention.
pub async fn dead_letters(db: impl PgExecutor<'_>, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM dead_letters WHERE ctid = ANY (ARRAY(SELECT ctid FROM dead_letters WHERE failed_at < $1 ORDER BY failed_at LIMIT $2))",
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// The oldest dead letters of projects that have more than `keep`, or more than `keep_bytes` in them: somebody floods them with garbage.
/// Sizes are read without the bodies.
pub async fn surplus_dead_letters(db: impl PgExecutor<'_>, keep: i64, keep_bytes: i64, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM dead_letters
        WHERE ctid = ANY (ARRAY(
            SELECT ctid
            FROM (
                SELECT ctid, row_number() OVER newest AS place, sum(length(body)) OVER newest AS bytes
                FROM dead_letters
                WINDOW newest AS (PARTITION BY project_id ORDER BY failed_at DESC, id DESC)
            ) AS ranked
            WHERE place > $1 OR bytes > $2
            LIMIT $3
        ))
        "#,
        keep,
        keep_bytes,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Hours of the accounting before `before`.
pub async fn outcomes(db: impl PgExecutor<'_>, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM project_outcomes WHERE ctid = ANY (ARRAY(SELECT ctid FROM project_outcomes WHERE hour < $1 ORDER BY hour LIMIT $2))",
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Hours of projects before `before`.
pub async fn project_hours(db: impl PgExecutor<'_>, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM project_hours WHERE ctid = ANY (ARRAY(SELECT ctid FROM project_hours WHERE hour < $1 ORDER BY hour LIMIT $2))",
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}
