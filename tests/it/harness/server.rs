//! The app behind a real socket.

use std::net::SocketAddr;
use std::sync::Once;

use tokio::net::TcpListener;

/// A free port of this machine.
pub async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// Serves until the test's runtime ends.
pub fn serve(listener: TcpListener, router: axum::Router) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
}

/// `BUGLE_LOG=debug make test` shows the log of the app with the output of a failing test.
pub fn log_when_asked() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Ok(filter) = std::env::var("BUGLE_LOG") {
            tracing_subscriber::fmt().with_test_writer().with_env_filter(filter).init();
        }
    });
}
