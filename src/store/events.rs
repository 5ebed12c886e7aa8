//! `events`: one row per stored event. Writing only; reading is in `event_reads`.

use time::OffsetDateTime;

use super::Tx;
use super::payload::NO_DICTIONARY;
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
    /// `store::payload::encode` of the event's JSON.
    pub payload: &'a [u8],
}

/// Signature, no flags, no extension.
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const COPY_END: [u8; 2] = (-1i16).to_be_bytes();
const COLUMN_COUNT: i16 = 16;
/// Rows are sent in pieces of about this size, so that a batch is not in memory once more as a whole.
const CHUNK_BYTES: usize = 256 << 10;
/// Postgres counts from here.
const EPOCH: OffsetDateTime = time::macros::datetime!(2000-01-01 00:00 UTC);

/// Inserts the rows, by COPY: half the work for Postgres of an INSERT from arrays, which it would first put together and take apart.
pub async fn insert(tx: &mut Tx, events: &[NewEvent<'_>]) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let statement =
        "COPY events (project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction,
            user_label, trace_id, has_context, hash, dictionary_id, payload) FROM STDIN (FORMAT binary)";
    let mut copy = tx.copy_in_raw(statement).await?;
    let mut rows = Rows(COPY_HEADER.to_vec());
    for event in events {
        rows.event(event);
        if rows.0.len() >= CHUNK_BYTES {
            copy.send(rows.0.as_slice()).await?;
            rows.0.clear();
        }
    }
    rows.0.extend(COPY_END);
    copy.send(rows.0).await?;
    copy.finish().await?;
    Ok(())
}

/// Rows in the binary format of COPY: each field with its length, -1 for null, numbers in network order.
struct Rows(Vec<u8>);

impl Rows {
    fn event(&mut self, event: &NewEvent<'_>) {
        self.0.extend(COLUMN_COUNT.to_be_bytes());
        self.field(&event.project_id.0.to_be_bytes());
        self.field(event.event_id.0.as_bytes());
        self.field(&event.issue_id.0.to_be_bytes());
        self.time(event.received_at);
        self.time(event.occurred_at);
        self.field(&event.level.to_be_bytes());
        self.field(event.title.as_bytes());
        for text in [event.environment, event.release, event.transaction, event.user_label, event.trace_id] {
            self.text(text);
        }
        self.field(&event.has_context.to_be_bytes());
        self.field(&event.hash);
        self.field(&NO_DICTIONARY.to_be_bytes());
        self.field(event.payload);
    }

    fn field(&mut self, bytes: &[u8]) {
        let len = i32::try_from(bytes.len()).expect("events are limited to far less than 2 GiB");
        self.0.extend(len.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.field(text.as_bytes()),
            None => self.0.extend((-1i32).to_be_bytes()),
        }
    }

    /// Microseconds.
    fn time(&mut self, time: OffsetDateTime) {
        let micros = i64::try_from((time - EPOCH).whole_microseconds()).unwrap_or(i64::MAX);
        self.field(&micros.to_be_bytes());
    }
}
