//! One line per request. It names the route, not the address: addresses carry keys, tokens and event text.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use tracing::{Instrument, Level, debug, enabled, info, info_span};

/// Requests slower than this are worth a line whatever they ask for.
const SLOW: Duration = Duration::from_secs(1);

/// Everything logged while answering carries the request's id; the answer carries it too.
pub async fn record(request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(no route)", MatchedPath::as_str).to_owned();
    let id = format!("{:016x}", rand::random::<u64>());
    let span = info_span!("request", id = %id);
    let mut response = next.run(request).instrument(span).await;
    let (status, elapsed) = (response.status().as_u16(), begin.elapsed());
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if is_frequent(&route) && status < 500 && elapsed < SLOW {
        if enabled!(Level::DEBUG) {
            debug!(request.id = id, http.method = %method, http.route = route, http.status = status, duration_ms, "{method} {route} {status}");
        }
    } else {
        info!(request.id = id, http.method = %method, http.route = route, http.status = status, duration_ms, "{method} {route} {status}");
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// Thousands a second, or every few seconds for ever: counted by the metrics, not told one by one.
fn is_frequent(route: &str) -> bool {
    (route.starts_with("/api/{") && !route.starts_with("/api/0"))
        || ["/healthz", "/readyz", "/metrics"].contains(&route)
        || route.starts_with("/static")
}
