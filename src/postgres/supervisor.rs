//! The thread that owns the server: starts it, starts it again when it dies, stops it when asked.
//!
//! One thread for the whole time, because the kernel ties the server's life to the thread that started it.

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tracing::{error, info, warn};

use super::child::Launch;
use super::log_lines::LogLines;
use super::pid_file;

/// How often readiness is looked at while starting.
const READY_POLL: Duration = Duration::from_millis(5);
/// How often a long recovery is mentioned.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// How long the remains of a killed predecessor are waited for.
const PREDECESSOR_WAIT: Duration = Duration::from_secs(60);
/// How long a predecessor may take to shut down before it is told to stop at once: with it waits everything that was accepted.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts meanwhile.
const PREDECESSOR_RETRY: Duration = Duration::from_millis(250);
/// How long a clean stop may take before it becomes an immediate one.
const STOP_WAIT: Duration = Duration::from_secs(60);
/// Between two restarts that fail, doubled each time up to the second.
const RESTART_WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long the output of a process that has ended is read.
const LAST_WORDS_WAIT: Duration = Duration::from_millis(500);
/// What a server says that only has to wait for its predecessor.
const PREDECESSOR_SIGNS: &[&str] = &["\"postmaster.pid\" already exists", ".lock\" already exists", "pre-existing shared memory block"];

/// The other end of the thread.
pub struct Handle {
    to_thread: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    pid: Arc<AtomicU32>,
}

enum Message {
    Stop,
    /// The process with this pid ended.
    Exited(u32, ExitStatus),
}

impl Handle {
    pub fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Stops the server and waits for the thread. Doing it twice is harmless.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // A thread that is gone already has nothing left to stop.
        self.to_thread.send(Message::Stop).ok();
        if thread.join().is_err() {
            error!("the thread that supervised Postgres panicked");
        }
    }
}

/// Starts the thread and the server, and waits until it is ready.
pub fn start(launch: Launch, cluster_dir: PathBuf, socket_dir: PathBuf) -> anyhow::Result<Handle> {
    let (to_thread, inbox) = channel();
    let (started, has_started) = channel();
    let pid = Arc::<AtomicU32>::default();
    let mut supervisor = Supervisor { launch, cluster_dir, socket_dir, inbox, to_self: to_thread.clone(), pid: pid.clone() };
    let thread = std::thread::Builder::new().name("postgres".into()).spawn(move || match supervisor.bring_up() {
        Ok(Some(server)) => {
            started.send(Ok(())).ok();
            supervisor.watch(server);
        }
        Ok(None) => {}
        Err(problem) => {
            started.send(Err(problem)).ok();
        }
    })?;
    let handle = Handle { to_thread, thread: Some(thread), pid };
    has_started.recv().context("the thread that supervises Postgres ended")??;
    Ok(handle)
}

struct Supervisor {
    launch: Launch,
    cluster_dir: PathBuf,
    socket_dir: PathBuf,
    inbox: Receiver<Message>,
    to_self: Sender<Message>,
    pid: Arc<AtomicU32>,
}

struct Server {
    pid: u32,
    lines: LogLines,
}

/// How an attempt to start ended short of ready.
enum NotReady {
    Stopped,
    Exited(ExitStatus, String),
}

impl Supervisor {
    /// Until ready, waiting for a predecessor that is not quite gone. `None`: we were told to stop meanwhile.
    fn bring_up(&mut self) -> anyhow::Result<Option<Server>> {
        let begin = Instant::now();
        loop {
            pid_file::remove_stale(&self.cluster_dir, &self.socket_dir).context("removing what a Postgres that is gone has left")?;
            let server = self.spawn()?;
            match self.wait_until_ready(&server) {
                Ok(()) => {
                    self.pid.store(server.pid, Ordering::Relaxed);
                    info!(postgres.pid = server.pid, "the private Postgres is ready");
                    return Ok(Some(server));
                }
                Err(NotReady::Stopped) => return Ok(None),
                Err(NotReady::Exited(status, said)) => {
                    let waits_for_predecessor = PREDECESSOR_SIGNS.iter().any(|sign| said.contains(sign));
                    if !waits_for_predecessor || begin.elapsed() > PREDECESSOR_WAIT {
                        bail!("Postgres ended with {status} before it was ready. It said:\n{said}");
                    }
                    if self.told_to_stop_within(PREDECESSOR_RETRY) {
                        return Ok(None);
                    }
                    if begin.elapsed() > PREDECESSOR_PATIENCE {
                        self.hurry_predecessor();
                    }
                }
            }
        }
    }

