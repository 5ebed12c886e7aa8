//! Receiving a body: bounded in size, in time, and in memory over all requests.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use tower_http::timeout::TimeoutError;

use super::budget::Share;
use super::refusal::Refusal;

/// From the first to the last byte. SDKs give up after 30 seconds themselves.
const DEADLINE: Duration = Duration::from_secs(30);
/// Memory taken before the first byte has arrived, whatever length is announced.
const CAPACITY_MAX: usize = 64 << 10;
/// What is thrown away of a body that is refused, so that the sender gets to read the answer instead of a broken connection.
const DRAIN_BYTES_MAX: usize = 32 << 20;
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// Reads the whole body, at most `limit` bytes, whether or not its length was announced.
pub async fn receive(body: &mut Body, headers: &HeaderMap, limit: usize, share: &mut Share) -> Result<Bytes, Refusal> {
    receive_within(DEADLINE, body, headers, limit, share).await
}

async fn receive_within(
    deadline: Duration,
    body: &mut Body,
    headers: &HeaderMap,
    limit: usize,
    share: &mut Share,
) -> Result<Bytes, Refusal> {
    let announced_len = announced_len(headers).unwrap_or(0);
    if announced_len > limit as u64 {
        return Err(too_large(limit));
    }
    let capacity = usize::try_from(announced_len).unwrap_or(0).min(CAPACITY_MAX);
    tokio::time::timeout(deadline, collect(body, limit, capacity, share)).await.unwrap_or(Err(Refusal::TooSlow))
}

async fn collect(body: &mut Body, limit: usize, capacity: usize, share: &mut Share) -> Result<Bytes, Refusal> {
    let mut received = Vec::with_capacity(capacity);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
        if received.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        share.take(data.len()).map_err(|_| Refusal::Unavailable("too many requests at a time"))?;
        received.extend_from_slice(&data);
    }
    // Exactly as long as it is, and not a slice of the connection's buffer: the spool keeps it in memory for a while.
    Ok(Bytes::from(received.into_boxed_slice()))
}

/// A client that dawdles, and one that is gone or talks nonsense.
fn broken(error: &axum::Error) -> Refusal {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(known) = cause {
        if known.is::<TimeoutError>() {
            return Refusal::TooSlow;
        }
        cause = known.source();
    }
    Refusal::Unreadable
}

/// Reads and forgets what is left of a refused body, within bounds.
pub async fn drain(body: &mut Body) {
    let read = async {
        let mut left = DRAIN_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    drop(tokio::time::timeout(DRAIN_DEADLINE, read).await);
}

fn announced_len(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Refusal {
    Refusal::TooLarge(format!("the body is larger than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::super::budget::Budget;
    use super::*;

    async fn receive_frames(frames: &[&'static str], limit: usize) -> Result<Bytes, Refusal> {
        let frames: Vec<std::io::Result<&'static str>> = frames.iter().copied().map(Ok).collect();
        let mut body = Body::from_stream(stream::iter(frames));
        receive(&mut body, &HeaderMap::new(), limit, &mut Budget::default().share()).await
    }

    #[tokio::test]
    async fn a_body_without_an_announced_length_is_put_together_and_limited() {
        assert_eq!(receive_frames(&["ab", "", "cde"], 5).await.ok().as_deref(), Some(&b"abcde"[..]));
        assert!(matches!(receive_frames(&["ab", "cdef"], 5).await, Err(Refusal::TooLarge(_))));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let mut body = Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
        let mut share = Budget::default().share();
        let received = receive_within(Duration::ZERO, &mut body, &HeaderMap::new(), 100, &mut share).await;
        assert!(matches!(received, Err(Refusal::TooSlow)));
    }

    #[tokio::test]
    async fn a_broken_connection_is_not_a_body() {
        let mut body = Body::from_stream(stream::iter([Ok("ab"), Err(std::io::Error::other("reset"))]));
        let received = receive(&mut body, &HeaderMap::new(), 100, &mut Budget::default().share()).await;
        assert!(matches!(received, Err(Refusal::Unreadable)));
    }
}
