//! Why an event is in its issue: what was compared, what was not, and how many fingerprints lead there.

use crate::protocol::event::Grouping;
use crate::store::Db;
use crate::store::issue_parts;
use crate::store::issue_reads::Issue;

/// The explanation as the page shows it.
pub struct Why {
    /// `Grouped by its exception.`
    pub text: String,
    /// First 12 digits of the fingerprint that decided.
    pub hash: String,
    /// What was compared, in order.
    pub parts: Vec<String>,
    /// What was not, and why.
    pub ignored: Vec<String>,
}

/// Puts together what was stored with the event and what is known of its issue.
pub async fn load(db: &Db, issue: &Issue, hash: &[u8], stored: Option<Grouping>) -> sqlx::Result<Why> {
    let known = issue_parts::grouping(db, issue.project_id, issue.id, hash).await?;
    let Grouping { version, explanation } = stored.unwrap_or_default();
    let version = known.algorithm.unwrap_or(version);
    Ok(Why {
        text: sentences(&explanation.rung, version, known.hash_count),
        hash: hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect(),
        parts: explanation.parts,
        ignored: explanation.ignored,
    })
}

fn sentences(rung: &str, version: i16, hash_count: i64) -> String {
    let first = match rung {
        "" => format!("Events with the same fingerprint are one issue (version {version} of the rules)."),
        "nothing" => format!("Events that say nothing are one issue (version {version} of the rules)."),
        rung => format!("Grouped by {rung} (version {version} of the rules)."),
    };
    if hash_count > 1 { format!("{first} {hash_count} fingerprints lead here.") } else { first }
}
