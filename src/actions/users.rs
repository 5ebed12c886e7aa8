//! People: making accounts, changing one's own, and what owners and admins may change about others.

use time::Duration;

use crate::actions::{passwords, sign_in};
use crate::clock::Clock;
use crate::domain::ids::UserId;
use crate::domain::throttle;
use crate::domain::user::{self, Email, InvalidEmail, Role, Theme, User, WeakPassword};
use crate::store::{self, Db, Tx};

/// Why there is no new account.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// Not an address.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// Somebody has it.
    #[error("{0} has an account already")]
    Taken(String),
    /// Too short or too long.
    #[error(transparent)]
    Password(#[from] WeakPassword),
    /// The database did not do it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<sqlx::Error> for CreateUserError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Makes an account. Without a password it can be used after a reset link. Whoever calls decides who may: the command line may.
pub async fn create(
    db: &Db,
    clock: &Clock,
    email: &str,
    name: &str,
    role: Role,
    password: Option<&str>,
) -> Result<UserId, CreateUserError> {
    let email = Email::parse(email)?;
    let password_hash = match password {
        Some(password) => {
            user::check_password(password)?;
            Some(passwords::hash(password).await?)
        }
        None => None,
    };
    let now = clock.now();
    let mut tx = store::begin(db).await?;
    let name = user::name_or_address(name, &email);
    let id = store::users::insert(&mut tx, email.as_str(), &name, role, password_hash.as_deref(), now).await?;
    let id = id.ok_or_else(|| CreateUserError::Taken(email.as_str().to_owned()))?;
    if role == Role::Owner {
        store::members::insert_into_orphaned(&mut tx, id, now).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Changes one's own name and theme.
pub async fn change_profile(db: &Db, me: &User, name: &str, theme: Theme) -> anyhow::Result<()> {
    let name = user::name_or_address(&name.replace('\0', ""), &Email::parse(&me.email)?);
    let mut tx = store::begin(db).await?;
    store::users::set_name(&mut tx, me.id, &name).await?;
    store::users::set_theme(&mut tx, me.id, theme).await?;
    tx.commit().await?;
    Ok(())
}

/// Changes one's own theme.
pub async fn change_theme(db: &Db, me: UserId, theme: Theme) -> anyhow::Result<()> {
    let mut tx = store::begin(db).await?;
    store::users::set_theme(&mut tx, me, theme).await?;
    tx.commit().await?;
    Ok(())
}

/// Why the password stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The present one was wrong.
    #[error("That is not your current password.")]
    Current,
    /// Too many wrong ones; this one was not looked at.
    #[error("Too many tries.")]
    Wait {
        /// Until the next one is.
        length: Duration,
    },
    /// Too short or too long.
    #[error(transparent)]
    New(#[from] WeakPassword),
    /// The database did not do it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<sqlx::Error> for ChangePasswordError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Changes one's own password and signs out everywhere but here (`keep_session`). Open reset links stop working.
pub async fn change_password(
    db: &Db,
    clock: &Clock,
    me: &User,
    current: &str,
    new: &str,
    keep_session: &[u8],
) -> Result<(), ChangePasswordError> {
    user::check_password(new)?;
    let subject = [throttle::of_account(me.id)];
    if let Err(length) = sign_in::count_attempt(db, &subject, clock.now()).await? {
        return Err(ChangePasswordError::Wait { length });
    }
    let known = store::users::find_credentials(db, &me.email).await?;
    if !passwords::fits(current, known.and_then(|known| known.password_hash).as_deref()).await? {
        return Err(ChangePasswordError::Current);
    }
    let hash = passwords::hash(new).await?;
    let mut tx = store::begin(db).await?;
    store::users::set_password(&mut tx, me.id, &hash).await?;
    store::sessions::delete_others(&mut tx, me.id, keep_session).await?;
    store::links::void(&mut tx, Some(me.id), clock.now()).await?;
    store::login_failures::forget(&mut tx, &subject.map(|subject| subject.key), clock.now() - Duration::DAY).await?;
    tx.commit().await?;
    Ok(())
}

/// Why somebody else's account stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeOtherError {
    /// Not an administrator, or the person or the new role is above one's own.
    #[error("You can only change people up to your own role.")]
    NotAllowed,
    /// Somebody has to be owner.
    #[error("The last owner cannot be removed. Make somebody else an owner first.")]
    LastOwner,
    /// Gone.
    #[error("There is no such person.")]
    Gone,
    /// The database did not do it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<sqlx::Error> for ChangeOtherError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Changes what somebody may do.
pub async fn change_role(db: &Db, by: &User, id: UserId, role: Role) -> Result<(), ChangeOtherError> {
    let mut tx = store::begin(db).await?;
    let target = may_change(&mut tx, by, id).await?;
    if !by.role.may_grant(role) {
        return Err(ChangeOtherError::NotAllowed);
    }
    if target.role == Role::Owner && role != Role::Owner {
        keep_an_owner(&mut tx, id).await?;
    }
    store::users::set_role(&mut tx, id, role).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes access away at once: sessions end, links stop working, tokens and mail stop with the account.
pub async fn disable(db: &Db, clock: &Clock, by: &User, id: UserId) -> Result<(), ChangeOtherError> {
    let mut tx = store::begin(db).await?;
    let target = may_change(&mut tx, by, id).await?;
    if target.role == Role::Owner {
        keep_an_owner(&mut tx, id).await?;
    }
    store::users::set_disabled(&mut tx, id, Some(clock.now())).await?;
    store::sessions::delete_others(&mut tx, id, &[]).await?;
    store::links::void(&mut tx, Some(id), clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives access back.
pub async fn enable(db: &Db, by: &User, id: UserId) -> Result<(), ChangeOtherError> {
    let mut tx = store::begin(db).await?;
    may_change(&mut tx, by, id).await?;
    store::users::set_disabled(&mut tx, id, None).await?;
    tx.commit().await?;
    Ok(())
}

async fn may_change(tx: &mut Tx, by: &User, id: UserId) -> Result<User, ChangeOtherError> {
    let target = store::users::find(&mut **tx, id).await?.ok_or(ChangeOtherError::Gone)?;
    if by.role.may_grant(target.role) { Ok(target) } else { Err(ChangeOtherError::NotAllowed) }
}

async fn keep_an_owner(tx: &mut Tx, leaving: UserId) -> Result<(), ChangeOtherError> {
    let owners = store::users::lock_active_owners(tx).await?;
    if owners.iter().any(|owner| *owner != leaving) { Ok(()) } else { Err(ChangeOtherError::LastOwner) }
}
