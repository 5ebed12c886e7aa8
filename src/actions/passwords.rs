//! Hashing and checking passwords with argon2id. Each costs some 20 MB and tens of milliseconds, so only a few run at a time,
//! and off the threads that serve requests.

use std::sync::LazyLock;

use anyhow::Context as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use crate::domain::user::PASSWORD_LEN_MAX;

/// How many hashes are made at the same time, at most.
const CONCURRENT_MAX: usize = 2;

static SLOTS: Semaphore = Semaphore::const_new(CONCURRENT_MAX);
/// What is checked where there is no password to check, so that an unknown address costs as much as a known one.
static NOBODY: LazyLock<String> = LazyLock::new(|| make("nobody has this password").expect("argon2 hashes a short text"));

/// The PHC form to keep.
pub async fn hash(password: &str) -> anyhow::Result<String> {
    let password = password.to_owned();
    on_a_slot(move || make(&password)).await?
}

/// Whether the password fits. `None` for somebody who has none, or does not exist: as much work, and never a fit.
pub async fn fits(password: &str, kept: Option<&str>) -> anyhow::Result<bool> {
    let too_long = password.len() > PASSWORD_LEN_MAX;
    let password = if too_long { String::new() } else { password.to_owned() };
    let known = kept.is_some() && !too_long;
    let kept = kept.map(str::to_owned);
    let fits = on_a_slot(move || check(&password, kept.as_deref().unwrap_or(&NOBODY))).await??;
    Ok(fits && known)
}

async fn on_a_slot<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    let _slot = SLOTS.acquire().await.context("waiting to hash a password")?;
    tokio::task::spawn_blocking(work).await.context("hashing a password")
}

fn make(password: &str) -> anyhow::Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|e| anyhow::anyhow!("argon2: {e}"))?;
    Ok(hash.to_string())
}

fn check(password: &str, kept: &str) -> anyhow::Result<bool> {
    let kept = PasswordHash::new(kept).map_err(|e| anyhow::anyhow!("users.password_hash: {e}"))?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &kept).is_ok())
}
