//! The body of a request on its way in.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::lobby::Guest;

/// A request body; once it is there as a whole, its connection does not wait for the client any more.
pub struct Upload {
    body: Incoming,
    guest: Arc<Guest>,
}

impl Upload {
    /// Of the request that this guest has begun.
    pub fn new(body: Incoming, guest: Arc<Guest>) -> Self {
        if body.is_end_stream() {
            guest.is_served();
        }
        Self { body, guest }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.guest.is_served();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
