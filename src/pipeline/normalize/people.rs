//! The person affected, and their address.

use std::net::IpAddr;

use super::{Arrival, cut};
use crate::protocol::event::{Event, Notes, Place, User};
use crate::protocol::json::Json;

/// Longest e-mail address there is (RFC 5321), in characters: a cut one would make one person of two.
const EMAIL_MAX: usize = 254;
/// Asks the server to fill in the address it sees.
const AUTO: &str = "{{auto}}";
const OTHER: cut::Size = cut::Size { depth: 5, text: 1_024, bytes: 8_192 };

/// Fills in the address where the SDK asks for it, and cuts names.
pub(super) fn complete(event: &mut Event<'_>, arrival: &Arrival, notes: &mut Notes) {
    let at = Place::root("user");
    let sent = event.user.as_ref().and_then(|user| user.ip_address.as_deref());
    let address = match sent {
        Some(AUTO) => seen(event, arrival),
        Some(address) if address.parse::<IpAddr>().is_ok() => Some(address.to_owned()),
        Some(_) => {
            notes.drop(at.key("ip_address"), "not an IP address; dropped");
            None
        }
        None => match wanted_address(event) {
            Some(true) => seen(event, arrival),
            Some(false) => None,
            None => remote(event).filter(|address| is_of_person(*address)).map(|address| address.to_string()),
        },
    };
    if address.is_some() {
        event.user.get_or_insert_default();
    }
    let Some(user) = &mut event.user else { return };
    user.ip_address = address.map(Into::into);
    for (field, name, max) in [
        (&mut user.id, "id", 128),
        (&mut user.username, "username", 128),
        (&mut user.name, "name", 128),
        (&mut user.email, "email", EMAIL_MAX),
    ] {
        cut::optional(field, max, at.key(name), notes);
    }
    cut::object(&mut user.other, OTHER, at, notes);
    if *user == User::default() {
        event.user = None;
    }
}

/// The application server's word first: it knows its proxies.
fn seen(event: &Event<'_>, arrival: &Arrival) -> Option<String> {
    let connected = || arrival.client_ip.as_deref().filter(|address| address.parse::<IpAddr>().is_ok()).map(str::to_owned);
    remote(event).map(|address| address.to_string()).or_else(connected)
}

/// Who the application server was connected to.
fn remote(event: &Event<'_>) -> Option<IpAddr> {
    event.request.as_ref()?.env.get("REMOTE_ADDR")?.as_str()?.trim().parse().ok()
}

/// Not that of a proxy in the same house, which would make one person of everybody.
fn is_of_person(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !(address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified()),
        IpAddr::V6(address) => {
            !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local() || address.is_unspecified())
        }
    }
}

/// New SDKs say so; browsers of old ones expect it; `None`: nobody says anything.
fn wanted_address(event: &Event<'_>) -> Option<bool> {
    let setting = event.sdk.as_ref().and_then(|sdk| sdk.other.get("settings")?.get("infer_ip")).and_then(Json::as_str);
    match setting {
        Some(setting) => Some(setting == "auto"),
        None if event.platform == "javascript" => Some(true),
        None => None,
    }
}
