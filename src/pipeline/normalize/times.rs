//! Times: correcting a client's wrong clock, and keeping claims no storage could use out of it (protocol notes, section 7.8).

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::Arrival;
use crate::protocol::event::{Change, Event, Notes, Place};

/// A difference below this is the network's, not the clock's.
const DRIFT_MIN: Duration = Duration::minutes(55);
/// How far in the future an event may lie.
const AHEAD_MAX: Duration = Duration::seconds(60);
/// How old an event may be: SDKs keep what they could not send for days.
const AGE_MAX: Duration = Duration::days(30);

/// Fills in `received` and `timestamp`; afterwards the latter lies within 30 days before and a minute after the former.
pub(super) fn correct(event: &mut Event<'_>, arrival: &Arrival, notes: &mut Notes) {
    let received_at = arrival.received_at;
    event.received = Some(received_at);
    if let Some(drift) = arrival.sent_at.map(|sent_at| received_at - sent_at).filter(|drift| drift.abs() >= DRIFT_MIN) {
        undo(event, drift);
        notes.add(Place::root("timestamp"), Change::Corrected, format!("moved by {}: the client's clock is wrong", shown(drift)));
    }
    let claimed = event.timestamp.unwrap_or(received_at);
    let fault = match claimed - received_at {
        ahead if ahead > AHEAD_MAX => Some("lies in the future"),
        behind if behind < -AGE_MAX => Some("is more than 30 days old"),
        _ => None,
    };
    event.timestamp = Some(claimed);
    if let Some(fault) = fault {
        let claimed = claimed.format(&Rfc3339).unwrap_or_else(|_| claimed.to_string());
        notes.add(Place::root("timestamp"), Change::Corrected, format!("the claimed {claimed} {fault}; the time of arrival is used"));
        event.timestamp = Some(received_at);
    }
}

fn undo(event: &mut Event<'_>, drift: Duration) {
    let moved = |at: OffsetDateTime| at.checked_add(drift).filter(|at| at.year() > 0);
    event.timestamp = event.timestamp.and_then(moved);
    for breadcrumb in &mut event.breadcrumbs {
        breadcrumb.timestamp = breadcrumb.timestamp.and_then(moved);
    }
}

fn shown(drift: Duration) -> String {
    let (sign, minutes) = (if drift.is_negative() { "-" } else { "+" }, drift.whole_minutes().unsigned_abs());
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{sign}{minutes} min"),
        (0, hours, minutes) => format!("{sign}{hours} h {minutes} min"),
        (days, hours, _) => format!("{sign}{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::protocol::event::{self, Breadcrumb};

    const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

    fn corrected(timestamp: OffsetDateTime, sent_at: Option<OffsetDateTime>) -> Event<'static> {
        let breadcrumb = Breadcrumb { timestamp: Some(timestamp), ..Breadcrumb::default() };
        let mut event = Event { timestamp: Some(timestamp), breadcrumbs: vec![breadcrumb], ..Event::default() };
        let arrival = Arrival { received_at: NOW, sent_at, client_ip: None, user_agent: None };
        let mut notes = Notes::default();
        correct(&mut event, &arrival, &mut notes);
        event.damage = notes.into_damage();
        event
    }

    #[test]
    fn a_wrong_clock_is_corrected_in_both_directions() {
        for off in [Duration::hours(3), Duration::hours(-3), Duration::days(400)] {
            let event = corrected(NOW - Duration::seconds(5) + off, Some(NOW + off));
            assert_eq!(
                (event.timestamp, event.breadcrumbs[0].timestamp),
                (Some(NOW - Duration::seconds(5)), Some(NOW - Duration::seconds(5)))
            );
            assert_eq!(event.damage.len(), 1);
        }
    }

    #[test]
    fn a_slow_network_is_no_wrong_clock() {
        let sent = NOW - Duration::minutes(54);
        let event = corrected(sent, Some(sent));
        assert_eq!((event.timestamp, event.damage.len()), (Some(sent), 0));
    }

    #[test]
    fn times_no_storage_can_use_become_the_arrival_and_the_claim_is_noted() {
        for claimed in
            [datetime!(9999-12-31 23:59 UTC), datetime!(0001-01-01 0:00 UTC), NOW + Duration::minutes(2), NOW - Duration::days(31)]
        {
            let event = corrected(claimed, None);
            assert_eq!(event.timestamp, Some(NOW));
            assert!(event.damage[0].what.contains(&claimed.format(&Rfc3339).unwrap()), "{claimed}");
            for sent_at in [datetime!(9999-12-31 23:59 UTC), datetime!(0001-01-01 0:00 UTC)] {
                let event = corrected(claimed, Some(sent_at));
                assert_eq!(event::from_stored(&event::to_stored(&event)), Ok(event));
            }
        }
        assert_eq!(corrected(NOW - Duration::days(29), None).timestamp, Some(NOW - Duration::days(29)));
    }
}
