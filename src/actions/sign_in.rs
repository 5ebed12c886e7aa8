//! Signing in, and how often one may try.

use anyhow::Context as _;
use time::{Duration, OffsetDateTime};

use crate::actions::sessions::Client;
use crate::actions::{passwords, secret, sessions};
use crate::clock::Clock;
use crate::domain::throttle::{self, Subject};
use crate::domain::user::{Email, User};
use crate::store::{self, Db};

/// What became of an attempt.
pub enum Attempt {
    /// They are in.
    Welcome {
        /// Text of the session cookie.
        token: String,
        /// Who.
        user: User,
    },
    /// Address and password do not match, or there is no such account, or it has no access: not said which.
    Refused {
        /// Further attempts before a wait.
        tries_left: usize,
    },
    /// Too many attempts; this one was not looked at.
    Wait {
        /// Until the next one is.
        length: Duration,
    },
}

/// Tries to sign in. `old_token` is the session the browser had before, if any: it ends, so that a planted one is worth nothing.
pub async fn sign_in(
    db: &Db,
    clock: &Clock,
    email: &str,
    password: &str,
    old_token: Option<&str>,
    client: &Client<'_>,
) -> anyhow::Result<Attempt> {
    let now = clock.now();
    let email = Email::parse(&email.replace('\0', "")).ok();
    let subjects = throttle::subjects(email.as_ref().map_or("?", Email::as_str), client.address);
    let tries_left = match count_attempt(db, &subjects, now).await? {
        Ok(tries_left) => tries_left,
        Err(length) => return Ok(Attempt::Wait { length }),
    };
    let known = match &email {
        Some(email) => store::users::find_credentials(db, email.as_str()).await.context("finding who signs in")?,
        None => None,
    };
    let fits = passwords::fits(password, known.as_ref().and_then(|known| known.password_hash.as_deref())).await?;
    let Some(known) = known.filter(|known| fits && known.disabled_at.is_none()) else {
        return Ok(Attempt::Refused { tries_left });
    };
    let mut tx = store::begin(db).await?;
    let [pair, email, _] = subjects;
    store::login_failures::forget(&mut tx, &[pair.key, email.key], now - Duration::DAY).await?;
    if let Some(old_token) = old_token {
        store::sessions::delete(&mut tx, &secret::hash(old_token)).await?;
    }
    let token = sessions::open(&mut tx, known.user.id, client, now).await?;
    tx.commit().await?;
    Ok(Attempt::Welcome { token, user: known.user })
}

/// Counts the attempt before the password is looked at, so that attempts side by side cannot all go through before one is counted.
/// `Err`: how long to wait.
pub(super) async fn count_attempt(db: &Db, subjects: &[Subject], now: OffsetDateTime) -> anyhow::Result<Result<usize, Duration>> {
    let mut tx = store::begin(db).await?;
    let (mut until, mut tries_left) = (None, usize::MAX);
    for subject in subjects {
        store::login_failures::lock(&mut tx, &subject.key).await?;
        let limit = i64::try_from(subject.max).context("limits are small")?;
        let attempts = store::login_failures::recent(&mut tx, &subject.key, now - throttle::WINDOW, limit).await?;
        until = until.max(throttle::wait_until(&attempts, subject.max));
        tries_left = tries_left.min(throttle::tries_left(attempts.len(), subject.max));
    }
    if let Some(until) = until {
        return Ok(Err(until - now));
    }
    let keys: Vec<String> = subjects.iter().map(|subject| subject.key.clone()).collect();
    store::login_failures::insert(&mut tx, &keys, now).await?;
    tx.commit().await?;
    Ok(Ok(tries_left))
}
