//! What follows from an event's fields: its culprit, and the tags people filter by.

use super::tags::TAG_LEN_MAX;
use crate::protocol::event::{Event, Frame, Text, User};
use crate::protocol::json::Json;

/// Contexts of a product with a version, and the tag that has its name alone.
const PRODUCTS: [(&str, &str); 4] =
    [("browser", "browser.name"), ("os", "os.name"), ("client_os", "client_os.name"), ("runtime", "runtime.name")];

/// Where it happened: the client's word, else the transaction, else the failing function of the application.
pub(super) fn culprit(event: &mut Event<'_>) {
    if event.culprit.is_none() {
        event.culprit = event.transaction.clone().or_else(|| failing_function(event).map(Text::Owned));
    }
}

fn failing_function(event: &Event<'_>) -> Option<String> {
    let of_exception = event.exceptions.iter().rev().map(|exception| exception.frames()).find(|frames| !frames.is_empty());
    let bare = event.stacktrace.as_ref().map(|stacktrace| stacktrace.frames.as_slice());
    let frames = of_exception.or(bare)?;
    let frame = frames.iter().rev().find(|frame| frame.in_app == Some(true)).or(frames.last())?;
    Some(place(frame)).filter(|place| !place.is_empty()).map(|place| shortened(place.into()).into_owned())
}

fn place(frame: &Frame<'_>) -> String {
    let file = frame.module.as_deref().or(frame.filename.as_deref()).or(frame.abs_path.as_deref()).unwrap_or_default();
    match frame.function.as_deref() {
        Some(function) if file.is_empty() => function.to_owned(),
        Some(function) => format!("{file} in {function}"),
        None => file.to_owned(),
    }
}

/// Adds the tags that Sentry's users filter by, unless the application set them itself.
pub(super) fn tags(event: &mut Event<'_>) {
    let mechanism = event.exceptions.last().and_then(|exception| exception.mechanism.as_ref());
    let handled = mechanism.and_then(|mechanism| mechanism.handled);
    let request = event.request.as_ref();
    let named = [
        ("level", event.level.map(|level| Text::Borrowed(level.name()))),
        ("environment", event.environment.clone()),
        ("release", event.release.clone()),
        ("dist", event.dist.clone()),
        ("server_name", event.server_name.clone()),
        ("transaction", event.transaction.clone()),
        ("url", request.and_then(|request| request.url.clone())),
        ("logger", event.logger.clone()),
        ("handled", handled.map(|handled| Text::Borrowed(if handled { "yes" } else { "no" }))),
        ("mechanism", mechanism.and_then(|mechanism| mechanism.kind.clone())),
        ("user", event.user.as_ref().and_then(person)),
        ("site", event.other.get("site").and_then(Json::as_str).map(|site| site.trim().to_owned().into())),
        ("device", context_text(event, "device", "model")),
        ("device.family", context_text(event, "device", "family")),
    ];
    let products = PRODUCTS.map(|(context, name)| {
        let product = context_text(event, context, "name");
        let whole = product.clone().map(|product| match context_text(event, context, "version") {
            Some(version) => format!("{product} {version}").into(),
            None => product,
        });
        [(name, product), (context, whole)]
    });
    for (key, value) in named.into_iter().chain(products.into_iter().flatten()) {
        let value = value.filter(|value| !value.is_empty());
        if let Some(value) = value.filter(|_| !event.tags.iter().any(|(known, _)| known == key)) {
            event.tags.push((key.into(), shortened(value)));
        }
    }
}

/// `id:42`: the first thing known about a person that tells them apart.
fn person<'a>(user: &User<'a>) -> Option<Text<'a>> {
    let known = [("id", &user.id), ("username", &user.username), ("email", &user.email), ("ip", &user.ip_address)];
    known.into_iter().find_map(|(kind, value)| value.as_ref().map(|value| format!("{kind}:{value}").into()))
}

fn context_text<'a>(event: &Event<'a>, context: &str, field: &str) -> Option<Text<'a>> {
    match event.contexts.get(context)?.get(field)? {
        Json::Text(text) if text.trim().len() == text.len() => Some(text.clone()),
        Json::Text(text) => Some(text.trim().to_owned().into()),
        Json::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// One line of at most the length of a tag.
fn shortened(text: Text<'_>) -> Text<'_> {
    if text.len() <= TAG_LEN_MAX && !text.chars().any(char::is_control) {
        return text;
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TAG_LEN_MAX).collect::<String>().into()
}
