//! The secret of this installation.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use rand::RngCore;

/// Shortest secret, in bytes.
pub const LEN_MIN: usize = 32;

/// The secret of this installation. Never printed.
#[derive(Clone)]
pub struct SecretKey(pub Vec<u8>);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl SecretKey {
    /// The one in the data directory; generated on first use. Two processes that come first at once end up with the same.
    pub fn find_or_create(data_dir: &Path) -> anyhow::Result<Self> {
        let file = data_dir.join("secret.key");
        match std::fs::read(&file) {
            Ok(secret) => {
                ensure!(secret.len() >= LEN_MIN, "{} is damaged: it holds {} bytes instead of {LEN_MIN}", file.display(), secret.len());
                Ok(Self(secret))
            }
            Err(problem) if problem.kind() == ErrorKind::NotFound => create(data_dir, &file),
            Err(problem) => {
                Err(problem).with_context(|| format!("reading {}; run this as the user that Bugle runs as, or as root", file.display()))
            }
        }
    }
}

/// Written beside, then linked under its name: whoever reads it sees all of it, and the first one stays.
fn create(data_dir: &Path, file: &Path) -> anyhow::Result<SecretKey> {
    let mut secret = vec![0; LEN_MIN];
    rand::rng().fill_bytes(&mut secret);
    let unfinished = data_dir.join(format!("secret.key.{}", std::process::id()));
    let written = (|| {
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        out.write_all(&secret)?;
        out.sync_all()?;
        let linked = match std::fs::hard_link(&unfinished, file) {
            Err(problem) if problem.kind() != ErrorKind::AlreadyExists => Err(problem),
            _ => Ok(()),
        };
        std::fs::remove_file(&unfinished)?;
        linked?;
        std::fs::read(file)
    })();
    written.map(SecretKey).with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_secret_is_made_once_and_for_the_owner_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = SecretKey::find_or_create(dir.path()).expect("made");
        let second = SecretKey::find_or_create(dir.path()).expect("read");
        assert_eq!(first.0, second.0);
        assert_eq!(first.0.len(), LEN_MIN);
        assert_eq!(std::fs::metadata(dir.path().join("secret.key")).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 1);
        assert_eq!(format!("{first:?}"), "SecretKey(…)");
    }
}
