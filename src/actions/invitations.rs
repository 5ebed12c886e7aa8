//! Inviting people, and accepting.

use anyhow::Context as _;
use time::Duration;

use crate::actions::sessions::{self, Client};
use crate::actions::{passwords, secret};
use crate::clock::Clock;
use crate::domain::event_id::EventId;
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::letter;
use crate::domain::user::{self, Email, InvalidEmail, Role, User, WeakPassword};
use crate::store::links::{self, Purpose};
use crate::store::mails::{self, NewMail};
use crate::store::{self, Db, Tx};

/// How long an invitation can be accepted, in days.
pub const INVITATION_DAYS: i64 = 7;

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// Not an address.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// They have an account, or are invited.
    #[error("there is an account or an open invitation for {0} already")]
    Taken(String),
    /// Above the role of who invites.
    #[error("you can invite people up to your own role")]
    Role,
    /// Gone, or has joined since.
    #[error("there is no open invitation for this person")]
    Gone,
    /// The database did not do it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<sqlx::Error> for InviteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Invites somebody into a role and some projects, and queues the mail. Returns the link, to hand over in other ways.
pub async fn invite(
    db: &Db,
    clock: &Clock,
    base_url: &str,
    by: &User,
    email: &str,
    role: Role,
    projects: &[ProjectId],
) -> Result<String, InviteError> {
    let email = Email::parse(email)?;
    if !by.role.may_grant(role) {
        return Err(InviteError::Role);
    }
    let now = clock.now();
    let mut tx = store::begin(db).await?;
    let name = user::name_or_address("", &email);
    let id = store::users::insert(&mut tx, email.as_str(), &name, role, None, now).await?;
    let id = id.ok_or_else(|| InviteError::Taken(email.as_str().to_owned()))?;
    for project in projects {
        store::members::insert(&mut tx, *project, id, now).await?;
    }
    let link = send(&mut tx, clock, base_url, by, id, email.as_str()).await?;
    tx.commit().await?;
    Ok(link)
}

/// Sends a new link in place of the old one. Returns it.
pub async fn renew(db: &Db, clock: &Clock, base_url: &str, by: &User, id: UserId) -> Result<String, InviteError> {
    let invited = open_invitation(db, by, id).await?;
    let mut tx = store::begin(db).await?;
    links::void(&mut tx, Some(id), clock.now()).await?;
    let link = send(&mut tx, clock, base_url, by, id, &invited.email).await?;
    tx.commit().await?;
    Ok(link)
}

/// Takes an invitation back: the person and the link are gone.
pub async fn withdraw(db: &Db, by: &User, id: UserId) -> Result<(), InviteError> {
    open_invitation(db, by, id).await?;
    let mut tx = store::begin(db).await?;
    store::users::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

async fn open_invitation(db: &Db, by: &User, id: UserId) -> Result<User, InviteError> {
    let invited = store::users::find(db, id).await?.ok_or(InviteError::Gone)?;
    if !by.role.may_grant(invited.role) {
        return Err(InviteError::Role);
    }
    let known = store::users::find_credentials(db, &invited.email).await?;
    if known.is_none_or(|known| known.password_hash.is_some()) {
        return Err(InviteError::Gone);
    }
    Ok(invited)
}

async fn send(tx: &mut Tx, clock: &Clock, base_url: &str, by: &User, id: UserId, email: &str) -> anyhow::Result<String> {
    let (now, (token, token_hash)) = (clock.now(), secret::new());
    links::insert(tx, Purpose::Invite, &token_hash, Some(id), now, now + Duration::days(INVITATION_DAYS)).await?;
    let link = format!("{base_url}/invite/{token}");
    let letter = letter::invitation(&by.name, base_url, &link, INVITATION_DAYS);
    let message_id = format!("letter-{}", EventId::random());
    mails::enqueue(tx, &NewMail::letter(&letter, email, Some(id), &message_id), now).await.context("queueing the invitation")?;
    Ok(link)
}

/// Whose invitation it is; `None`: unknown, used or too old.
pub async fn find(db: &Db, clock: &Clock, token: &str) -> anyhow::Result<Option<User>> {
    let Some(Some(id)) = links::find(db, Purpose::Invite, &secret::hash(token), clock.now()).await? else { return Ok(None) };
    Ok(store::users::find(db, id).await?)
}

/// Accepts: name, password, signed in. Returns the text of the session cookie; `None` when the link does not work any more.
pub async fn accept(
    db: &Db,
    clock: &Clock,
    token: &str,
    name: &str,
    password: &str,
    client: &Client<'_>,
) -> anyhow::Result<Result<Option<String>, WeakPassword>> {
    if let Err(weak) = user::check_password(password) {
        return Ok(Err(weak));
    }
    let Some(invited) = find(db, clock, token).await? else { return Ok(Ok(None)) };
    let (password_hash, now) = (passwords::hash(password).await?, clock.now());
    let mut tx = store::begin(db).await?;
    let Some(Some(id)) = links::take(&mut tx, Purpose::Invite, &secret::hash(token), now).await? else { return Ok(Ok(None)) };
    let email = Email::parse(&invited.email)?;
    store::users::set_name(&mut tx, id, &user::name_or_address(name, &email)).await?;
    store::users::set_password(&mut tx, id, &password_hash).await?;
    links::void(&mut tx, Some(id), now).await?;
    let cookie = sessions::open(&mut tx, id, client, now).await?;
    tx.commit().await?;
    Ok(Ok(Some(cookie)))
}
