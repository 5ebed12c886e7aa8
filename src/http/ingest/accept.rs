//! Accepting a request, in the order of what it costs: who sends, is there room, receive, look inside, keep, answer.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::atomic::Ordering::Relaxed;
use time::OffsetDateTime;
use tracing::{debug, error};

use super::address::{Address, Takes};
use super::body;
use super::budget::Budget;
use super::inspect::{self, Inspected, ItemFault};
use super::limiter::Silence;
use super::limits::{self, Passed};
use super::refusal::Refusal;
use super::silence;
use crate::config::Limits;
use crate::domain::accounting::Refused;
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;
use crate::http::Doors;
use crate::http::shared::client_address::ClientAddress;
use crate::protocol::auth::{self, AuthError, Carriers, Credentials};
use crate::protocol::dsn::Dsn;
use crate::protocol::encoding;
use crate::protocol::receipt::{BodyForm, Receipt};
use crate::spool::AppendError;
use crate::store::counters;

/// Bodies up to this size, as received and decoded, are decoded where they are; larger ones where they hold up nobody.
const SMALL_BODY_BYTES: usize = 64 << 10;
const SMALL_DECODED_BYTES: usize = 1 << 20;
/// Longest `User-Agent` kept, in characters.
const USER_AGENT_LEN_MAX: usize = 500;

/// `{"id": …}`, or `{}` where there is no event to name. SDKs look at the status and ignore what else there is.
#[derive(Default, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EventId>,
    /// Items that are not kept, while others are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ItemFault>,
}

/// One request from its arrival to its answer.
pub async fn accept(doors: &Doors, address: &Address<'_>, parts: &Parts, body: &mut Body) -> Response {
    let mut known = None;
    let answer = match try_accept(doors, address, parts, body, &mut known).await {
        Ok(Accepted { answer, silences }) => {
            let mut answer = worded(answer, address.takes);
            silence::tell(&silences, &mut answer);
            answer
        }
        Err(refusal) => {
            debug!(project.id = address.project, "refused what was sent: {refusal}");
            account(doors, known, address.takes, &refusal);
            if !matches!(refusal, Refusal::TooSlow | Refusal::Unreadable) {
                body::drain(body).await;
            }
            refusal.into_response()
        }
    };
    doors.ingest.counters.answered(answer.status());
    answer
}

/// Crash handlers show the id to people, in the form they know.
fn worded(answer: Answer, takes: Takes) -> Response {
    match (takes, answer.id) {
        (Takes::Minidump, Some(id)) => id.0.hyphenated().to_string().into_response(),
        (Takes::Files(_), _) => (StatusCode::CREATED, Json(answer)).into_response(),
        _ => Json(answer).into_response(),
    }
}

/// What is refused of a project is accounted for like what is digested. A body that cannot be taken apart counts as one item.
fn account(doors: &Doors, known: Option<(ProjectId, OffsetDateTime)>, takes: Takes, refusal: &Refusal) {
    let (Some((project_id, at)), Some(outcome)) = (known, refusal.outcome()) else { return };
    let category = takes.category().name();
    doors.accounting.refuse(Refused { project_id, hour: counters::hour(at), category, outcome }, 1);
}

/// What there is to answer.
struct Accepted {
    answer: Answer,
    /// What the sender should keep to itself for a while.
    silences: Vec<Silence>,
}

