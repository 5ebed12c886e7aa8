//! Where the person is, roughly.

use std::net::IpAddr;

use crate::domain::geo::Place;
use crate::protocol::event::Event;
use crate::protocol::json::{Json, Object};

/// The tag people filter by. Regions and cities have too many values for one.
const TAG: &str = "geo.country_code";
const GEO: &str = "geo";

/// Adds what a GeoIP database knows about the address of the person, unless the client said it itself.
pub fn fill(event: &mut Event<'_>, lookup: impl FnOnce(IpAddr) -> Option<Place>) {
    let Some(user) = event.user.as_mut().filter(|user| !user.other.contains_key(GEO)) else { return };
    let Some(address) = user.ip_address.as_deref().and_then(|address| address.parse().ok()) else { return };
    let Some(Place { country_code, region, city }) = lookup(address) else { return };
    let fields = [("country_code", Some(country_code.clone())), ("region", region), ("city", city)];
    let known = fields.into_iter().filter_map(|(name, value)| Some((name.into(), Json::from(value?))));
    user.other.insert(GEO, Json::Object(Object::from_iter(known)));
    if !event.tags.iter().any(|(key, _)| key == TAG) {
        event.tags.push((TAG.into(), country_code.into()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::event::read;

    fn place(_: IpAddr) -> Option<Place> {
        Some(Place { country_code: "XB".into(), region: None, city: Some("Reveille".into()) })
    }

    #[test]
    fn a_known_address_becomes_a_place_and_a_tag() {
        let mut event = read(br#"{"user":{"ip_address":"203.0.113.9"}}"#).unwrap();
        fill(&mut event, place);
        assert_eq!(event.user.unwrap().other["geo"], json!({"country_code": "XB", "city": "Reveille"}));
        assert_eq!(event.tags, [(TAG.into(), "XB".into())]);
    }

    #[test]
    fn the_clients_word_and_absent_addresses_are_left_alone() {
        for sent in [r#"{"user":{"ip_address":"203.0.113.9","geo":{"city":"Home"}}}"#, r#"{"user":{"id":1}}"#, "{}"] {
            let mut event = read(sent.as_bytes()).unwrap();
            let before = event.clone();
            fill(&mut event, place);
            assert_eq!(event, before, "{sent}");
        }
    }
}
