//! What does not come as an envelope, as one: so the spool and the digest know a single form.

use axum::body::Bytes;

use super::refusal::Refusal;
use crate::protocol::encoding;
use crate::protocol::envelope;
use crate::protocol::json::{Json, Object};
use crate::protocol::security_report::{self, SplitError};

/// Longest release or environment of an address, in characters.
const NAME_LEN_MAX: usize = 200;
/// What an address may say about reports; put into the header of their items, as Sentry does it.
const OF_ADDRESS: [&str; 2] = ["sentry_release", "sentry_environment"];

/// Each report as an item of its own: so limits, outcomes and dead letters are those of single reports.
pub fn reports(received: &[u8], content_encoding: &str, query: Option<&str>, limit: usize) -> Result<Bytes, Refusal> {
    let decoded = encoding::decode(content_encoding, received, limit)?;
    let reports = security_report::split(&decoded).map_err(|error| match error {
        SplitError::NotReports => Refusal::Event("a report is a JSON object, or a list of them"),
        SplitError::TooMany => Refusal::TooLarge(error.to_string()),
    })?;
    let mut header: Object<'_> = [("type".into(), Json::from("raw_security"))].into_iter().collect();
    for (name, value) in of_address(query) {
        header.insert(name, value.into());
    }
    let payloads: Vec<String> = reports.iter().map(Json::to_string).collect();
    let items: Vec<_> = payloads.iter().map(|payload| (&header, payload.as_bytes())).collect();
    Ok(envelope::write(b"{}", &items).into())
}

fn of_address(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let known = pairs.filter(|(name, value)| OF_ADDRESS.contains(&name.as_ref()) && !value.is_empty());
    known.map(|(name, value)| (name.into_owned(), value.chars().take(NAME_LEN_MAX).collect()))
}
