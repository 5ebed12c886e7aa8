//! Bearer tokens of the Web API. Only their SHA-256 is kept.

use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{TokenId, UserId};
use crate::domain::user::User;
use crate::store::{Tx, users};

/// How stale `last_used_at` may be: a busy token writes its row at most this often.
pub const USE_NOTED_EVERY: Duration = Duration::minutes(10);

/// A token as its owner sees it; the secret itself is nowhere.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What it is for, in its owner's words.
    pub name: String,
    /// What it may do, sorted.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last used, to [`USE_NOTED_EVERY`].
    pub last_used_at: Option<OffsetDateTime>,
}

/// Who a token acts for.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The token.
    pub token_id: TokenId,
    /// Its owner as they are now, and not disabled.
    pub user: User,
    /// What the token may do.
    pub scopes: Vec<String>,
    /// When it was last used, to [`USE_NOTED_EVERY`].
    pub last_used_at: Option<OffsetDateTime>,
}

/// Stores a new token.
pub async fn insert(
    tx: &mut Tx,
    user_id: UserId,
    name: &str,
    token_hash: &[u8],
    scopes: &[String],
    now: OffsetDateTime,
) -> sqlx::Result<TokenId> {
    let id = sqlx::query_scalar!(
        "INSERT INTO api_tokens (user_id, name, token_hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        user_id.0,
        name,
        token_hash,
        scopes,
        now
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(TokenId(id))
}

/// The tokens of one person, newest first.
pub async fn list(db: impl PgExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<Token>> {
    sqlx::query_as!(
        Token,
        "SELECT id, name, scopes, created_at, last_used_at FROM api_tokens WHERE user_id = $1 ORDER BY id DESC",
        user_id.0
    )
    .fetch_all(db)
    .await
}

/// Whose token this is; `None` for an unknown token and for one of a disabled person.
pub async fn find_bearer(db: impl PgExecutor<'_>, token_hash: &[u8]) -> sqlx::Result<Option<Bearer>> {
    let row = sqlx::query!(
        "SELECT t.id, t.user_id, t.scopes, t.last_used_at, u.email, u.name, u.role, u.theme
         FROM api_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.token_hash = $1 AND u.disabled_at IS NULL",
        token_hash
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let user = users::user(row.user_id, row.email, row.name, &row.role, &row.theme)?;
        Ok(Bearer { token_id: TokenId(row.id), user, scopes: row.scopes, last_used_at: row.last_used_at })
    })
    .transpose()
}

/// Notes that a token was used. Does nothing when that was noted within [`USE_NOTED_EVERY`].
pub async fn note_use(tx: &mut Tx, id: TokenId, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
        id.0,
        now,
        now - USE_NOTED_EVERY
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes a token of this person; false when there is none.
pub async fn delete(tx: &mut Tx, user_id: UserId, id: TokenId) -> sqlx::Result<bool> {
    let done = sqlx::query!("DELETE FROM api_tokens WHERE id = $1 AND user_id = $2", id.0, user_id.0).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}
