//! The keys that may send, in a file of the data directory: after a start without the database it tells who may send.
//!
//! A first line with the checksum of the rest, then JSON. Read only until the database has answered once; so a key that was disabled works
//! no longer than the database is away. Public keys are in every DSN; still nobody else need read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use tracing::warn;

use crate::store::keys::EnabledKey;

/// Name of the file in the data directory.
pub const NAME: &str = "keys";

/// The keys as they were last saved; `None` where there is no such file or it is damaged.
pub fn load(path: &Path) -> Option<Vec<EnabledKey>> {
    match fs::read(path) {
        Ok(bytes) => {
            let keys = parse(&bytes);
            if keys.is_none() {
                warn!("{} is damaged and not used; it is written anew once the database answers", path.display());
            }
            keys
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            warn!("{} cannot be read: {error}", path.display());
            None
        }
    }
}

/// Replaces the file as a whole: whenever the process dies, the old or the new one is there.
pub fn save(path: &Path, keys: &[EnabledKey]) -> io::Result<()> {
    let json = serde_json::to_vec(keys)?;
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(format!("{}\n", checksum(&json)).as_bytes())?;
    file.write_all(&json)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

fn parse(bytes: &[u8]) -> Option<Vec<EnabledKey>> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let (sum, json) = (&bytes[..at], &bytes[at + 1..]);
    if checksum(json).as_bytes() == sum { serde_json::from_slice(json).ok() } else { None }
}

fn checksum(json: &[u8]) -> String {
    Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::domain::ids::ProjectId;
    use crate::domain::rate_limit::OwnLimits;

    fn keys() -> Vec<EnabledKey> {
        vec![EnabledKey { public_key: "a1b2c3d4e5f60718293a4b5c6d7e8f90".into(), project_id: ProjectId(42), limits: OwnLimits::default() }]
    }

    #[test]
    fn what_was_saved_is_loaded_and_belongs_to_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        assert_eq!(load(&path), None);
        save(&path, &[]).unwrap();
        save(&path, &keys()).unwrap();
        assert_eq!(load(&path), Some(keys()));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn no_damaged_file_lets_anybody_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        save(&path, &keys()).unwrap();
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert_eq!(load(&path), None, "byte {at}");
            fs::write(&path, &good[..at]).unwrap();
            assert_eq!(load(&path), None, "cut at {at}");
        }
    }
}
