//! What follows from an event's fields: its culprit, and the tags people filter by.

use serde_json::Value;

use super::tags::TAG_LEN_MAX;
use crate::protocol::event::{Event, Frame, User};

/// Where it happened: the client's word, else the transaction, else the failing function of the application.
pub(super) fn culprit(event: &mut Event) {
    if event.culprit.is_none() {
        event.culprit = event.transaction.clone().or_else(|| failing_function(event));
    }
}

fn failing_function(event: &Event) -> Option<String> {
    let of_exception = event.exceptions.iter().rev().map(|exception| exception.frames()).find(|frames| !frames.is_empty());
    let bare = event.stacktrace.as_ref().map(|stacktrace| stacktrace.frames.as_slice());
    let frames = of_exception.or(bare)?;
    let frame = frames.iter().rev().find(|frame| frame.in_app == Some(true)).or(frames.last())?;
    Some(place(frame)).filter(|place| !place.is_empty()).map(|place| shortened(&place))
}

fn place(frame: &Frame) -> String {
    let file = frame.module.as_deref().or(frame.filename.as_deref()).or(frame.abs_path.as_deref()).unwrap_or_default();
    match frame.function.as_deref() {
        Some(function) if file.is_empty() => function.to_owned(),
        Some(function) => format!("{file} in {function}"),
        None => file.to_owned(),
    }
}

/// Adds the tags that Sentry's users filter by, unless the application set them itself.
pub(super) fn tags(event: &mut Event) {
    let mechanism = event.exceptions.last().and_then(|exception| exception.mechanism.as_ref());
    let handled = mechanism.and_then(|mechanism| mechanism.handled);
    let request = event.request.as_ref();
    let mut derived = vec![
        ("level", event.level.map(|level| level.name().to_owned())),
        ("environment", event.environment.clone()),
        ("release", event.release.clone()),
        ("dist", event.dist.clone()),
        ("server_name", event.server_name.clone()),
        ("transaction", event.transaction.clone()),
        ("url", request.and_then(|request| request.url.clone())),
        ("logger", event.logger.clone()),
        ("handled", handled.map(|handled| if handled { "yes" } else { "no" }.to_owned())),
        ("mechanism", mechanism.and_then(|mechanism| mechanism.kind.clone())),
        ("user", event.user.as_ref().and_then(person)),
        ("device", context_text(event, "device", "model")),
        ("device.family", context_text(event, "device", "family")),
    ];
    for (context, whole, name) in [("browser", "browser", "browser.name"), ("os", "os", "os.name"), ("runtime", "runtime", "runtime.name")]
    {
        let (product, version) = (context_text(event, context, "name"), context_text(event, context, "version"));
        derived.push((name, product.clone()));
        derived.push((whole, product.map(|product| version.map_or(product.clone(), |version| format!("{product} {version}")))));
    }
    for (key, value) in derived {
        let value = value.filter(|value| !value.is_empty());
        if let Some(value) = value.filter(|_| !event.tags.iter().any(|(known, _)| known == key)) {
            event.tags.push((key.to_owned(), shortened(&value)));
        }
    }
}

/// `id:42`: the first thing known about a person that tells them apart.
fn person(user: &User) -> Option<String> {
    let known = [("id", &user.id), ("username", &user.username), ("email", &user.email), ("ip", &user.ip_address)];
    known.into_iter().find_map(|(kind, value)| value.as_ref().map(|value| format!("{kind}:{value}")))
}

fn context_text(event: &Event, context: &str, field: &str) -> Option<String> {
    match event.contexts.get(context)?.get(field)? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One line of at most the length of a tag.
fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TAG_LEN_MAX).collect()
}
