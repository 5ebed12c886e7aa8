//! What people do with feedback: take care of it, or delete it.

use crate::clock::Clock;
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;
use crate::domain::user::User;
use crate::store::{self, Db, feedback};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Somebody has taken care of it.
    Handle,
    /// Nobody has, after all.
    Reopen,
    /// Away with it, for good.
    Delete,
}

/// Does it. The caller has checked that `who` may work on the project. `false`: there is no such report.
pub async fn change(db: &Db, clock: &Clock, who: &User, project: ProjectId, id: EventId, verb: Verb) -> anyhow::Result<bool> {
    let mut tx = store::begin(db).await?;
    let done = match verb {
        Verb::Handle => feedback::set_handled(&mut tx, project, id, Some((who.id, clock.now()))).await?,
        Verb::Reopen => feedback::set_handled(&mut tx, project, id, None).await?,
        Verb::Delete => feedback::delete(&mut tx, project, id).await?,
    };
    tx.commit().await?;
    Ok(done)
}
