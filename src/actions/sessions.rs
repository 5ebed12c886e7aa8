//! Sessions of signed-in browsers.

use time::{Duration, OffsetDateTime};

use crate::actions::secret;
use crate::clock::Clock;
use crate::domain::ids::UserId;
use crate::domain::user::User;
use crate::store::{self, Db, Tx};

/// How long a session lives after its last use.
pub const SESSION_LIFE: Duration = Duration::days(30);
/// A used session is written back at most this often.
const TOUCH_EVERY: Duration = Duration::minutes(15);
/// Longest part of a `User-Agent` that is kept, in characters.
const USER_AGENT_LEN_MAX: usize = 300;

/// A session that is valid now.
pub struct Resumed {
    /// Who.
    pub user: User,
    /// Key of the session.
    pub token_hash: Vec<u8>,
    /// Its life was extended: send the cookie again.
    pub extended: bool,
}

/// Where somebody signs in from.
pub struct Client<'a> {
    /// What the browser calls itself.
    pub user_agent: &'a str,
    /// Its address.
    pub address: &'a str,
}

/// Finds the session of a cookie and extends its life.
pub async fn resume(db: &Db, clock: &Clock, token: &str) -> sqlx::Result<Option<Resumed>> {
    let (token_hash, now) = (secret::hash(token), clock.now());
    let Some(session) = store::sessions::find(db, &token_hash, now).await? else { return Ok(None) };
    let extended = now - session.last_used_at >= TOUCH_EVERY;
    if extended {
        let mut tx = store::begin(db).await?;
        store::sessions::touch(&mut tx, &token_hash, now, now + SESSION_LIFE).await?;
        tx.commit().await?;
    }
    Ok(Some(Resumed { user: session.user, token_hash, extended }))
}

/// Opens a session inside the transaction that proved who it is. Returns the text of the cookie.
pub async fn open(tx: &mut Tx, user: UserId, client: &Client<'_>, now: OffsetDateTime) -> sqlx::Result<String> {
    let (token, token_hash) = secret::new();
    let user_agent: String = client.user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_LEN_MAX).collect();
    store::sessions::delete_expired(tx, now).await?;
    store::sessions::insert(tx, &token_hash, user, now, now + SESSION_LIFE, &user_agent, client.address).await?;
    store::users::touch_login(tx, user, now).await?;
    Ok(token)
}

/// Signs out one browser.
pub async fn end(db: &Db, token_hash: &[u8]) -> sqlx::Result<()> {
    let mut tx = store::begin(db).await?;
    store::sessions::delete(&mut tx, token_hash).await?;
    tx.commit().await
}

/// Signs out everywhere else. Returns how many sessions ended.
pub async fn end_others(db: &Db, user: UserId, keep: &[u8]) -> sqlx::Result<u64> {
    let mut tx = store::begin(db).await?;
    let ended = store::sessions::delete_others(&mut tx, user, keep).await?;
    tx.commit().await?;
    Ok(ended)
}
