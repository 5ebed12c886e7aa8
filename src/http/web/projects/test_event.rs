//! "Let Bugle send one for me": an event as an SDK would send it, on the same way as every other, the spool included.

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::json;

use crate::domain::event_id::EventId;
use crate::domain::project::Project;
use crate::http::Doors;
use crate::protocol::receipt::{BodyForm, Receipt};

/// Puts a test event into the spool. When it returns, the event is durable.
pub async fn send(doors: &Doors, project: &Project) -> anyhow::Result<()> {
    let (event_id, now) = (EventId::random(), doors.clock.now());
    let event = json!({
        "event_id": event_id.to_string(),
        "timestamp": now.unix_timestamp(),
        "platform": "python",
        "level": "error",
        "logger": "bugle.test",
        "environment": "test",
        "tags": { "sent_by": "bugle" },
        "exception": { "values": [{
            "type": "TestEvent",
            "value": "Bugle can hear you: this is what an error looks like",
            "mechanism": { "type": "bugle", "handled": true },
            "stacktrace": { "frames": [{
                "filename": "hello/views.py",
                "abs_path": "/srv/hello/views.py",
                "module": "hello.views",
                "function": "greet",
                "lineno": 12,
                "in_app": true,
                "pre_context": ["def greet(request):", "    name = request.GET.get(\"name\")"],
                "context_line": "    raise TestEvent(\"Bugle can hear you\")",
                "post_context": ["    return HttpResponse(f\"Hello, {name}\")"],
                "vars": { "name": "'world'" }
            }] }
        }] },
        "breadcrumbs": { "values": [{ "timestamp": now.unix_timestamp() - 2, "category": "navigation", "message": format!("opened the setup of {}", project.name) }] },
    });
    let receipt = Receipt {
        project_id: project.id,
        received_at: now,
        form: BodyForm::Store,
        encoding: String::new(),
        event_id,
        client_ip: None,
        user_agent: Some(format!("bugle/{}", env!("CARGO_PKG_VERSION"))),
        sdk: None,
    };
    let meta = serde_json::to_vec(&receipt).context("writing the receipt of a test event")?;
    doors.spool.append(project.id.lane(), &meta, Bytes::from(event.to_string())).await.context("keeping a test event")
}
