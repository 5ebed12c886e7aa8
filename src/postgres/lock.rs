//! One Bugle per data directory: spool and cluster must never have two writers.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Held for the whole life of the process that works in the directory. The kernel releases it however the process ends.
pub struct DataLock {
    data_dir: PathBuf,
    _file: Flock<File>,
}

/// Why the directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another Bugle (process {pid}) already uses the data directory {dir}; stop it, or give this one its own BUGLE_DATA_DIR")]
    Held {
        /// The directory.
        dir: String,
        /// As written by the holder; `?` where it could not be read.
        pid: String,
    },
    /// The directory cannot be made or written.
    #[error("the data directory {dir} cannot be used: {problem}. Set BUGLE_DATA_DIR to a directory that {user} may write")]
    Unusable {
        /// The directory.
        dir: String,
        /// Who we are.
        user: String,
        /// What the system says.
        problem: std::io::Error,
    },
}

impl DataLock {
    /// Makes the directory where it is missing, and takes it. Does not wait.
    pub fn take(data_dir: &Path) -> Result<Self, LockError> {
        let unusable = |problem| LockError::Unusable { dir: data_dir.display().to_string(), user: super::identity::own_name(), problem };
        make(data_dir).map_err(unusable)?;
        let data_dir = data_dir.canonicalize().map_err(unusable)?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(data_dir.join("lock")).map_err(unusable)?;
        let mut file = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(file, errno)| match errno {
            Errno::EWOULDBLOCK => LockError::Held { dir: data_dir.display().to_string(), pid: holder(file) },
            other => unusable(other.into()),
        })?;
        // Only for the message above; the lock itself is the kernel's.
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(*file, "{}", std::process::id()));
        written.map_err(unusable)?;
        Ok(Self { data_dir, _file: file })
    }

    /// The directory, absolute.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }
}

/// Root's directory may be passed through by the cluster's user but not listed; everybody else keeps theirs to themselves.
fn make(data_dir: &Path) -> std::io::Result<()> {
    if data_dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = data_dir.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
    DirBuilder::new().mode(mode).create(data_dir)
}

fn holder(mut file: File) -> String {
    let mut pid = String::new();
    match file.read_to_string(&mut pid) {
        Ok(_) if !pid.is_empty() => pid,
        _ => "?".to_owned(),
    }
}
