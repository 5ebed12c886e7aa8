//! The public keys of a project.

use std::fmt::Write as _;

use rand::RngCore as _;

use crate::clock::Clock;
use crate::domain::ids::ProjectId;
use crate::store::{self, Db};

/// Longest label, in characters.
const LABEL_LEN_MAX: usize = 60;
/// Keys of one project, at most.
const KEYS_MAX: usize = 50;

/// A new key: 32 lower-case hex digits.
pub fn random() -> String {
    let mut bytes = [0u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        hex
    })
}

/// Makes one more key; `None`: the project has enough.
pub async fn create(db: &Db, clock: &Clock, project: ProjectId, label: &str) -> anyhow::Result<Option<String>> {
    if store::keys::list(db, project).await?.len() >= KEYS_MAX {
        return Ok(None);
    }
    let label: String = label.trim().chars().filter(|c| !c.is_control()).take(LABEL_LEN_MAX).collect();
    let label = if label.is_empty() { "Key" } else { &label };
    let public_key = random();
    let mut tx = store::begin(db).await?;
    store::keys::insert(&mut tx, project, &public_key, label, clock.now()).await?;
    tx.commit().await?;
    Ok(Some(public_key))
}

/// Turns a key on or off; false: the project has no such key.
pub async fn turn(db: &Db, clock: &Clock, project: ProjectId, public_key: &str, on: bool) -> anyhow::Result<bool> {
    let mut tx = store::begin(db).await?;
    let known = store::keys::set_disabled(&mut tx, project, public_key, (!on).then(|| clock.now())).await?;
    tx.commit().await?;
    Ok(known)
}
