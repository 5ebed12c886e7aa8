//! The first owner: through the one-time link of the log, or from the environment.

use time::Duration;

use crate::actions::sessions::{self, Client};
use crate::actions::{passwords, secret};
use crate::clock::Clock;
use crate::domain::user::{self, Email, InvalidEmail, Role, WeakPassword};
use crate::store::links::{self, Purpose};
use crate::store::{self, Db};

/// How long a setup link works; a restart prints a new one.
const SETUP_LINK_LIFE: Duration = Duration::days(7);

/// Why there is no owner now.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Somebody is there already, or the link is wrong, used or too old.
    #[error("this setup link does not work: there is a user already, or a newer link was printed")]
    Closed,
    /// Not an address.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// Too short or too long.
    #[error(transparent)]
    Password(#[from] WeakPassword),
    /// The database did not do it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<sqlx::Error> for SetupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// A new token for `{url}/setup?token=…`, and the end of all earlier ones; `None` once there is a user.
pub async fn new_link(db: &Db, clock: &Clock) -> anyhow::Result<Option<String>> {
    if store::users::any(db).await? {
        return Ok(None);
    }
    let (now, (token, token_hash)) = (clock.now(), secret::new());
    let mut tx = store::begin(db).await?;
    links::void(&mut tx, None, now).await?;
    links::insert(&mut tx, Purpose::Setup, &token_hash, None, now, now + SETUP_LINK_LIFE).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// Whether the setup page exists for the holder of this token.
pub async fn is_open(db: &Db, clock: &Clock, token: &str) -> anyhow::Result<bool> {
    let link = links::find(db, Purpose::Setup, &secret::hash(token), clock.now()).await?;
    Ok(link.is_some() && !store::users::any(db).await?)
}

/// What the setup page asks for.
pub struct Owner<'a> {
    /// What to call them; empty: the part of the address before the `@`.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
    /// Their password.
    pub password: &'a str,
}

/// Creates the first owner and signs them in. Returns the text of the session cookie. Of two at the same time one wins.
pub async fn complete(db: &Db, clock: &Clock, token: &str, owner: &Owner<'_>, client: &Client<'_>) -> Result<String, SetupError> {
    let email = Email::parse(owner.email)?;
    user::check_password(owner.password)?;
    if !is_open(db, clock, token).await? {
        return Err(SetupError::Closed);
    }
    let password_hash = passwords::hash(owner.password).await?;
    let now = clock.now();
    let mut tx = store::begin(db).await?;
    store::users::lock_for_setup(&mut tx).await?;
    if store::users::any(&mut *tx).await? || links::take(&mut tx, Purpose::Setup, &secret::hash(token), now).await?.is_none() {
        return Err(SetupError::Closed);
    }
    let name = user::name_or_address(owner.name, &email);
    let id =
        store::users::insert(&mut tx, email.as_str(), &name, Role::Owner, Some(&password_hash), now).await?.ok_or(SetupError::Closed)?;
    store::members::insert_into_orphaned(&mut tx, id, now).await?;
    let cookie = sessions::open(&mut tx, id, client, now).await?;
    tx.commit().await?;
    Ok(cookie)
}

/// Creates the first owner from `BUGLE_ADMIN_EMAIL` and `BUGLE_ADMIN_PASSWORD`; false, and nothing changes, once there is a user.
pub async fn create_first_owner(db: &Db, clock: &Clock, email: &str, password: &str) -> Result<bool, SetupError> {
    let email = Email::parse(email)?;
    user::check_password(password)?;
    if store::users::any(db).await? {
        return Ok(false);
    }
    let (password_hash, now) = (passwords::hash(password).await?, clock.now());
    let mut tx = store::begin(db).await?;
    store::users::lock_for_setup(&mut tx).await?;
    if store::users::any(&mut *tx).await? {
        return Ok(false);
    }
    let name = user::name_or_address("", &email);
    let id = store::users::insert(&mut tx, email.as_str(), &name, Role::Owner, Some(&password_hash), now).await?;
    links::void(&mut tx, None, now).await?;
    if let Some(id) = id {
        store::members::insert_into_orphaned(&mut tx, id, now).await?;
    }
    tx.commit().await?;
    Ok(true)
}
