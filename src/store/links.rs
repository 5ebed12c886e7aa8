//! One-time links: setup, invitation, password reset. Single use; only the SHA-256 of the token is kept.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::UserId;
use crate::store::Tx;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Create the first owner.
    Setup,
    /// Choose the first password.
    Invite,
    /// Choose a new password.
    Reset,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }
}

/// Whose link it is; the inner `None`: nobody's, as for setup. `None`: unknown, used, expired, or of somebody without access.
pub async fn find(
    db: impl PgExecutor<'_>,
    purpose: Purpose,
    token_hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<Option<Option<UserId>>> {
    let row = sqlx::query_scalar!(
        "SELECT l.user_id FROM one_time_links l LEFT JOIN users u ON u.id = l.user_id
         WHERE l.token_hash = $1 AND l.purpose = $2 AND l.used_at IS NULL AND l.expires_at > $3 AND u.disabled_at IS NULL",
        token_hash,
        purpose.name(),
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|user| user.map(UserId)))
}

/// Uses a link up. As [`find`], for the one caller who gets it.
pub async fn take(tx: &mut Tx, purpose: Purpose, token_hash: &[u8], now: OffsetDateTime) -> sqlx::Result<Option<Option<UserId>>> {
    let row = sqlx::query_scalar!(
        "UPDATE one_time_links l SET used_at = $3
         WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
           AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = l.user_id AND u.disabled_at IS NOT NULL)
         RETURNING user_id",
        token_hash,
        purpose.name(),
        now
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|user| user.map(UserId)))
}

/// Adds a link.
pub async fn insert(
    tx: &mut Tx,
    purpose: Purpose,
    token_hash: &[u8],
    user: Option<UserId>,
    at: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO one_time_links (token_hash, purpose, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        token_hash,
        purpose.name(),
        user.map(|id| id.0),
        at,
        expires_at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes every open link of somebody useless; `None`: the setup links.
pub async fn void(tx: &mut Tx, user: Option<UserId>, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE one_time_links SET used_at = $2 WHERE user_id IS NOT DISTINCT FROM $1 AND used_at IS NULL",
        user.map(|id| id.0),
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many reset links somebody was sent since a moment.
pub async fn count_resets_since(tx: &mut Tx, user: UserId, since: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM one_time_links WHERE user_id = $1 AND purpose = 'reset' AND created_at > $2"#,
        user.0,
        since
    )
    .fetch_one(&mut **tx)
    .await
}
