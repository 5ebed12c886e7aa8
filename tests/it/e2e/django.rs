//! A real Django with the real `sentry_sdk`, in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The interpreter that has the Python clients; `make dependencies-test` makes it.
fn python() -> PathBuf {
    std::env::var_os("BUGLE_TEST_PYTHON")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".dev/python/bin/python"), PathBuf::from)
}

/// The folder of that interpreter's environment, where its packages are.
pub fn python_home() -> PathBuf {
    python().parent().and_then(Path::parent).expect("an interpreter is in bin/ of its environment").to_owned()
}

/// A running `manage.py runserver` of `tests/e2e/shop`, in a copy that a test may edit.
pub struct Django {
    server: Child,
    url: String,
    _project: tempfile::TempDir,
    http: reqwest::Client,
}

impl Django {
    /// Starts the shop with the DSN and release given; `edit` may change the copied sources before.
    pub async fn start(dsn: &str, release: &str, edit: impl FnOnce(&Path)) -> Self {
        let project = tempfile::tempdir().expect("the temporary folder is writable");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/shop"), project.path());
        edit(project.path());
        let port = free_port();
        let server = Command::new(python())
            .args(["-B", "manage.py", "runserver", "--noreload", "--skip-checks", &format!("127.0.0.1:{port}")])
            .current_dir(project.path())
            .env("SENTRY_DSN", dsn)
            .env("SHOP_RELEASE", release)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`make dependencies-test` installs the Python clients into .dev/python");
        let django = Self { server, url: format!("http://127.0.0.1:{port}"), _project: project, http: reqwest::Client::new() };
        django.until_ready().await;
        django
    }

    /// Requests a page; answers the status.
    pub async fn get(&self, path: &str) -> u16 {
        self.get_from("192.0.2.1", path).await
    }

    /// Requests a page as somebody at this address, by way of a proxy; answers the status.
    pub async fn get_from(&self, address: &str, path: &str) -> u16 {
        let request = self.http.get(format!("{}{path}", self.url)).header("x-forwarded-for", address);
        request.send().await.expect("the shop answers").status().as_u16()
    }

    /// Returns when the SDK has sent everything it holds.
    pub async fn flush(&self) {
        assert_eq!(self.get("/flush/").await, 200);
    }

    /// The only place of the tests that waits for a process of others: Django has no other sign that it is ready.
    async fn until_ready(&self) {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..1_200 {
            if self.http.get(&self.url).send().await.is_ok() {
                return;
            }
            pause.tick().await;
        }
        panic!("Django did not start within a minute");
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A port nobody listens on right now.
fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    probe.local_addr().expect("a bound socket has an address").port()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the shop is in the repository") {
        let entry = entry.expect("an entry is readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).expect("the temporary folder is writable");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("the temporary folder is writable");
        }
    }
}
