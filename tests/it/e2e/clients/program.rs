//! How the client programs are started.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::e2e::django::python_home;

/// A program of `tests/clients` that reports to the DSN in its environment, and ends once all is sent.
pub struct Program {
    executable: PathBuf,
    args: Vec<String>,
    env: Vec<(&'static str, PathBuf)>,
}

impl Program {
    /// With the Python SDK of today.
    pub fn python(script: &str) -> Self {
        Self { executable: bin("python"), args: vec!["-B".into(), source(&format!("python/{script}"))], env: vec![] }
    }

    /// With the packages of `tests/clients/python/{packages}.txt` instead.
    pub fn old_python(packages: &str, script: &str) -> Self {
        let path = installed(packages);
        assert!(path.is_dir(), "{} is missing: `make dependencies-test` installs it", path.display());
        Self { env: vec![("PYTHONPATH", path)], ..Self::python(script) }
    }

    /// With this JavaScript package.
    pub fn node(package: &str) -> Self {
        let (args, env) = (vec![source("node/client.js"), package.to_owned()], vec![("NODE_PATH", node_modules())]);
        Self { executable: bin("node"), args, env }
    }

    /// With the Rust crate.
    pub fn rust() -> Self {
        Self { executable: installed("rust").join("debug/bugle-test-client"), args: vec![], env: vec![] }
    }

    /// `sentry-cli` sends one thing at a time: an event from a file, one from its arguments, a check-in around a command.
    pub fn sentry_cli() -> Vec<Self> {
        let event = source("cli/event.json");
        [
            vec!["send-event", &event],
            vec![
                "send-event",
                "-m",
                "stock is low",
                "-l",
                "warning",
                "-t",
                "client:sentry-cli",
                "-u",
                "id:7",
                "-r",
                "clients@1.0.0",
                "-E",
                "e2e",
            ],
            vec!["monitors", "run", "--schedule", "15 2 * * *", "nightly", "--", "true"],
        ]
        .into_iter()
        .map(|args| Self { executable: bin("sentry-cli"), args: args.into_iter().map(str::to_owned).collect(), env: vec![] })
        .collect()
    }

    /// Runs it to its end, which has to be a good one.
    pub async fn run(self, dsn: &str) {
        let what = format!("{} {}", self.executable.display(), self.args.join(" "));
        assert!(self.executable.exists(), "{} is missing: `make dependencies-test` installs it", self.executable.display());
        // A client that hangs is a failure, not a test that never ends.
        let mut command = Command::new("timeout");
        command.arg("120").arg(self.executable).args(self.args).envs(self.env).env("SENTRY_DSN", dsn);
        let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("waiting does not panic").expect("it starts");
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success(), "{what} ended with {}:\n{said}", ended.status);
    }
}

/// Where npm has put the JavaScript packages.
pub fn node_modules() -> PathBuf {
    let path = installed("node").join("node_modules");
    assert!(path.is_dir(), "{} is missing: `make dependencies-test` installs it", path.display());
    path
}

/// A file of `tests/clients`.
pub fn source(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(path).to_string_lossy().into_owned()
}

fn bin(name: &str) -> PathBuf {
    python_home().join("bin").join(name)
}

fn installed(name: &str) -> PathBuf {
    python_home().join("clients").join(name)
}
