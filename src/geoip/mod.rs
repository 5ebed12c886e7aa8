//! Where addresses are, out of a MaxMind file (`BUGLE_GEOIP_FILE`) that the operator downloads and renews.
//!
//! The file is read where it lies, a few bytes at a time: whole in memory it would need more than the rest of Bugle, and a mapping of it
//! would be unsafe code that a file written over in place turns into `SIGBUS`. The system's cache makes a look-up some 30 µs; the answers
//! are remembered.
//!
//! A missing or broken file keeps nobody from starting: errors matter more than where they came from. It is logged, `bugle check` says
//! it, and a better file is taken up within a minute.
//!
//! Deliberately absent: what a place is used for (`digest`).

mod file;

use std::collections::HashMap;
use std::fs::Metadata;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use tracing::{info, warn};

use crate::domain::geo::Place;
use file::File;

/// Most addresses that are remembered, about 100 bytes each; beyond, all are forgotten.
const REMEMBERED_MAX: usize = 4_096;

/// A file that may be replaced while it is used.
#[derive(Debug)]
pub struct GeoIp {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<Arc<File>>,
    /// Of the file as it was last looked at, whether or not it could be used; `Some(None)`: there was none.
    identity: Option<Option<Identity>>,
    remembered: HashMap<IpAddr, Option<Place>>,
}

/// Changes when a file is replaced or written over.
type Identity = (u64, u64, u64, i64, i64);

impl GeoIp {
    /// Opens the file; one that cannot be used is logged and looked at again by [`GeoIp::refresh`].
    pub fn open(path: &Path) -> Self {
        let geoip = Self { path: path.to_owned(), state: Mutex::default() };
        geoip.refresh();
        geoip
    }

    /// What kind of file it is, for `bugle check`: `GeoLite2-City of 2026-11-17`.
    pub fn describe(path: &Path) -> anyhow::Result<String> {
        let opened = File::open(path).with_context(|| format!("reading {} (BUGLE_GEOIP_FILE)", path.display()))?;
        Ok(opened.describe())
    }

    /// Takes up a file that was replaced. Where the new one cannot be used, the old one stays.
    pub fn refresh(&self) {
        let identity = std::fs::metadata(&self.path).ok().map(|metadata| identity(&metadata));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.identity == Some(identity) {
            return;
        }
        state.identity = Some(identity);
        match File::open(&self.path) {
            Ok(file) => {
                info!("places of addresses come from {}, {}", self.path.display(), file.describe());
                state.file = Some(Arc::new(file));
                state.remembered.clear();
            }
            Err(problem) => {
                let consequence = if state.file.is_some() { "the former one stays in use" } else { "events get no places" };
                warn!("BUGLE_GEOIP_FILE {} cannot be used, {consequence}: {problem:#}", self.path.display());
            }
        }
    }

    /// Where an address is; `None` where nobody knows.
    pub fn lookup(&self, address: IpAddr) -> Option<Place> {
        let file = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = state.remembered.get(&address) {
                return known.clone();
            }
            Arc::clone(state.file.as_ref()?)
        };
        // A file that is damaged in places knows nothing there.
        let place = file.lookup(address).ok().flatten();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.remembered.len() >= REMEMBERED_MAX {
            state.remembered.clear();
        }
        state.remembered.insert(address, place.clone());
        place
    }
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVENTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/geoip/invented.mmdb");

    #[test]
    fn a_file_that_comes_later_or_changes_is_taken_up_and_a_broken_one_is_not() {
        let dir = std::env::temp_dir().join(format!("bugle-geoip-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        let path = dir.join("places.mmdb");
        let address: IpAddr = "203.0.113.9".parse().expect("an address");
        let geoip = GeoIp::open(&path);
        assert_eq!(geoip.lookup(address), None);
        std::fs::copy(INVENTED, &path).expect("copied");
        geoip.refresh();
        assert_eq!(geoip.lookup(address).map(|place| place.country_code).as_deref(), Some("XB"));
        std::fs::write(&path, "no database").expect("written");
        geoip.refresh();
        assert_eq!(geoip.lookup("203.0.113.10".parse().expect("an address")), None, "it was written over in place");
        let problem = format!("{:#}", GeoIp::describe(&path).expect_err("not a database"));
        assert!(problem.contains("places.mmdb") && problem.contains("MaxMind"), "{problem}");
        std::fs::remove_dir_all(&dir).expect("removed");
    }

    #[test]
    fn a_good_file_says_what_it_is() {
        let said = GeoIp::describe(Path::new(INVENTED)).expect("it is good");
        assert!(said.starts_with("Invented-City of 20"), "{said}");
    }
}
