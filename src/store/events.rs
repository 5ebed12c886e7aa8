//! `events`: one row per stored event. Writing only; reading is in `event_reads`.

use time::OffsetDateTime;

use super::{Tx, copy};
use crate::domain::event_id::EventId;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};

/// A row to insert. Texts are free of NUL (`store::text`).
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// Whose event.
    pub project_id: ProjectId,
    /// Already taken in `event_ids`.
    pub event_id: EventId,
    /// Where its fingerprint led.
    pub issue_id: IssueId,
    /// Arrival; chooses the partition.
    pub received_at: OffsetDateTime,
    /// The client's time after drift correction, within the retention.
    pub occurred_at: OffsetDateTime,
    /// `domain::level::Level::number`.
    pub level: i16,
    /// `Type: first line`, at most 256 characters.
    pub title: &'a str,
    /// Deployment it happened in.
    pub environment: Option<&'a str>,
    /// Version it happened in.
    pub release: Option<&'a str>,
    /// Route, task or command.
    pub transaction: Option<&'a str>,
    /// What to call the person in a list.
    pub user_label: Option<&'a str>,
    /// Trace it belongs to, as 32 hex digits.
    pub trace_id: Option<&'a str>,
    /// 0 to 4: one point each for request, user, locals, trace.
    pub has_context: i16,
    /// The fingerprint that decided.
    pub hash: Hash,
    /// What `payload` is compressed against; 0: nothing.
    pub dictionary_id: i32,
    /// `store::payload` of the event's JSON.
    pub payload: &'a [u8],
}

/// Inserts the rows.
pub async fn insert(tx: &mut Tx, events: &[NewEvent<'_>]) -> sqlx::Result<()> {
    let statement =
        "COPY events (project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction,
            user_label, trace_id, has_context, hash, dictionary_id, payload) FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, events, 16, |row, event| {
        row.int8(event.project_id.0).bytes(event.event_id.0.as_bytes()).int8(event.issue_id.0);
        row.time(event.received_at).time(event.occurred_at).int2(event.level).text(event.title);
        row.maybe_text(event.environment).maybe_text(event.release).maybe_text(event.transaction);
        row.maybe_text(event.user_label).maybe_text(event.trace_id);
        row.int2(event.has_context).bytes(&event.hash).int4(event.dictionary_id).bytes(event.payload);
    })
    .await
}
