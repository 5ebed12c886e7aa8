//! The password of the cluster's only role. `peer` would need a passwd entry on both sides; a password in a 0600 file does not.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::RngCore;

/// Bytes of randomness.
const LEN: usize = 32;

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("pg.password")
}

/// The stored password.
pub fn read(data_dir: &Path) -> anyhow::Result<String> {
    let file = file(data_dir);
    let text = std::fs::read_to_string(&file).with_context(|| {
        format!("reading {}, the password of the private Postgres; run this as the user that Bugle runs as, or as root", file.display())
    })?;
    Ok(text.trim().to_owned())
}

/// Makes and stores a new one, durably: it must survive whatever the cluster made with it survives.
pub fn create(data_dir: &Path) -> anyhow::Result<String> {
    let mut bytes = [0; LEN];
    rand::rng().fill_bytes(&mut bytes);
    let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write(&file(data_dir), &password)?;
    Ok(password)
}

/// Writes a file only its owner can read.
pub fn write(path: &Path, secret: &str) -> anyhow::Result<()> {
    let store = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(secret.as_bytes())?;
        file.sync_all()
    };
    store().with_context(|| format!("writing {}", path.display()))
}
