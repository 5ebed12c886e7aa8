//! A crash of a native program: a minidump, kept as an attachment, and the event that says so. What the dump says without symbols is in it;
//! the fields of the form beside it are those of the event.

use serde_json::{Map, Value, json};

use super::event::{self, Source};
use super::item::Cx;
use super::reading::Reading;
use crate::domain::attachment::MINIDUMP;
use crate::domain::outcome::Outcome;
use crate::protocol::category::Category;
use crate::protocol::envelope::Item;
use crate::protocol::minidump::{self, Crash};
use crate::protocol::upload::{self, Fields};

/// What an envelope has said of a crash so far.
#[derive(Debug, Default)]
pub struct Found {
    /// Of the first minidump.
    crash: Option<Crash>,
    /// The form beside it.
    fields: Option<Fields>,
}

/// Looks into an attachment before it is judged: the event does not depend on whether the dump can be kept.
pub fn note(item: &Item<'_>, cx: &mut Cx<'_>) {
    if item.header.get("attachment_type").and_then(|kind| kind.as_str()) == Some(MINIDUMP) && cx.found.crash.is_none() {
        cx.found.crash = Some(minidump::read(item.payload).unwrap_or_default());
    }
}

/// Reads `form_data`.
pub fn read_form(item: &Item<'_>, cx: &mut Cx<'_>) {
    cx.found.fields = Some(upload::read_fields(item.payload));
}

/// When all of the envelope was read: the event of a dump that came without one.
pub fn settle(cx: &mut Cx<'_>, reading: &mut Reading) {
    let Found { crash, fields } = std::mem::take(&mut cx.found);
    let has_form = fields.is_some();
    match crash {
        Some(crash) if cx.event_count == 0 => {
            let json = event_of(&crash, fields.unwrap_or_default()).to_string();
            cx.lead = event::read(&Source::Sent { json: json.as_bytes(), sent_at: cx.sent_at }, cx, reading);
            cx.event_count = 1;
        }
        _ if has_form => reading.tally(Category::Error, Outcome::Unsupported, 1),
        _ => {}
    }
}

fn event_of(crash: &Crash, fields: Fields) -> Value {
    let mut event = upload::event_of(fields);
    let mut or = |name: &str, value: Value| {
        event.entry(name).or_insert(value);
    };
    or("platform", json!("native"));
    or("level", json!("fatal"));
    if let Some(written_at) = crash.written_at {
        or("timestamp", json!(written_at));
    }
    or("exception", json!({ "values": [exception(crash)] }));
    let contexts = event.entry("contexts").or_insert_with(|| json!({}));
    if let Value::Object(contexts) = contexts {
        complete(contexts, crash);
    }
    Value::Object(event)
}

/// The message holds no address: those change with every start of the program, and the issue does not.
fn exception(crash: &Crash) -> Value {
    let mut exception = json!({
        "type": crash.reason.as_deref().unwrap_or("Minidump"),
        "value": match (&crash.module, &crash.program) {
            (Some((module, _)), _) => format!("Crash in {module}"),
            (None, Some(program)) => format!("Crash of {program}"),
            (None, None) => "Crash of a native program".to_owned(),
        },
        "mechanism": { "type": "minidump", "handled": false },
    });
    if let Some((module, offset)) = &crash.module {
        let address = crash.address.map(|address| format!("0x{address:x}"));
        let frame = json!({
            "package": module, "function": format!("{module}+0x{offset:x}"), "instruction_addr": address, "in_app": true,
        });
        exception["stacktrace"] = json!({ "frames": [frame] });
    }
    exception
}

fn complete(contexts: &mut Map<String, Value>, crash: &Crash) {
    if let Some(system) = crash.system {
        contexts.entry("os").or_insert_with(|| json!({ "name": system }));
    }
    if let Some(processor) = crash.processor {
        contexts.entry("device").or_insert_with(|| json!({ "arch": processor }));
    }
    let address = crash.address.map(|address| format!("0x{address:x}"));
    contexts.entry("minidump").or_insert_with(|| json!({ "reason": crash.reason, "address": address, "program": crash.program }));
}