/// `known`: who sends, once that is certain, for the accounting of what is refused afterwards.
async fn try_accept(
    doors: &Doors,
    address: &Address<'_>,
    parts: &Parts,
    body: &mut Body,
    known: &mut Option<(ProjectId, OffsetDateTime)>,
) -> Result<Accepted, Refusal> {
    let received_at = doors.clock.now();
    let of_path = address.project.map(project_id).transpose()?;
    address.takes.check_content_type(&parts.headers)?;
    let credentials = early_credentials(parts, of_path, address)?;
    if let Some(credentials) = &credentials {
        let project = authorize(doors, received_at, credentials, of_path).await?;
        *known = Some((project, received_at));
        limits::before_body(doors, &limits::sender(doors, project, &credentials.public_key), address.takes.category(), received_at)?;
    }
    doors.spool.room().map_err(|error| unavailable(doors, error))?;
    let encoding = content_encoding(&parts.headers)?;

    let mut share = doors.ingest.budget.share();
    let limits = doors.config.limits;
    let received = body::receive(body, &parts.headers, address.takes.bytes_max(limits), &mut share).await?;
    doors.ingest.counters.body_bytes.fetch_add(received.len() as u64, Relaxed);
    let (received, encoding) = enclosed(doors, address, received, encoding, parts).await?;
    let form = address.takes.form();
    let inspected = inspect_body(&doors.ingest.budget, limits, form, &encoding, &received).await?;
    let credentials = match (credentials, inspected.dsn.as_ref()) {
        (Some(credentials), None) => credentials,
        // A DSN in the envelope must say what the other carriers said.
        (Some(_), dsn) => auth::read(&carriers(parts, address.key, dsn), known.map(|(project, _)| project))?,
        (None, dsn) => {
            let credentials = auth::read(&carriers(parts, address.key, dsn), of_path)?;
            let project = of_path.or(dsn.map(|dsn| dsn.project_id));
            *known = Some((authorize(doors, received_at, &credentials, project).await?, received_at));
            credentials
        }
    };
    let Some((project, _)) = *known else { return Err(Refusal::NotAllowed) };
    if inspected.items.is_empty() {
        return Ok(Accepted { answer: Answer::default(), silences: Vec::new() });
    }
    let sender = limits::sender(doors, project, &credentials.public_key);
    let Passed { body, is_rewritten, item_count, silences } = limits::pass(doors, &sender, &inspected, &encoding, received, received_at)?;
    let encoding = if is_rewritten { String::new() } else { encoding };
    let receipt = receipt(doors, parts, Arrived { project, received_at, form, encoding }, credentials, &inspected);
    keep(doors, &receipt, body).await?;
    doors.ingest.counters.accepted_items.fetch_add(item_count, Relaxed);
    let id = (inspected.has_event || inspected.event_id.is_some()).then_some(receipt.event_id);
    Ok(Accepted { answer: Answer { id, errors: inspected.faults }, silences })
}

fn project_id(raw: &str) -> Result<ProjectId, Refusal> {
    let is_number = raw.bytes().all(|byte| byte.is_ascii_digit());
    raw.parse().ok().filter(|_| is_number).map(ProjectId).ok_or(Refusal::ProjectPath)
}

/// The credentials outside the body. An envelope may bring its own; so only there is `None` not an error.
fn early_credentials(parts: &Parts, project: Option<ProjectId>, address: &Address<'_>) -> Result<Option<Credentials>, Refusal> {
    match auth::read(&carriers(parts, address.key, None), project) {
        Ok(credentials) => Ok(Some(credentials)),
        Err(AuthError::Missing) if address.takes == Takes::Envelope => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn carriers<'a>(parts: &'a Parts, path: Option<&'a str>, dsn: Option<&'a Dsn>) -> Carriers<'a> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    Carriers { x_sentry_auth: header("x-sentry-auth"), authorization: header("authorization"), query: parts.uri.query(), path, dsn }
}

/// The project of the key, which must be the one that the path or the envelope names.
async fn authorize(doors: &Doors, now: OffsetDateTime, credentials: &Credentials, named: Option<ProjectId>) -> Result<ProjectId, Refusal> {
    match doors.keys.project_of(&doors.db, now, &credentials.public_key).await {
        Ok(Some(project)) if named.is_none_or(|named| named == project) => Ok(project),
        Ok(_) => Err(Refusal::NotAllowed),
        Err(error) => {
            doors.ingest.outage.refused(&format_args!("{error}: the database does not answer"));
            Err(Refusal::Unavailable("the key cannot be checked now"))
        }
    }
}

/// All `Content-Encoding` headers as one list.
fn content_encoding(headers: &HeaderMap) -> Result<String, Refusal> {
    let values: Vec<_> = headers.get_all(header::CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok()).collect();
    let joined = values.join(", ");
    if encoding::is_supported(&joined) { Ok(joined) } else { Err(Refusal::Encoding("use gzip, deflate, br, zstd or none".into())) }
}

/// The body as it goes into the spool, with its encoding. Forms are taken apart like other large bodies.
async fn enclosed(
    doors: &Doors,
    address: &Address<'_>,
    received: Bytes,
    encoding: String,
    parts: &Parts,
) -> Result<(Bytes, String), Refusal> {
    let limits = doors.config.limits;
    if !address.takes.is_form() {
        return address.enclosed(received, encoding, &parts.uri, &parts.headers, limits);
    }
    let _turn = doors.ingest.budget.decode_turn().await;
    let (form, uri, headers) = (address.of_form(), parts.uri.clone(), parts.headers.clone());
    let enclosed = tokio::task::spawn_blocking(move || form.enclosed(received, encoding, &uri, &headers, limits)).await;
    enclosed.unwrap_or_else(|error| {
        error!("taking a form apart failed: {error}");
        Err(Refusal::Unavailable("internal error"))
    })
}

