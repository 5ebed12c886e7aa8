//! People.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::UserId;
use crate::domain::user::{Role, Theme, User};
use crate::store::Tx;

/// What signing in needs to know about somebody.
pub struct Credentials {
    /// Who.
    pub user: User,
    /// argon2id in PHC form; `None` until an invitation or a reset link is used.
    pub password_hash: Option<String>,
    /// Set: no access.
    pub disabled_at: Option<OffsetDateTime>,
}

/// One line of the list of people.
pub struct PersonRow {
    /// Who.
    pub user: User,
    /// When the account was made.
    pub created_at: OffsetDateTime,
    /// Set: no access.
    pub disabled_at: Option<OffsetDateTime>,
    /// Last request of any of their sessions, or else the last sign-in.
    pub last_seen_at: Option<OffsetDateTime>,
    /// Has a password, so the invitation was accepted.
    pub joined: bool,
    /// Until when the open invitation is valid.
    pub invited_until: Option<OffsetDateTime>,
}

/// Builds the domain type; an unknown role in the table is an error naming it.
pub(in crate::store) fn user(id: i64, email: String, name: String, role: &str, theme: &str) -> sqlx::Result<User> {
    let role = Role::parse(role).ok_or_else(|| sqlx::Error::Decode(format!("users.role: unknown role {role:?}").into()))?;
    Ok(User { id: UserId(id), email, name, role, theme: Theme::parse(theme) })
}

/// Whether the installation has been set up.
pub async fn any(db: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM users) AS "any!""#).fetch_one(db).await
}

/// When the first person was added, which is when the installation was set up.
pub async fn first_created_at(db: impl PgExecutor<'_>) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!("SELECT min(created_at) FROM users").fetch_one(db).await
}

/// By lower-case address.
pub async fn find_credentials(db: impl PgExecutor<'_>, email: &str) -> sqlx::Result<Option<Credentials>> {
    let row = sqlx::query!("SELECT id, email, name, role, theme, password_hash, disabled_at FROM users WHERE email = $1", email)
        .fetch_optional(db)
        .await?;
    row.map(|r| {
        Ok(Credentials {
            user: user(r.id, r.email, r.name, &r.role, &r.theme)?,
            password_hash: r.password_hash,
            disabled_at: r.disabled_at,
        })
    })
    .transpose()
}

/// By id.
pub async fn find(db: impl PgExecutor<'_>, id: UserId) -> sqlx::Result<Option<User>> {
    let row = sqlx::query!("SELECT id, email, name, role, theme FROM users WHERE id = $1", id.0).fetch_optional(db).await?;
    row.map(|r| user(r.id, r.email, r.name, &r.role, &r.theme)).transpose()
}

/// Everybody, owners first. `now` decides which invitations are still open.
pub async fn list(db: impl PgExecutor<'_>, now: OffsetDateTime) -> sqlx::Result<Vec<PersonRow>> {
    let rows = sqlx::query!(
        r#"SELECT u.id, u.email, u.name, u.role, u.theme, u.created_at, u.disabled_at,
                  COALESCE((SELECT max(s.last_used_at) FROM sessions s WHERE s.user_id = u.id), u.last_login_at) AS last_seen_at,
                  u.password_hash IS NOT NULL AS "joined!",
                  (SELECT max(l.expires_at) FROM one_time_links l
                   WHERE l.user_id = u.id AND l.purpose = 'invite' AND l.used_at IS NULL AND l.expires_at > $1) AS invited_until
           FROM users u
           ORDER BY u.password_hash IS NULL, array_position(ARRAY['owner', 'admin', 'member', 'viewer'], u.role), lower(u.name), u.id"#,
        now
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(PersonRow {
                user: user(r.id, r.email, r.name, &r.role, &r.theme)?,
                created_at: r.created_at,
                disabled_at: r.disabled_at,
                last_seen_at: r.last_seen_at,
                joined: r.joined,
                invited_until: r.invited_until,
            })
        })
        .collect()
}

/// Adds somebody; `None` when the address is taken.
pub async fn insert(
    tx: &mut Tx,
    email: &str,
    name: &str,
    role: Role,
    password_hash: Option<&str>,
    at: OffsetDateTime,
) -> sqlx::Result<Option<UserId>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO users (email, name, role, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING RETURNING id",
        email,
        name,
        role.name(),
        password_hash,
        at
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id.map(UserId))
}

/// Makes sure that only one transaction at a time creates the first user.
pub async fn lock_for_setup(tx: &mut Tx) -> sqlx::Result<()> {
    sqlx::query!("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").execute(&mut **tx).await?;
    Ok(())
}

/// Ids of the owners who may sign in, locked: whoever takes one away sees how many remain.
pub async fn lock_active_owners(tx: &mut Tx) -> sqlx::Result<Vec<UserId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM users WHERE role = 'owner' AND disabled_at IS NULL AND password_hash IS NOT NULL ORDER BY id FOR UPDATE"
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids.into_iter().map(UserId).collect())
}

/// Replaces the password.
pub async fn set_password(tx: &mut Tx, id: UserId, hash: &str) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET password_hash = $2 WHERE id = $1", id.0, hash).execute(&mut **tx).await?;
    Ok(())
}

/// Changes what somebody is called.
pub async fn set_name(tx: &mut Tx, id: UserId, name: &str) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET name = $2 WHERE id = $1", id.0, name).execute(&mut **tx).await?;
    Ok(())
}

/// Changes how pages look to somebody.
pub async fn set_theme(tx: &mut Tx, id: UserId, theme: Theme) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET theme = $2 WHERE id = $1", id.0, theme.name()).execute(&mut **tx).await?;
    Ok(())
}

/// Changes what somebody may do.
pub async fn set_role(tx: &mut Tx, id: UserId, role: Role) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET role = $2 WHERE id = $1", id.0, role.name()).execute(&mut **tx).await?;
    Ok(())
}

/// Takes access away (`Some`) or gives it back (`None`).
pub async fn set_disabled(tx: &mut Tx, id: UserId, at: Option<OffsetDateTime>) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET disabled_at = $2 WHERE id = $1", id.0, at).execute(&mut **tx).await?;
    Ok(())
}

/// Removes somebody who never joined.
pub async fn delete(tx: &mut Tx, id: UserId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM users WHERE id = $1", id.0).execute(&mut **tx).await?;
    Ok(())
}

/// Notes a sign-in.
pub async fn touch_login(tx: &mut Tx, id: UserId, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET last_login_at = $2 WHERE id = $1", id.0, at).execute(&mut **tx).await?;
    Ok(())
}
