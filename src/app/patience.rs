//! How much the server bears with its clients.

use std::time::Duration;

use ipnet::IpNet;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing::warn;

/// Open connections, where the system allows as many files. A silent one costs some 10 KiB, one that sends headers for ever
/// [`super::http_server::HEAD_BYTES_MAX`].
const CONNECTIONS_MAX: usize = 4_096;
/// Open files that are not connections of clients: the database, the spool, mail.
const OTHER_FILES: usize = 256;
/// Open files to ask for; twice what is needed, with room for a larger number of connections.
const FILES_WANTED: u64 = 65_536;

/// Limits of connections, and what clients have time for.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Open connections. Beyond, those that have waited longest for their client make room for new ones.
    pub connections: usize,
    /// Open connections of one address (of IPv6: one /64). Beyond, its own make room.
    pub per_address: usize,
    /// Addresses with as many clients behind them as they like.
    pub proxies: Vec<IpNet>,
    /// For the request line and headers, also between two requests on one connection. Clients that dawdle are hung up on.
    pub header: Duration,
    /// Between two pieces of a body.
    pub body_piece: Duration,
    /// For a whole body; the ingestion of events gives up earlier.
    pub body: Duration,
    /// For an answer to begin; longer than a body may take.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connections: CONNECTIONS_MAX,
            per_address: CONNECTIONS_MAX / 4,
            proxies: Vec::new(),
            header: seconds(60),
            body_piece: seconds(20),
            body: seconds(120),
            answer: seconds(150),
        }
    }
}

impl Patience {
    /// As much as the system lets this process have; raises its limit of open files as far as it may. The usual soft limit of 1,024 is
    /// for programs that use `select`.
    pub fn of_this_process(proxies: &[IpNet]) -> Self {
        let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
            let wanted = soft.max(hard.min(FILES_WANTED));
            setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).map(|()| wanted).or(Ok(soft))
        });
        let files = raised.unwrap_or_else(|problem| {
            warn!("asking for the limit of open files: {problem}");
            FILES_WANTED
        });
        let patience = Self { proxies: proxies.to_vec(), ..Self::default() }.within(files);
        if patience.connections < CONNECTIONS_MAX {
            warn!("at most {} connections at a time: the limit of open files is {files} (LimitNOFILE, ulimit -n)", patience.connections);
        }
        patience
    }

    /// Leaves files for everything else.
    fn within(mut self, files: u64) -> Self {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        self.connections = self.connections.min(files - OTHER_FILES.min(files / 2)).max(1);
        self.per_address = self.per_address.min(self.connections);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        for (files, expected) in [(u64::MAX, 4_096), (65_536, 4_096), (4_352, 4_096), (1_024, 768), (100, 50), (0, 1)] {
            assert_eq!(Patience::default().within(files).connections, expected, "{files}");
        }
    }
}
