//! What doors ask about grouping. `app` wires who answers: doors do not group events.

use std::pin::Pin;

use crate::domain::anatomy::Anatomy;
use crate::domain::grouping_rules::GroupingRules;
use crate::domain::ids::ProjectId;
use crate::domain::rehearsal::Rehearsal;
use crate::protocol::event::Event;
use crate::store::Db;
use crate::store::payload::library::Library;

/// Whoever knows how events are grouped.
pub trait GroupingDesk: Send + Sync {
    /// Tries rules on the events of a project that are stored last. Takes seconds at most; nothing is written.
    fn rehearse<'a>(
        &'a self,
        db: &'a Db,
        library: &'a Library,
        project: ProjectId,
        draft: GroupingRules,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<Rehearsal>> + Send + 'a>>;

    /// How a stored event is grouped, piece by piece, as it was when it was stored.
    fn explain(&self, event: &Event<'_>) -> Anatomy;
}
