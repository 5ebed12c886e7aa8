//! Signed-in browsers, found by the SHA-256 of their cookie.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::UserId;
use crate::domain::user::User;
use crate::store::{Tx, users};

/// A session that is valid now, and whose it is.
pub struct Session {
    /// Who.
    pub user: User,
    /// Last request, to about a quarter of an hour.
    pub last_used_at: OffsetDateTime,
}

/// One line of "Signed in on".
pub struct SessionRow {
    /// Key of the session.
    pub token_hash: Vec<u8>,
    /// Last request.
    pub last_used_at: OffsetDateTime,
    /// What the browser calls itself.
    pub user_agent: String,
    /// Where it signed in from.
    pub address: String,
}

/// A session that has not expired and belongs to somebody who may sign in.
pub async fn find(db: impl PgExecutor<'_>, token_hash: &[u8], now: OffsetDateTime) -> sqlx::Result<Option<Session>> {
    let row = sqlx::query!(
        "SELECT u.id, u.email, u.name, u.role, u.theme, s.last_used_at
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL",
        token_hash,
        now
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| Ok(Session { user: users::user(r.id, r.email, r.name, &r.role, &r.theme)?, last_used_at: r.last_used_at })).transpose()
}

/// All valid sessions of somebody, latest use first.
pub async fn list(db: impl PgExecutor<'_>, user: UserId, now: OffsetDateTime) -> sqlx::Result<Vec<SessionRow>> {
    sqlx::query_as!(
        SessionRow,
        "SELECT token_hash, last_used_at, user_agent, address FROM sessions
         WHERE user_id = $1 AND expires_at > $2 ORDER BY last_used_at DESC, token_hash LIMIT 100",
        user.0,
        now
    )
    .fetch_all(db)
    .await
}

/// Adds a session.
pub async fn insert(
    tx: &mut Tx,
    token_hash: &[u8],
    user: UserId,
    at: OffsetDateTime,
    expires_at: OffsetDateTime,
    user_agent: &str,
    address: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (token_hash, user_id, created_at, last_used_at, expires_at, user_agent, address) VALUES ($1, $2, $3, $3, $4, $5, $6)",
        token_hash,
        user.0,
        at,
        expires_at,
        user_agent,
        address
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Moves the expiry of a used session.
pub async fn touch(tx: &mut Tx, token_hash: &[u8], at: OffsetDateTime, expires_at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE token_hash = $1", token_hash, at, expires_at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends one session.
pub async fn delete(tx: &mut Tx, token_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sessions WHERE token_hash = $1", token_hash).execute(&mut **tx).await?;
    Ok(())
}

/// Ends all sessions of somebody but one.
pub async fn delete_others(tx: &mut Tx, user: UserId, keep: &[u8]) -> sqlx::Result<u64> {
    let done = sqlx::query!("DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2", user.0, keep).execute(&mut **tx).await?;
    Ok(done.rows_affected())
}

/// Removes what expired. Bounded, so that a sign-in never waits for a long clean-up.
pub async fn delete_expired(tx: &mut Tx, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions WHERE expires_at <= $1 LIMIT 1000)", now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
