//! Counters against the rows they summarize, of one project at a time, all within one snapshot. Nothing is collected here: pairs of a counter
//! and what it should be are streamed to whoever asks, so that memory does not grow with the project.
//!
//! What can be compared for ever: what an issue counts, because what is removed from `events` is noted in `absent_events`. What is kept by
//! the hour can be compared for as long as the hours are kept; [`Since`] says from when on.

use time::OffsetDateTime;

use super::{Db, Tx, begin};
use crate::domain::ids::ProjectId;

mod arrivals;
mod attachments;
mod issues;
mod names;

/// From which hour on rows of each kind are certainly there.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// Hours of issues and projects, and the accounting.
    pub hours: OffsetDateTime,
    /// Minutes of issues.
    pub minutes: OffsetDateTime,
    /// Ids of events.
    pub ids: OffsetDateTime,
}

/// A counter beside what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Table and column.
    pub counter: String,
    /// Which row: the issue, and the hour or the name.
    pub row: String,
    /// What the counter says.
    pub counted: i64,
    /// What the rows say.
    pub found: i64,
}

/// A transaction that sees one moment and changes nothing. It holds up nobody but the removal of whole days.
pub async fn snapshot(db: &Db) -> sqlx::Result<Tx> {
    let mut tx = begin(db).await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
    Ok(tx)
}

/// Compares all counters of a project, one after the other.
pub async fn compare(tx: &mut Tx, project: ProjectId, since: Since, each: &mut impl FnMut(Pair)) -> sqlx::Result<()> {
    issues::against_events(tx, project, since, each).await?;
    issues::people(tx, project, each).await?;
    issues::minutes(tx, project, since, each).await?;
    names::tags(tx, project, each).await?;
    names::releases(tx, project, each).await?;
    attachments::chunks(tx, project, each).await?;
    arrivals::hours(tx, project, since, each).await
}

/// Hands on a stream of pairs, one at a time.
macro_rules! stream_pairs {
    ($tx:expr, $each:expr, $($query:tt)*) => {{
        let mut rows = sqlx::query_as!(super::Pair, $($query)*).fetch(&mut **$tx);
        while let Some(pair) = futures_util::TryStreamExt::try_next(&mut rows).await? {
            $each(pair);
        }
        Ok(())
    }};
}
use stream_pairs;
