//! What can go wrong, where the caller decides differently.

use std::io;
use std::path::PathBuf;

use time::Duration;

/// The record is not durable; the sender must be told so. Nothing of it is left behind, and the next append is tried as if nothing had happened.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// More waits than the spool may hold.
    #[error("the spool holds {byte_count} bytes that are not digested yet, its limit is {max_bytes}")]
    Full {
        /// What waits.
        byte_count: u64,
        /// [`super::SpoolLimits::max_bytes`].
        max_bytes: u64,
    },
    /// What waits has waited for too long.
    #[error("the oldest record of the spool waits since {} minutes, and none is digested; {} minutes is the limit", .age.whole_minutes(), .max_age.whole_minutes())]
    Stuck {
        /// Of the oldest record.
        age: Duration,
        /// [`super::SpoolLimits::max_age`].
        max_age: Duration,
    },
    /// The disk is nearly full.
    #[error("the disk of the spool has {free_bytes} bytes left, {min_free_bytes} are kept free")]
    DiskLow {
        /// What is left.
        free_bytes: u64,
        /// [`super::SpoolLimits::min_free_bytes`].
        min_free_bytes: u64,
    },
    /// Requests arrive faster than the disk takes them.
    #[error("too many bytes wait to be written")]
    Busy,
    /// The system refused to write or to sync.
    #[error("writing the spool: {0}")]
    Failed(String),
    /// The spool was closed.
    #[error("the spool is closed")]
    Closed,
}

/// The spool cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by another Bugle process; stop it first, or choose another data directory (BUGLE_DATA_DIR)", .0.display())]
    InUse(PathBuf),
    /// Written by a later version.
    #[error("{} was written by a newer Bugle (format {version}); start that version, or let it finish its spool first", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: u32,
    },
    /// The system refused.
    #[error("{what} {}: {source}", .path.display())]
    Io {
        /// What was attempted, as "reading".
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl OpenError {
    /// For `map_err`.
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
