//! Making and revoking bearer tokens.

use anyhow::Context;

use crate::clock::Clock;
use crate::domain::ids::{TokenId, UserId};
use crate::domain::token::{self, InvalidToken};
use crate::store::{self, Db};

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The person has to change what they asked for.
    #[error(transparent)]
    Invalid(#[from] InvalidToken),
    /// The database did not do it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// Makes a token and answers its plain text, 64 hex digits, which cannot be had again. No scopes: those that read.
pub async fn create(db: &Db, clock: &Clock, user_id: UserId, name: &str, scopes: &[String]) -> Result<String, CreateError> {
    let name = token::check_name(name)?;
    let scopes = token::check_scopes(scopes)?;
    let plain = token::plain(rand::random());
    let mut tx = store::begin(db).await.context("opening a transaction for a new token")?;
    store::tokens::insert(&mut tx, user_id, &name, &token::hash(&plain), &scopes, clock.now()).await.context("storing a new token")?;
    tx.commit().await.context("committing a new token")?;
    Ok(plain)
}

/// Revokes a token of this person; false when they have none with this id.
pub async fn revoke(db: &Db, user_id: UserId, id: TokenId) -> anyhow::Result<bool> {
    let mut tx = store::begin(db).await.context("opening a transaction to revoke a token")?;
    let revoked = store::tokens::delete(&mut tx, user_id, id).await.context("deleting a token")?;
    tx.commit().await.context("committing a revoked token")?;
    Ok(revoked)
}

/// Notes that a token was used, at most once per [`store::tokens::USE_NOTED_EVERY`].
pub async fn note_use(db: &Db, clock: &Clock, bearer: &store::tokens::Bearer) -> anyhow::Result<()> {
    let now = clock.now();
    if bearer.last_used_at.is_some_and(|at| now - at < store::tokens::USE_NOTED_EVERY) {
        return Ok(());
    }
    let mut tx = store::begin(db).await.context("opening a transaction to note a token's use")?;
    store::tokens::note_use(&mut tx, bearer.token_id, now).await.context("noting a token's use")?;
    tx.commit().await.context("committing a token's use")?;
    Ok(())
}
