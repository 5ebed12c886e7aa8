//! `postmaster.pid`: how the server says that it runs, and that it is ready. And the same beside its socket.

use std::path::{Path, PathBuf};

use super::PORT;

/// Line of the state (PostgreSQL's `LOCK_FILE_LINE_PM_STATUS`), counted from 1.
const STATE_LINE: usize = 8;

fn file(cluster_dir: &Path) -> PathBuf {
    cluster_dir.join("postmaster.pid")
}

/// Whether this very process accepts connections.
pub fn is_ready(cluster_dir: &Path, pid: u32) -> bool {
    std::fs::read_to_string(file(cluster_dir)).is_ok_and(|text| says_ready(&text, pid))
}

fn says_ready(text: &str, pid: u32) -> bool {
    let mut lines = text.lines();
    lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid)
        && lines.nth(STATE_LINE - 2).is_some_and(|line| line.trim() == "ready")
}

/// The lock of the socket, which begins with the same number.
fn socket_lock(socket_dir: &Path) -> PathBuf {
    socket_dir.join(format!(".s.PGSQL.{PORT}.lock"))
}

/// Removes files whose process is not a living postgres: a zombie nobody reaped, or a number that another program has now.
/// Postgres itself would refuse to start over them. Only called while we hold the lock of the data directory.
pub fn remove_stale(cluster_dir: &Path, socket_dir: &Path) -> std::io::Result<()> {
    for file in [file(cluster_dir), socket_lock(socket_dir)] {
        let Some(pid) = pid_in(&file) else { continue };
        if Path::new("/proc/self/stat").exists() && !is_living_postgres(pid) {
            tracing::info!(postgres.pid = pid, "removing {}, left by a Postgres that is gone", file.display());
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// The living server that works in the cluster's folder, started by whoever was here before. Asked while ours could not start.
pub fn predecessor(cluster_dir: &Path) -> Option<u32> {
    let pid = pid_in(&file(cluster_dir)).filter(|pid| is_living_postgres(*pid))?;
    // The number may be that of another cluster's server by now; every server works in its own folder.
    let works_in = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (works_in == cluster_dir.canonicalize().ok()?).then_some(pid)
}

fn pid_in(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

fn is_living_postgres(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat_says_postgres(&stat))
}

/// `4242 (postgres) S 1 …`; the name may hold blanks and brackets, so the last bracket ends it.
fn stat_says_postgres(stat: &str) -> bool {
    let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
    name.is_some_and(|(name, rest)| name.starts_with("postgres") && !rest.trim_start().starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_said_by_the_process_we_started() {
        let text = "4242\n/data/pg\n1763632800\n5432\n/data/run\n\n  1234 0\nready   \n";
        assert!(says_ready(text, 4242));
        assert!(!says_ready(text, 4243));
        assert!(!says_ready(&text.replace("ready   ", "starting"), 4242));
        assert!(!says_ready("4242\n/data/pg\n", 4242));
    }

    #[test]
    fn zombies_and_strangers_are_no_postgres() {
        assert!(stat_says_postgres("4242 (postgres) S 1 4242"));
        assert!(!stat_says_postgres("4242 (postgres) Z 1 4242"));
        assert!(!stat_says_postgres("4242 (od) d) S 1 4242"));
    }
}
