//! Attempts to sign in that did not succeed (yet), per subject. The throttle reads the recent ones.

use time::OffsetDateTime;

use crate::store::Tx;

/// Lets only one attempt at a time on this subject count and be counted, until the transaction ends.
pub async fn lock(tx: &mut Tx, subject: &str) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", subject).execute(&mut **tx).await?;
    Ok(())
}

/// The latest attempts on one subject since a moment, latest first; at most `limit`.
pub async fn recent(tx: &mut Tx, subject: &str, since: OffsetDateTime, limit: i64) -> sqlx::Result<Vec<OffsetDateTime>> {
    sqlx::query_scalar!(
        "SELECT failed_at FROM login_failures WHERE subject = $1 AND failed_at > $2 ORDER BY failed_at DESC LIMIT $3",
        subject,
        since,
        limit
    )
    .fetch_all(&mut **tx)
    .await
}

/// Counts an attempt.
pub async fn insert(tx: &mut Tx, subjects: &[String], at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("INSERT INTO login_failures (subject, failed_at) SELECT subject, $2 FROM unnest($1::text[]) AS subject", subjects, at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets the attempts of somebody who got in, and everything older than `before`.
pub async fn forget(tx: &mut Tx, subjects: &[String], before: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM login_failures WHERE subject = ANY($1) OR failed_at < $2", subjects, before).execute(&mut **tx).await?;
    Ok(())
}
