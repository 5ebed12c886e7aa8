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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
use super::pause::pause;

/// Open connections; more wait in the kernel's queue until one ends.
const CONNECTIONS_MAX: usize = 4_096;
/// For the request line and headers, also between two requests on one connection. Clients that dawdle are hung up on.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two pieces of a body.
const BODY_PIECE_TIMEOUT: Duration = Duration::from_secs(20);
/// For a whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
/// For an answer to begin; longer than a body may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(150);
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
    pub fn start(listener: TcpListener, routes: Router) -> std::io::Result<Self> {
        let (address, stop, connections) = (listener.local_addr()?, CancellationToken::new(), TaskTracker::new());
        let accepting = tokio::spawn(accept(listener, guarded(routes), stop.clone(), connections.clone()));
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
fn guarded(routes: Router) -> Router {
    let compressible = SizeAbove::new(COMPRESS_MIN).and(NotForContentType::IMAGES).and(NotForContentType::SSE);
    routes
        .layer(CatchPanicLayer::new())
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressible))
        .layer(RequestBodyTimeoutLayer::new(BODY_PIECE_TIMEOUT))
        .layer(RequestBodyDeadlineLayer::new(BODY_TIMEOUT))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_TIMEOUT))
        .layer(middleware::from_fn(access_log::record))
}

async fn accept(listener: TcpListener, routes: Router, stop: CancellationToken, connections: TaskTracker) {
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let permit = tokio::select! {
            () = stop.cancelled() => return,
            permit = free.clone().acquire_owned() => permit.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => drop(connections.spawn(converse(stream, peer, routes.clone(), stop.clone(), permit))),
            Err(problem) => {
                warn!("taking a connection: {problem}");
                if !pause(ACCEPT_RETRY, &stop).await {
                    return;
                }
            }
        }
    }
}

/// One connection, from its first request to its last.
async fn converse(stream: TcpStream, peer: SocketAddr, routes: Router, stop: CancellationToken, permit: OwnedSemaphorePermit) {
    // Small answers must not wait for more.
    stream.set_nodelay(true).ok();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        routes.clone().call(request.map(Body::new))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(problem) = ended {
        debug!("a connection ended early: {problem}");
    }
    drop(permit);
}
