//! Stands between a pool and Postgres, and cuts the connection around a `COMMIT`, at one of the moments in which the client cannot know.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::Notify;

use bugle::store::Db;

/// The simple query in which a transaction is committed, as sqlx sends it.
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";
/// More than a test needs.
const CONNECTIONS_MAX: u32 = 5;

/// When the connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Postgres never sees the commit.
    BeforeCommit = 1,
    /// Postgres commits, and nobody hears of it.
    BeforeAnswer = 2,
    /// Postgres hears of it only after [`CuttingProxy::release`], when the client has long been trying again.
    DuringCommit = 3,
    /// The same, and the client is left waiting.
    Stalled = 4,
}

/// Forwards until it is told to cut. Dropping it leaves connections that are open alone.
pub struct CuttingProxy {
    /// Where it listens: the folder of its socket.
    dir: tempfile::TempDir,
    armed: Arc<AtomicUsize>,
    cut_count: Arc<AtomicUsize>,
    released: Arc<Notify>,
    options: PgConnectOptions,
}

impl CuttingProxy {
    /// Listens in front of the server of these options.
    pub fn before(options: &PgConnectOptions) -> Self {
        let dir = tempfile::tempdir().expect("the temporary folder is writable");
        let listener = UnixListener::bind(dir.path().join(".s.PGSQL.5432")).expect("a socket in our own folder");
        let wire = Wire::default();
        let (armed, cut_count, released) = (wire.armed.clone(), wire.cut_count.clone(), wire.released.clone());
        let server = options.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (wire, server) = (wire.clone(), server.clone());
                tokio::spawn(async move { wire.connect(client, &server).await });
            }
        });
        let options = options.clone().socket(dir.path()).port(5432).ssl_mode(PgSslMode::Disable);
        Self { dir, armed, cut_count, released, options }
    }

    /// A pool whose connections go through it.
    pub fn pool(&self) -> Db {
        assert!(self.dir.path().exists());
        PgPoolOptions::new().max_connections(CONNECTIONS_MAX).connect_lazy_with(self.options.clone())
    }

    /// The next commit is cut, and only that.
    pub fn cut_next(&self, cut: Cut) {
        self.armed.store(cut as usize, Ordering::SeqCst);
    }

    /// Lets the commit through that is being held back.
    pub fn release(&self) {
        self.released.notify_one();
    }

    /// How often it has cut.
    pub fn cut_count(&self) -> usize {
        self.cut_count.load(Ordering::SeqCst)
    }
}

#[derive(Clone, Default)]
struct Wire {
    armed: Arc<AtomicUsize>,
    cut_count: Arc<AtomicUsize>,
    released: Arc<Notify>,
}

impl Wire {
    async fn connect(self, client: UnixStream, server: &PgConnectOptions) {
        let socket = server.get_socket().cloned().or_else(|| server.get_host().starts_with('/').then(|| PathBuf::from(server.get_host())));
        match socket {
            Some(dir) => {
                let path = dir.join(format!(".s.PGSQL.{}", server.get_port()));
                self.forward(client, UnixStream::connect(path).await.expect("the server listens")).await;
            }
            None => {
                let address = (server.get_host(), server.get_port());
                self.forward(client, TcpStream::connect(address).await.expect("the server listens")).await;
            }
        }
    }

    /// Until one side ends, or the cut.
    async fn forward(self, mut client: UnixStream, mut server: impl AsyncRead + AsyncWrite + Unpin) {
        let (mut asked, mut answered) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        loop {
            tokio::select! {
                read = client.read(&mut asked) => {
                    let Ok(count @ 1..) = read else { return };
                    // A client waits for every answer before it commits, so a commit never travels with something else.
                    let armed = if &asked[..count] == COMMIT { self.armed.swap(0, Ordering::SeqCst) } else { 0 };
                    if armed != 0 {
                        return self.cut(armed, client, server).await;
                    }
                    if server.write_all(&asked[..count]).await.is_err() {
                        return;
                    }
                }
                read = server.read(&mut answered) => {
                    let Ok(count @ 1..) = read else { return };
                    if client.write_all(&answered[..count]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn cut(self, armed: usize, client: UnixStream, mut server: impl AsyncRead + AsyncWrite + Unpin) {
        self.cut_count.fetch_add(1, Ordering::SeqCst);
        if armed == Cut::BeforeCommit as usize {
            return;
        }
        let waiting = (armed != Cut::DuringCommit as usize).then_some(client);
        if armed != Cut::BeforeAnswer as usize {
            self.released.notified().await;
        }
        server.write_all(COMMIT).await.expect("the server reads");
        let mut answer = [0; 1024];
        let count = server.read(&mut answer).await.expect("the server answers");
        assert!(answer[..count].starts_with(b"C"), "the commit is done");
        drop(waiting);
    }
}
