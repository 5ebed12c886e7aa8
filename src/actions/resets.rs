//! A new password for somebody who forgot theirs.

use anyhow::Context as _;
use time::Duration;

use crate::actions::sessions::{self, Client};
use crate::actions::{passwords, secret};
use crate::clock::Clock;
use crate::domain::event_id::EventId;
use crate::domain::ids::UserId;
use crate::domain::letter;
use crate::domain::user::{self, Email, User, WeakPassword};
use crate::store::links::{self, Purpose};
use crate::store::mails::{self, NewMail};
use crate::store::users::Credentials;
use crate::store::{self, Db, Tx};

/// How long a reset link works, in hours.
pub const RESET_HOURS: i64 = 24;
/// Mails with reset links somebody gets within an hour, at most: so that nobody's mailbox can be filled.
const RESETS_PER_HOUR_MAX: i64 = 3;

/// Mails a link to an address that has access. Says nothing about whether it has. An invitation is not access yet: a reset must not outlive it.
pub async fn request(db: &Db, clock: &Clock, base_url: &str, email: &str) -> anyhow::Result<()> {
    let Ok(email) = Email::parse(&email.replace('\0', "")) else { return Ok(()) };
    let known = store::users::find_credentials(db, email.as_str()).await?;
    let may_sign_in = |known: &Credentials| known.disabled_at.is_none() && known.password_hash.is_some();
    let Some(known) = known.filter(may_sign_in) else { return Ok(()) };
    let now = clock.now();
    let mut tx = store::begin(db).await?;
    if links::count_resets_since(&mut tx, known.user.id, now - Duration::HOUR).await? >= RESETS_PER_HOUR_MAX {
        return Ok(());
    }
    let link = new_link(&mut tx, clock, base_url, known.user.id).await?;
    let letter = letter::reset(base_url, &link, RESET_HOURS);
    let message_id = format!("letter-{}", EventId::random());
    mails::enqueue(&mut tx, &NewMail::letter(&letter, email.as_str(), Some(known.user.id), &message_id), now)
        .await
        .context("queueing the reset link")?;
    tx.commit().await?;
    Ok(())
}

/// A link for the command line; `None` when nobody has this address.
pub async fn link_for(db: &Db, clock: &Clock, base_url: &str, email: &str) -> anyhow::Result<Option<String>> {
    let Ok(email) = Email::parse(email) else { return Ok(None) };
    let Some(known) = store::users::find_credentials(db, email.as_str()).await? else { return Ok(None) };
    let mut tx = store::begin(db).await?;
    let link = new_link(&mut tx, clock, base_url, known.user.id).await?;
    tx.commit().await?;
    Ok(Some(link))
}

async fn new_link(tx: &mut Tx, clock: &Clock, base_url: &str, id: UserId) -> anyhow::Result<String> {
    let (now, (token, token_hash)) = (clock.now(), secret::new());
    links::insert(tx, Purpose::Reset, &token_hash, Some(id), now, now + Duration::hours(RESET_HOURS)).await?;
    Ok(format!("{base_url}/reset/{token}"))
}

/// Whose link it is; `None`: unknown, used or too old.
pub async fn find(db: &Db, clock: &Clock, token: &str) -> anyhow::Result<Option<User>> {
    let Some(Some(id)) = links::find(db, Purpose::Reset, &secret::hash(token), clock.now()).await? else { return Ok(None) };
    Ok(store::users::find(db, id).await?)
}

/// Sets the password, signs out everywhere, signs in here. Returns the text of the session cookie; `None` when the link does not work any more.
pub async fn complete(
    db: &Db,
    clock: &Clock,
    token: &str,
    password: &str,
    client: &Client<'_>,
) -> anyhow::Result<Result<Option<String>, WeakPassword>> {
    if let Err(weak) = user::check_password(password) {
        return Ok(Err(weak));
    }
    if find(db, clock, token).await?.is_none() {
        return Ok(Ok(None));
    }
    let (password_hash, now) = (passwords::hash(password).await?, clock.now());
    let mut tx = store::begin(db).await?;
    let Some(Some(id)) = links::take(&mut tx, Purpose::Reset, &secret::hash(token), now).await? else { return Ok(Ok(None)) };
    store::users::set_password(&mut tx, id, &password_hash).await?;
    store::sessions::delete_others(&mut tx, id, &[]).await?;
    links::void(&mut tx, Some(id), now).await?;
    let cookie = sessions::open(&mut tx, id, client, now).await?;
    tx.commit().await?;
    Ok(Ok(Some(cookie)))
}
