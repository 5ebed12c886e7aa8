//! Completing an event: times, names, limits, in-app flags and derived tags.

use time::OffsetDateTime;

use crate::protocol::event::Event;

/// What is known about how an event came here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When the request was accepted.
    pub received_at: OffsetDateTime,
    /// `sent_at` of the envelope: when the client sent it, by its own clock.
    pub sent_at: Option<OffsetDateTime>,
    /// Address of the client, after trusted proxies.
    pub client_ip: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
}

/// Completes an event in place.
pub fn event(event: &mut Event, arrival: &Arrival) {
    event.received = Some(arrival.received_at);
    event.timestamp = event.timestamp.or(event.received);
    event.level = event.level.or(Some(crate::domain::level::Level::Error));
    super::in_app::mark(event);
}
