//! TLS before a server that speaks none, for what browsers do only where nobody listens in.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::django::python_home;

/// A process that terminates TLS for 127.0.0.1, until it is dropped.
pub struct Tls {
    process: Child,
    port: u16,
}

impl Tls {
    /// Before the server at this port.
    pub fn before(port: u16) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/tls/terminate.py");
        let mut process = Command::new(python_home().join("bin/python"))
            .arg("-B")
            .arg(script)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`make dependencies-test` installs a Python");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("it says its port");
        Self { process, port: line.trim().parse().expect("a port") }
    }

    /// Where it listens, without a trailing slash.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
