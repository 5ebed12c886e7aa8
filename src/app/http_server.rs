//! The socket side of HTTP: who may connect, for how long, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::middleware;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::timeout::{RequestBodyDeadlineLayer, RequestBodyTimeoutLayer, TimeoutLayer};
use tracing::{debug, warn};

use super::access_log;
use super::lobby::{Guest, Lobby};
use super::patience::Patience;
use super::pause::pause;
use super::upload::Upload;

/// Request line and headers, in bytes: more is `431`. It is also the most that is read or written at a time, so that thousands of clients
/// that never finish their headers fit into the memory.
pub const HEAD_BYTES_MAX: usize = 32 << 10;
/// Before the next try when the system has no more sockets to give.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);
/// Smaller answers cost more to compress than to send, in bytes.
const COMPRESS_MIN: u64 = 1_024;

/// A listening server.
pub struct HttpServer {
    address: SocketAddr,
    stop: CancellationToken,
    connections: TaskTracker,
    accepting: JoinHandle<()>,
}

impl HttpServer {
    /// Starts serving all routes on the listener.
    pub fn start(listener: TcpListener, routes: Router, patience: &Patience) -> std::io::Result<Self> {
        let (address, stop, connections) = (listener.local_addr()?, CancellationToken::new(), TaskTracker::new());
        let lobby = Lobby::new(patience.connections, patience.per_address, &patience.proxies);
        let door = Door { routes: guarded(routes, patience), header: patience.header, stop: stop.clone(), lobby };
        let accepting = tokio::spawn(accept(listener, door, connections.clone()));
        Ok(Self { address, stop, connections, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, answers what is being asked, and returns when all is answered or `grace` is over.
    pub async fn stop(self, grace: Duration) {
        self.stop.cancel();
        self.accepting.await.ok();
        self.connections.close();
        if tokio::time::timeout(grace, self.connections.wait()).await.is_err() {
            warn!("hung up on connections that did not finish in {} s: {}", grace.as_secs(), self.connections.len());
        }
    }
}

/// What surrounds every route. The last one added is met first.
fn guarded(routes: Router, patience: &Patience) -> Router {
    let compressible = SizeAbove::new(COMPRESS_MIN).and(NotForContentType::IMAGES).and(NotForContentType::SSE);
    routes
        .layer(CatchPanicLayer::new())
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressible))
        .layer(RequestBodyTimeoutLayer::new(patience.body_piece))
        .layer(RequestBodyDeadlineLayer::new(patience.body))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, patience.answer))
        .layer(middleware::from_fn(access_log::record))
}

/// What every connection needs.
#[derive(Clone)]
struct Door {
    routes: Router,
    header: Duration,
    stop: CancellationToken,
    lobby: Lobby,
}

async fn accept(listener: TcpListener, door: Door, connections: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = door.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let guest = tokio::select! {
                    () = door.stop.cancelled() => return,
                    guest = door.lobby.admit(peer.ip()) => guest,
                };
                drop(connections.spawn(converse(stream, peer, door.clone(), Arc::new(guest))));
            }
            Err(problem) => {
                warn!("taking a connection: {problem}");
                if !pause(ACCEPT_RETRY, &door.stop).await {
                    return;
                }
            }
        }
    }
}

/// One connection, from its first request to its last.
async fn converse(stream: TcpStream, peer: SocketAddr, door: Door, guest: Arc<Guest>) {
    // Small answers must not wait for more.
    stream.set_nodelay(true).ok();
    let Door { routes, header, stop, lobby: _ } = door;
    let served = Arc::clone(&guest);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let guest = Arc::clone(&served);
        let answer = routes.clone().call(request.map(|body| Body::new(Upload::new(body, Arc::clone(&guest)))));
        async move {
            let answer = answer.await;
            guest.waits();
            answer
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header).max_buf_size(HEAD_BYTES_MAX);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = guest.sent_away() => Ok(()),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(problem) = ended {
        debug!("a connection ended early: {problem}");
    }
}
