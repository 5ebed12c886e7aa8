//! The real binary, with its private Postgres or on a shared one, to be killed.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bugle::app::database;
use bugle::postgres::Address;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection};

use super::{Api, Browser, Project, Sdk};

/// How long a start may take on a busy machine, the recovery of Postgres included.
const START_WAIT: Duration = Duration::from_secs(120);

/// A data directory and whoever serves it.
pub struct Site {
    data_dir: PathBuf,
    program: PathBuf,
    /// Starts the program as somebody else: `setpriv …`.
    wrapper: Vec<String>,
    /// Further variables of its environment.
    variables: Vec<(&'static str, String)>,
    _folder: tempfile::TempDir,
}

/// A serving process. Dropping it kills it.
pub struct Bugle {
    child: Child,
    /// Where it listens.
    pub url: String,
    /// What it logged until then.
    pub said: String,
}

impl Site {
    /// Runs the binary as whoever runs the tests.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("ours");
        Self {
            data_dir: folder.path().join("data"),
            program: env!("CARGO_BIN_EXE_bugle").into(),
            wrapper: Vec::new(),
            variables: Vec::new(),
            _folder: folder,
        }
    }

    /// One node of several on the Postgres at `database_url`.
    pub fn node_on(database_url: &str) -> Self {
        Self::new().with("DATABASE_URL", database_url)
    }

    /// With one more variable in the environment of all its processes.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Runs it as `nobody`; only root can. The binary is copied to where `nobody` may read it.
    pub fn of_nobody() -> Self {
        let mut site = Self::new();
        let nobody = nix::unistd::User::from_name("nobody").expect("readable").expect("every system has one");
        let home = site.data_dir.parent().expect("below the folder").join("home");
        std::fs::create_dir(&home).expect("writable");
        nix::unistd::chown(&home, Some(nobody.uid), Some(nobody.gid)).expect("we are root");
        site.program = home.with_file_name("bugle");
        std::fs::copy(env!("CARGO_BIN_EXE_bugle"), &site.program).expect("there is room");
        site.data_dir = home.join("data");
        let (uid, gid) = (format!("--reuid={}", nobody.uid), format!("--regid={}", nobody.gid));
        site.wrapper = vec!["setpriv".into(), uid, gid, "--clear-groups".into()];
        site
    }

    /// Its data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    fn command(&self) -> Command {
        let mut words = self.wrapper.iter().map(PathBuf::from).chain([self.program.clone()]);
        let mut command = Command::new(words.next().expect("at least the program"));
        command.args(words).env_remove("DATABASE_URL").env_remove("BUGLE_LOG").env("BUGLE_LOG_FORMAT", "text");
        command.env("BUGLE_DATA_DIR", &self.data_dir).env("BUGLE_BIND", "127.0.0.1:0").current_dir("/");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().expect("the program starts")
    }

    /// Starts serving and waits until everything is there.
    pub fn serve(&self) -> Bugle {
        self.serve_with(&[])
    }

    /// The same with these variables in its environment.
    pub fn serve_with(&self, variables: &[(&str, &str)]) -> Bugle {
        self.serve_until("listens on ", variables)
    }

    /// Starts it and waits until it names its address behind these words.
    pub fn serve_until(&self, words: &str, variables: &[(&str, &str)]) -> Bugle {
        let (child, lines) = self.begin(variables);
        let mut said = String::new();
        while let Ok(line) = lines.recv_timeout(START_WAIT) {
            if let Some((_, url)) = line.split_once(words) {
                let url = url.split([' ', ',']).next().unwrap_or_default().to_owned();
                return Bugle { child, url, said };
            }
            said.push_str(&line);
            said.push('\n');
        }
        panic!("it does not listen:\n{said}");
    }

    /// Starts serving and does not wait for anything.
    pub fn spawn(&self) -> Bugle {
        let (child, _) = self.begin(&[]);
        Bugle { child, url: String::new(), said: String::new() }
    }

    fn begin(&self, variables: &[(&str, &str)]) -> (Child, Receiver<String>) {
        let mut command = self.command();
        command.envs(variables.iter().copied()).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let lines = follow(&mut child);
        (child, lines)
    }

    /// Makes a project with the command line; works beside a serving process.
    pub fn project(&self, name: &str) -> Project {
        self.project_with(name, &[])
    }

    /// The same with these variables in the environment.
    pub fn project_with(&self, name: &str, variables: &[(&str, &str)]) -> Project {
        let output = self.command().args(["project", "create", name]).envs(variables.iter().copied()).output().expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("text");
        let dsn = text.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr))).to_owned();
        let url = url::Url::parse(&dsn).expect("the last line is the DSN");
        let id = url.path().trim_matches('/').parse().expect("a small integer");
        Project { id, slug: name.to_lowercase(), key: url.username().to_owned(), dsn }
    }

    /// A connection to the private Postgres, as the commands make one.
    pub async fn connect(&self) -> Option<PgConnection> {
        let address = Address::find(&self.data_dir).ok()??;
        PgConnection::connect_with(&database::private(&address)).await.ok()
    }
}

impl Bugle {
    /// An SDK that sends to it.
    pub fn sdk(&self, project: &Project) -> Sdk {
        Sdk::new(&self.url, project)
    }

    /// A client of its Web API with this token.
    pub fn api(&self, token: &str) -> Api {
        Api::new(&self.url, token)
    }

    /// A browser nobody is signed in with.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// The most memory it has had resident so far. The private Postgres is another process.
    pub fn peak_rss_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells");
        line.split_whitespace().next().and_then(|kibibytes| kibibytes.parse::<u64>().ok()).expect("a number") * 1_024
    }

    /// `kill -9`, and gone.
    pub fn kill(mut self) {
        self.child.kill().expect("it still runs");
        self.child.wait().expect("it is ours");
    }

    /// `SIGTERM`, and how it ended.
    pub fn terminate(mut self) -> ExitStatus {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).expect("it still runs");
        self.child.wait().expect("it is ours")
    }
}

impl Drop for Bugle {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads on until the process ends, so that it never waits for a reader.
fn follow(child: &mut Child) -> Receiver<String> {
    let stderr = child.stderr.take().expect("asked for");
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            sender.send(line).ok();
        }
    });
    lines
}
