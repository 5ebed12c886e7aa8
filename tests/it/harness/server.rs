//! The app behind a real socket.

use std::sync::Once;

use bugle::app::App;
use bugle::app::http_server::HttpServer;
use bugle::app::patience::Patience;
use tokio::net::TcpListener;

/// A free port of this machine.
pub async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// Serves the app as a running Bugle does.
pub fn serve(listener: TcpListener, app: &App) -> HttpServer {
    HttpServer::start(listener, app.router(), &Patience::default()).expect("a bound listener has an address")
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
