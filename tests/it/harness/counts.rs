//! Every counter against the rows it counts, by statements that share nothing with the code that counts.

use sqlx::PgConnection;

/// A name, and a statement that answers by how much, or in how many rows, the two differ.
const CHECKS: &[(&str, &str)] = &[
    ("issues.event_count", "SELECT count(*) FROM issues i WHERE event_count <> (SELECT count(*) FROM events e WHERE e.issue_id = i.id)"),
    (
        "issues.user_count",
        "SELECT count(*) FROM issues i WHERE user_count <> (SELECT count(*) FROM issue_people p WHERE p.issue_id = i.id)",
    ),
    (
        "issues.first_seen_at",
        "SELECT count(*) FROM issues i WHERE first_seen_at <> (SELECT min(occurred_at) FROM events e WHERE e.issue_id = i.id)",
    ),
    (
        "issues.last_seen_at",
        "SELECT count(*) FROM issues i WHERE last_seen_at <> (SELECT max(occurred_at) FROM events e WHERE e.issue_id = i.id)",
    ),
    (
        "event_ids",
        "SELECT count(*) FROM events e FULL JOIN event_ids d USING (project_id, event_id) WHERE e.event_id IS NULL OR d.event_id IS NULL",
    ),
    ("an event stored twice", "SELECT count(*) FROM (SELECT FROM events GROUP BY project_id, event_id HAVING count(*) > 1) AS twice"),
    ("issue_hours", "SELECT abs(coalesce((SELECT sum(event_count) FROM issue_hours), 0) - (SELECT count(*) FROM events))::int8"),
    ("project_hours", "SELECT abs(coalesce((SELECT sum(event_count) FROM project_hours), 0) - (SELECT count(*) FROM events))::int8"),
    (
        "stored",
        "SELECT abs(coalesce((SELECT sum(item_count) FROM project_outcomes WHERE outcome = 'stored' AND category IN ('error', 'security')), 0)
             - (SELECT count(*) FROM events))::int8",
    ),
    (
        "issue_environments",
        "SELECT count(*) FROM issue_environments n
         WHERE event_count <> (SELECT count(*) FROM events e WHERE e.issue_id = n.issue_id AND e.environment = n.environment)",
    ),
    (
        "issue_releases",
        "SELECT count(*) FROM issue_releases n
         WHERE event_count <> (SELECT count(*) FROM events e WHERE e.issue_id = n.issue_id AND e.release = n.release)",
    ),
    (
        "releases",
        "SELECT count(*) FROM releases n
         WHERE event_count <> (SELECT count(*) FROM events e WHERE e.project_id = n.project_id AND e.release = n.version)",
    ),
];

/// What does not agree with the rows; nothing, if all is well.
pub async fn disagreements(db: &mut PgConnection) -> Vec<String> {
    let mut found = Vec::new();
    for (what, sql) in CHECKS {
        let difference: i64 = sqlx::query_scalar(*sql).fetch_one(&mut *db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"));
        if difference != 0 {
            found.push(format!("{what} disagrees with the events by {difference}"));
        }
    }
    found
}