    /// Ends a server that a killed Bugle left behind and that does not come to an end. What it committed is in its log, from which ours
    /// recovers.
    fn hurry_predecessor(&self) {
        if let Some(pid) = pid_file::predecessor(&self.cluster_dir) {
            warn!(postgres.pid = pid, "the Postgres of an earlier Bugle still runs in the data directory; stopping it at once");
            signal(pid, Signal::SIGQUIT);
        }
    }

    /// Restarts the server whenever it dies; returns once it was told to stop and has.
    fn watch(&mut self, mut server: Server) {
        loop {
            match self.inbox.recv() {
                Ok(Message::Exited(pid, _)) if pid != server.pid => {}
                Ok(Message::Exited(_, status)) => {
                    self.pid.store(0, Ordering::Relaxed);
                    error!(
                        postgres.pid = server.pid,
                        "Postgres ended by itself with {status}; starting it again. It said:\n{}",
                        server.lines.last()
                    );
                    match self.bring_up_again() {
                        Some(again) => server = again,
                        None => return,
                    }
                }
                Ok(Message::Stop) | Err(_) => return self.stop(&server),
            }
        }
    }

    /// Tries for ever, ever more rarely.
    fn bring_up_again(&mut self) -> Option<Server> {
        let mut wait = RESTART_WAIT.0;
        loop {
            match self.bring_up() {
                Ok(outcome) => return outcome,
                Err(problem) => error!("Postgres does not start; next attempt in {} s: {problem:#}", wait.as_secs_f32()),
            }
            if self.told_to_stop_within(wait) {
                return None;
            }
            wait = (wait * 2).min(RESTART_WAIT.1);
        }
    }

    fn spawn(&self) -> anyhow::Result<Server> {
        let mut child = self.launch.spawn().context("starting the postgres program")?;
        let (pid, lines) = (child.id(), LogLines::default());
        let output = child.stderr.take().ok_or_else(|| anyhow!("the server's output is not connected"))?;
        let (follower, to_supervisor) = (lines.clone(), self.to_self.clone());
        let (said_all, has_said_all) = channel::<()>();
        std::thread::Builder::new().name("postgres-log".into()).spawn(move || {
            follower.follow(output);
            drop(said_all);
        })?;
        std::thread::Builder::new().name("postgres-wait".into()).spawn(move || wait_for(child, &has_said_all, &to_supervisor))?;
        Ok(Server { pid, lines })
    }

    fn wait_until_ready(&self, server: &Server) -> Result<(), NotReady> {
        let mut mentioned = Instant::now();
        while !pid_file::is_ready(&self.cluster_dir, server.pid) {
            match self.inbox.recv_timeout(READY_POLL) {
                Ok(Message::Exited(pid, status)) if pid == server.pid => return Err(NotReady::Exited(status, server.lines.last())),
                Ok(Message::Stop) => {
                    self.stop(server);
                    return Err(NotReady::Stopped);
                }
                _ => {}
            }
            if mentioned.elapsed() > PROGRESS_EVERY {
                mentioned = Instant::now();
                info!("Postgres is still starting; after a crash it first recovers what was written, which can take a while");
            }
        }
        Ok(())
    }

    /// Fast shutdown; `SIGTERM` would wait for clients.
    fn stop(&self, server: &Server) {
        self.pid.store(0, Ordering::Relaxed);
        signal(server.pid, Signal::SIGINT);
        if self.exits_within(server.pid, STOP_WAIT) {
            info!("the private Postgres has stopped");
            return;
        }
        warn!("Postgres did not stop within {} s; stopping it at once, it will recover at the next start", STOP_WAIT.as_secs());
        signal(server.pid, Signal::SIGQUIT);
        if !self.exits_within(server.pid, STOP_WAIT) {
            error!(postgres.pid = server.pid, "Postgres does not stop");
        }
    }

    fn exits_within(&self, pid: u32, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            match self.inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Message::Exited(exited, _)) if exited == pid => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    fn told_to_stop_within(&self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        loop {
            match self.inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(Message::Exited(..)) => {}
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

/// Reaps the process and reports it, with its last words read. Nobody listens any more when the supervisor has given up on it.
fn wait_for(mut child: Child, has_said_all: &Receiver<()>, to_supervisor: &Sender<Message>) {
    let pid = child.id();
    let status = child.wait();
    // Bounded, because a backend that has not noticed yet may hold the pipe open.
    has_said_all.recv_timeout(LAST_WORDS_WAIT).ok();
    match status {
        Ok(status) => drop(to_supervisor.send(Message::Exited(pid, status))),
        Err(problem) => error!(postgres.pid = pid, "waiting for Postgres: {problem}"),
    }
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).expect("the kernel's process ids fit");
    if let Err(problem) = kill(Pid::from_raw(pid), signal) {
        warn!(postgres.pid = pid, "sending {signal} to Postgres: {problem}");
    }
}
