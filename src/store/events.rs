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

/// Inserts the rows.
pub async fn insert(tx: &mut Tx, events: &[NewEvent<'_>]) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&NewEvent<'_>) -> i64| events.iter().map(of).collect::<Vec<i64>>();
    sqlx::query!(
        r#"
        INSERT INTO events (project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction,
            user_label, trace_id, has_context, hash, dictionary_id, payload)
        SELECT project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction,
            user_label, trace_id, has_context, hash, $16, payload
        FROM unnest($1::int8[], $2::uuid[], $3::int8[], $4::timestamptz[], $5::timestamptz[], $6::int2[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::text[], $13::int2[], $14::bytea[], $15::bytea[])
            AS u (project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction,
            user_label, trace_id, has_context, hash, payload)
        "#,
        &column(|event| event.project_id.0),
        &events.iter().map(|event| event.event_id.0).collect::<Vec<_>>(),
        &column(|event| event.issue_id.0),
        &events.iter().map(|event| event.received_at).collect::<Vec<_>>(),
        &events.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
        &events.iter().map(|event| event.level).collect::<Vec<_>>(),
        &events.iter().map(|event| event.title).collect::<Vec<_>>() as &[&str],
        &events.iter().map(|event| event.environment).collect::<Vec<_>>() as &[Option<&str>],
        &events.iter().map(|event| event.release).collect::<Vec<_>>() as &[Option<&str>],
        &events.iter().map(|event| event.transaction).collect::<Vec<_>>() as &[Option<&str>],
        &events.iter().map(|event| event.user_label).collect::<Vec<_>>() as &[Option<&str>],
        &events.iter().map(|event| event.trace_id).collect::<Vec<_>>() as &[Option<&str>],
        &events.iter().map(|event| event.has_context).collect::<Vec<_>>(),
        &events.iter().map(|event| &event.hash[..]).collect::<Vec<_>>() as &[&[u8]],
        &events.iter().map(|event| event.payload).collect::<Vec<_>>() as &[&[u8]],
        NO_DICTIONARY,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
