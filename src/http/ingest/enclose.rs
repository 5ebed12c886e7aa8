//! What does not come as an envelope, as one: so the spool and the digest know a single form.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};

use super::refusal::Refusal;
use crate::domain::event_id::EventId;
use crate::protocol::check_in;
use crate::protocol::encoding;
use crate::protocol::envelope;
use crate::protocol::json::{self, Json, Object};
use crate::protocol::multipart::{self, MultipartError};
use crate::protocol::security_report::{self, SplitError};
use crate::protocol::upload;

/// How gzip begins.
const GZIP: &[u8] = b"\x1f\x8b";
/// How a minidump begins.
const MINIDUMP: &[u8] = b"MDMP";
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

/// The files of a form, for an event that is there or will be.
pub fn files(received: &[u8], content_encoding: &str, headers: &HeaderMap, event_id: EventId, limit: usize) -> Result<Bytes, Refusal> {
    let decoded = encoding::decode(content_encoding, received, limit)?;
    let boundary = boundary(headers).ok_or(Refusal::Event("files are sent as multipart/form-data"))?;
    let parts = multipart::parse(&decoded, &boundary).map_err(broken_form)?;
    Ok(upload::attachments(event_id, &parts).ok_or(Refusal::Event("there is no file in the form"))?.into())
}

/// A minidump: in the field of the form that crash handlers use, or as the whole body. Some compress the file within the form.
pub fn minidump(received: &[u8], content_encoding: &str, headers: &HeaderMap, limit: usize) -> Result<Bytes, Refusal> {
    let decoded = encoding::decode(content_encoding, received, limit)?;
    let parts = match boundary(headers) {
        Some(boundary) => multipart::parse(&decoded, &boundary).map_err(broken_form)?,
        None => Vec::new(),
    };
    let sent = parts.iter().find(|part| part.name == upload::MINIDUMP_FIELD).map_or(&decoded[..], |part| part.content);
    let dump = if sent.starts_with(GZIP) { encoding::decode("gzip", sent, limit)? } else { sent.into() };
    if !dump.starts_with(MINIDUMP) {
        return Err(Refusal::Event("there is no minidump in the field upload_file_minidump, and the body is none"));
    }
    let event_id = upload::event_id_of(&parts).unwrap_or_else(EventId::random);
    Ok(upload::crash(event_id, &parts, &dump).into())
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    multipart::boundary(headers.get(header::CONTENT_TYPE)?.to_str().ok()?)
}

fn broken_form(error: MultipartError) -> Refusal {
    match error {
        MultipartError::TooManyParts => Refusal::TooLarge(error.to_string()),
        MultipartError::NoBoundary | MultipartError::Part(_) => Refusal::Event("the form cannot be taken apart"),
    }
}

/// What is said in the address, and in a body of JSON, whose word counts more.
pub fn check_in(received: &[u8], content_encoding: &str, query: Option<&str>, slug: &str, limit: usize) -> Result<Bytes, Refusal> {
    let decoded = encoding::decode(content_encoding, received, limit)?;
    let mut fields: Object<'_> = Object::new();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match name.as_ref() {
            "status" | "check_in_id" | "environment" | "release" => fields.insert(name.into_owned(), value.into_owned().into()),
            "duration" => {
                fields.insert("duration", value.parse::<u64>().map_or_else(|_| json_number(&value), |whole| Json::Number(whole.into())))
            }
            _ => {}
        }
    }
    if !decoded.trim_ascii().is_empty() {
        let sent = json::parse_object(&decoded).map_err(|_| Refusal::Event("the body of a check-in is a JSON object"))?;
        sent.into_iter().for_each(|(name, value)| fields.insert(name, value));
    }
    fields.insert("monitor_slug", slug.to_owned().into());
    if fields.get("status").and_then(Json::as_str).and_then(check_in::status).is_none() {
        return Err(Refusal::Event("a check-in has a status: in_progress, ok or error"));
    }
    let header: Object<'_> = [("type".into(), Json::from("check_in"))].into_iter().collect();
    let payload = Json::Object(fields).to_string();
    Ok(envelope::write(b"{}", &[(&header, payload.as_bytes())]).into())
}

/// A fraction; anything else is none.
fn json_number(text: &str) -> Json<'static> {
    json::parse(text.as_bytes()).map(Json::into_owned).unwrap_or(Json::Null)
}

fn of_address(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let known = pairs.filter(|(name, value)| OF_ADDRESS.contains(&name.as_ref()) && !value.is_empty());
    known.map(|(name, value)| (name.into_owned(), value.chars().take(NAME_LEN_MAX).collect()))
}
