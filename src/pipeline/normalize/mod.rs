//! Completing an event: times, names, limits, in-app flags and derived tags.
//!
//! Everything that is changed leaves a note in `damage`, and a text that was cut ends in [`CUT_MARK`]. Fingerprints are never touched.
//!
//! Limits are those of Sentry, so that names and values are the same in both, and searches and scripts find the same; but for some that cost
//! users what they need:
//!
//! | what | here | Sentry | because |
//! |---|---|---|---|
//! | e-mail address | 254 | 75 | the longest there is (RFC 5321); two people whose long addresses begin alike must stay two |
//! | URL | 2,048 | 256 | what a browser takes; a request that cannot be repeated explains nothing |
//! | locals of a frame | 8 KiB, texts 2 KiB | 2 KiB | the failing frame is the evidence, and payloads are compressed against their like |
//! | data of a breadcrumb | 4 KiB, texts 2 KiB | 2 KiB | sizes here count keys and structure, there only values |
//! | modules | 32 KiB | 8 KiB | a large Django project has some 300 packages, and the one that matters must not be missing |

mod cut;
mod derived;
mod frames;
mod names;
mod people;
pub mod places;
mod request;
mod tags;
mod texts;
mod times;
pub mod user_agent;

use time::OffsetDateTime;

use super::in_app;
use crate::domain::level::Level;
use crate::protocol::event::{Event, Notes};

pub use cut::CUT_MARK;

/// What is known about how an event came here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When the request was accepted.
    pub received_at: OffsetDateTime,
    /// `sent_at` of the envelope: when the client sent it, by its own clock.
    pub sent_at: Option<OffsetDateTime>,
    /// Address of the client, after trusted proxies.
    pub client_ip: Option<String>,
    /// The client's `User-Agent`: that of a browser only where the browser itself is the client.
    pub user_agent: Option<String>,
}

/// Completes an event in place. Always succeeds.
pub fn event(event: &mut Event<'_>, arrival: &Arrival) {
    let mut notes = Notes::open(event);
    times::correct(event, arrival, &mut notes);
    event.level.get_or_insert(Level::Error);
    names::clean(event, &mut notes);
    people::complete(event, arrival, &mut notes);
    in_app::mark(event);
    frames::trim(event, &mut notes);
    texts::trim(event, &mut notes);
    request::trim(event, &mut notes);
    user_agent::contexts(event, arrival);
    derived::culprit(event);
    tags::clean(event, &mut notes);
    derived::tags(event);
    notes.close(event);
}

#[cfg(test)]
mod tests;
