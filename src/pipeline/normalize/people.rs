//! The person affected, and their address.

use std::net::IpAddr;

use super::{Arrival, cut};
use crate::protocol::event::{Event, Notes, Place, User};
use crate::protocol::json::Json;

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
        None if wants_address(event) => seen(event, arrival),
        None => None,
    };
    if address.is_some() {
        event.user.get_or_insert_default();
    }
    let Some(user) = &mut event.user else { return };
    user.ip_address = address.map(Into::into);
    for (field, name, max) in
        [(&mut user.id, "id", 128), (&mut user.username, "username", 128), (&mut user.name, "name", 128), (&mut user.email, "email", 254)]
    {
        cut::optional(field, max, at.key(name), notes);
    }
    cut::object(&mut user.other, OTHER, at, notes);
    if *user == User::default() {
        event.user = None;
    }
}

/// The application server's word first: it knows its proxies.
fn seen(event: &Event<'_>, arrival: &Arrival) -> Option<String> {
    let remote = event.request.as_ref().and_then(|request| request.env.get("REMOTE_ADDR")?.as_str());
    remote.or(arrival.client_ip.as_deref()).filter(|address| address.parse::<IpAddr>().is_ok()).map(str::to_owned)
}

/// New SDKs say so; browsers of old ones expect it.
fn wants_address(event: &Event<'_>) -> bool {
    let setting = event.sdk.as_ref().and_then(|sdk| sdk.other.get("settings")?.get("infer_ip")).and_then(Json::as_str);
    match setting {
        Some(setting) => setting == "auto",
        None => event.platform == "javascript",
    }
}