async fn inspect_body(budget: &Budget, limits: Limits, form: BodyForm, encoding: &str, received: &Bytes) -> Result<Inspected, Refusal> {
    if let Some(inspected) = inspect::glance(form, encoding, received, limits) {
        return Ok(inspected);
    }
    if received.len() <= SMALL_BODY_BYTES {
        let small = Limits { envelope_bytes: limits.envelope_bytes.min(SMALL_DECODED_BYTES), ..limits };
        match inspect::body(form, encoding, received, small) {
            // Perhaps a bomb, perhaps what compresses well: looked at again like other large ones.
            Err(Refusal::TooLarge(_)) => {}
            inspected => return inspected,
        }
    }
    let _turn = budget.decode_turn().await;
    let (encoding, received) = (encoding.to_owned(), received.clone());
    let inspected = tokio::task::spawn_blocking(move || inspect::body(form, &encoding, &received, limits)).await;
    inspected.unwrap_or_else(|error| {
        error!("inspecting a body failed: {error}");
        Err(Refusal::Unavailable("internal error"))
    })
}

struct Arrived {
    project: ProjectId,
    received_at: OffsetDateTime,
    form: BodyForm,
    encoding: String,
}

fn receipt(doors: &Doors, parts: &Parts, arrived: Arrived, credentials: Credentials, inspected: &Inspected) -> Receipt {
    let ClientAddress(client_ip) = ClientAddress::of(parts, &doors.config.trusted_proxies);
    let user_agent = parts.headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    Receipt {
        project_id: arrived.project,
        received_at: arrived.received_at,
        form: arrived.form,
        encoding: arrived.encoding,
        event_id: inspected.event_id.unwrap_or_else(EventId::random),
        client_ip: client_ip.map(|ip| ip.to_string()),
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_LEN_MAX).collect()),
        sdk: credentials.client,
    }
}

/// Returns once the body is durable.
async fn keep(doors: &Doors, receipt: &Receipt, received: Bytes) -> Result<(), Refusal> {
    let meta = serde_json::to_vec(receipt).map_err(|error| {
        error!("a receipt could not be written as JSON: {error}");
        Refusal::Unavailable("internal error")
    })?;
    doors.spool.append(receipt.project_id.lane(), &meta, received).await.map_err(|error| unavailable(doors, error))?;
    doors.ingest.outage.kept();
    Ok(())
}

/// Paths and sizes stay in the log.
fn unavailable(doors: &Doors, error: AppendError) -> Refusal {
    doors.ingest.outage.refused(&error);
    match error {
        AppendError::Full { .. } => Refusal::Unavailable("the spool is full"),
        AppendError::Stuck { .. } => Refusal::Unavailable("what was accepted could not be stored for too long"),
        AppendError::DiskLow { .. } => Refusal::Unavailable("the disk is nearly full"),
        AppendError::Busy => Refusal::Unavailable("too many requests at a time"),
        AppendError::Failed(_) => Refusal::Unavailable("the disk does not take it"),
        AppendError::Closed => Refusal::Unavailable("shutting down"),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_small_body_that_is_large_when_decoded_waits_its_turn_and_a_small_one_does_not() {
        let limits = Limits { event_bytes: 1 << 20, envelope_bytes: 20 << 20, attachment_bytes: 20 << 20 };
        let budget = Budget::default();
        let mut turns = Vec::new();
        while let Some(Some(turn)) = budget.decode_turn().now_or_never() {
            turns.push(turn);
        }
        let packed = |text: &[u8]| Bytes::from(zstd::encode_all(text, 1).expect("in memory"));
        let (small, bomb) = (packed(b"{}\n{\"type\":\"session\"}\n{}\n"), packed(&vec![b' '; 21 << 20]));
        assert!(bomb.len() <= SMALL_BODY_BYTES);
        let answer = inspect_body(&budget, limits, BodyForm::Envelope, "zstd", &small).now_or_never();
        assert!(matches!(answer, Some(Ok(_))));
        let mut waiting = pin!(inspect_body(&budget, limits, BodyForm::Envelope, "zstd", &bomb));
        assert!(waiting.as_mut().now_or_never().is_none(), "all turns are taken");
        drop(turns);
        assert!(matches!(waiting.await, Err(Refusal::TooLarge(_))));
    }
}
