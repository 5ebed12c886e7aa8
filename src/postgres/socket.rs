//! The directory of the Unix socket: in the data directory, or elsewhere where that path is too long for a socket.

use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use uuid::Uuid;

use super::identity::Identity;

/// A socket address holds 107 bytes; `/.s.PGSQL.5432` takes the rest.
const PATH_LEN_MAX: usize = 92;

/// Remembers a directory outside the data directory, so that commands find it.
fn note(data_dir: &Path) -> PathBuf {
    data_dir.join("pg.socket-dir")
}

/// Where the socket of this data directory is or was.
pub fn find(data_dir: &Path) -> anyhow::Result<Option<PathBuf>> {
    let inside = data_dir.join("run");
    if fits(&inside) {
        return Ok(inside.is_dir().then_some(inside));
    }
    match std::fs::read_to_string(note(data_dir)) {
        Ok(path) => Ok(Some(PathBuf::from(path)).filter(|path| path.is_dir())),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(problem) => Err(problem).context("reading where the socket is"),
    }
}

/// Makes the directory, for the cluster's user alone, or takes the one of the last start.
pub fn prepare(data_dir: &Path, identity: &Identity) -> anyhow::Result<PathBuf> {
    let inside = data_dir.join("run");
    if fits(&inside) {
        if !inside.is_dir() {
            make(&inside)?;
        }
        identity.own(&inside)?;
        return Ok(inside);
    }
    if let Some(known) = find(data_dir)?.filter(|known| is_safe(known, identity)) {
        return Ok(known);
    }
    // A fresh, unguessable name: nobody can have prepared it for us.
    let outside = outside_root(identity).join(format!("bugle-{}", Uuid::new_v4().simple()));
    make(&outside)?;
    identity.own(&outside)?;
    super::password::write(&note(data_dir), &outside.display().to_string())?;
    Ok(outside)
}

fn outside_root(identity: &Identity) -> PathBuf {
    let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| identity.step_down.is_none() && dir.is_dir());
    runtime_dir.filter(|dir| dir.as_os_str().len() < 40).unwrap_or_else(|| PathBuf::from("/tmp"))
}

fn fits(dir: &Path) -> bool {
    dir.as_os_str().as_bytes().len() <= PATH_LEN_MAX
}

fn make(dir: &Path) -> anyhow::Result<()> {
    DirBuilder::new().mode(0o700).create(dir).with_context(|| format!("making {}", dir.display()))
}

/// In a shared directory such as `/tmp`, somebody else may have put something under the remembered name.
fn is_safe(dir: &Path, identity: &Identity) -> bool {
    std::fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == identity.uid() && meta.mode() & 0o077 == 0)
}
