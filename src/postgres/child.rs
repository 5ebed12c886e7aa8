//! Starting a process of the cluster so that it ends when we end, however we end.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::Context;
use nix::sys::stat::{Mode, umask};

use super::binaries::Binaries;
use super::identity::Identity;
use super::{PORT, Settings};

/// What to start, and as whom. Can be started repeatedly.
#[derive(Clone)]
pub struct Launch {
    program: PathBuf,
    args: Vec<std::ffi::OsString>,
    identity: Identity,
}

impl Launch {
    /// A program without arguments yet.
    pub fn new(program: &Path, identity: &Identity) -> Self {
        Self { program: program.to_owned(), args: Vec::new(), identity: identity.clone() }
    }

    /// The server itself: reachable by its socket only, bounded memory and WAL, no surprises from parallel plans or JIT.
    pub fn server(binaries: &Binaries, identity: &Identity, cluster_dir: &Path, socket_dir: &Path, settings: &Settings) -> Self {
        let mut launch = Self::new(&binaries.bindir.join("postgres"), identity);
        launch.arg("-D").arg(cluster_dir);
        launch.setting("listen_addresses", "").setting("unix_socket_directories", &socket_dir.display().to_string());
        launch.setting("unix_socket_permissions", "0700").setting("port", &PORT.to_string());
        launch.setting("fsync", if settings.durable { "on" } else { "off" });
        launch.setting("synchronous_commit", if settings.durable { "on" } else { "off" });
        launch.setting("shared_buffers", &format!("{}MB", shared_buffers_mb())).setting("max_wal_size", "2GB");
        launch.setting("max_connections", &settings.max_connections.to_string());
        launch.setting("jit", "off").setting("max_parallel_workers_per_gather", "0").setting("cluster_name", "bugle");
        // Event text must not reach the log through the statement or the detail of an error.
        launch.setting("log_error_verbosity", "terse").setting("log_min_error_statement", "panic");
        launch.setting("log_line_prefix", "").setting("logging_collector", "off").setting("log_destination", "stderr");
        launch.setting("timezone", "UTC").setting("log_timezone", "UTC");
        launch
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    fn setting(&mut self, name: &str, value: &str) -> &mut Self {
        self.arg("-c").arg(format!("{name}={value}"))
    }

    /// Starts the server; what it says comes through `stderr`. **The calling thread must outlive it**: when that thread ends, the
    /// kernel tells the server to stop.
    pub fn spawn(&self) -> std::io::Result<Child> {
        self.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
    }

    /// Runs a tool to its end, with `input` on its standard input.
    pub fn run(&self, input: &str) -> anyhow::Result<Output> {
        let started = self.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.with_context(|| format!("starting {}", self.program.display()))?;
        // A tool that failed early does not read its input; its exit code and complaint say so better than this write would.
        child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        child.wait_with_output().with_context(|| format!("waiting for {}", self.program.display()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
        if let Some((uid, gid)) = self.identity.step_down {
            // Also empties the supplementary groups. Happens before the closure below, as it must.
            command.gid(gid.as_raw()).uid(uid.as_raw());
        }
        let parent = nix::unistd::getpid();
        #[expect(unsafe_code, reason = "code between fork and exec; only async-signal-safe system calls, no allocation")]
        // SAFETY: setsid, umask, prctl and getppid are plain system calls; nothing allocates, locks or unwinds.
        unsafe {
            command.pre_exec(move || settle_in(parent));
        }
        command
    }
}

/// In the child, before the program starts.
fn settle_in(parent: nix::unistd::Pid) -> std::io::Result<()> {
    // Ctrl-C in the terminal must not reach the server before we have drained.
    nix::unistd::setsid()?;
    umask(Mode::from_bits_truncate(0o077));
    // After the change of user, which clears it: when our supervising thread ends, by whatever death, the server shuts down cleanly.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGINT)?;
    if nix::unistd::getppid() != parent {
        // We died in between; the signal above was asked for too late.
        return Err(std::io::ErrorKind::BrokenPipe.into());
    }
    Ok(())
}

/// An eighth of the machine's memory, between 32 and 256 MB: small machines stay small, and the operating system caches the rest.
fn shared_buffers_mb() -> u64 {
    let total_kb = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    (total_kb.unwrap_or(1 << 20) / 1_024 / 8).clamp(32, 256)
}
