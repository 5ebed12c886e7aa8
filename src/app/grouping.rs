//! What the doors ask about grouping, answered by the rooms that they may not enter.

use std::pin::Pin;

use crate::digest;
use crate::domain::anatomy::Anatomy;
use crate::domain::grouping_rules::GroupingRules;
use crate::domain::ids::ProjectId;
use crate::domain::rehearsal::Rehearsal;
use crate::http::shared::grouping::GroupingDesk;
use crate::protocol::event::Event;
use crate::store::Db;
use crate::store::payload::library::Library;

/// Answers from `digest`.
#[derive(Clone, Copy, Debug)]
pub struct Desk;

impl GroupingDesk for Desk {
    fn rehearse<'a>(
        &'a self,
        db: &'a Db,
        library: &'a Library,
        project: ProjectId,
        draft: GroupingRules,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<Rehearsal>> + Send + 'a>> {
        Box::pin(digest::rehearse(db, library, project, draft))
    }

    fn explain(&self, event: &Event<'_>) -> Anatomy {
        digest::explain(event)
    }
}
