//! What the list can be narrowed by, as menus of links.

use crate::domain::ids::ProjectId;
use crate::domain::level::Level;
use crate::domain::search::Query;
use crate::http::web::issues::address;
use crate::http::web::issues::show::text::cut;
use crate::store::counters::OTHER;
use crate::store::{self, Db};

use super::params::Wanted;

/// Values in one menu.
const VALUES_MAX: i64 = 20;

/// A menu.
pub struct Facet {
    /// On its button.
    pub label: &'static str,
    /// Not on a phone.
    pub minor: bool,
    /// What can be chosen.
    pub items: Vec<Item>,
}

/// An entry.
pub struct Item {
    /// As shown.
    pub label: String,
    /// Beside it.
    pub note: &'static str,
    /// Where it leads.
    pub href: String,
}

/// The menus that have something to offer. `tags` are the keys known in these projects.
pub async fn load(
    db: &Db,
    base: &str,
    projects: &[ProjectId],
    wanted: &Wanted,
    query: &Query,
    tags: &[String],
) -> sqlx::Result<Vec<Facet>> {
    let to = |key: &str, value: &str| wanted.with_query(base, &address::narrowed(query, key, value));
    let item = |key: &str, value: &str| Item { label: cut(value, 60), note: "", href: to(key, value) };
    let environments = store::facets::environments(db, projects, VALUES_MAX).await?;
    let releases = store::facets::releases(db, projects, VALUES_MAX).await?;
    let mut release_items: Vec<Item> = releases.iter().map(|value| item("release", value)).collect();
    if let Some(latest) = releases.iter().position(|release| release != OTHER).and_then(|at| release_items.get_mut(at)) {
        latest.note = "latest";
    }
    let limit = usize::try_from(VALUES_MAX).unwrap_or(usize::MAX);
    let facets = [
        Facet { label: "Environment", minor: false, items: environments.iter().map(|value| item("environment", value)).collect() },
        Facet { label: "Release", minor: false, items: release_items },
        Facet { label: "Level", minor: true, items: Level::ALL.iter().map(|level| item("level", level.name())).collect() },
        Facet { label: "Tag", minor: true, items: tags.iter().take(limit).map(|key| item("has", key)).collect() },
    ];
    Ok(facets.into_iter().filter(|facet| !facet.items.is_empty()).collect())
}
