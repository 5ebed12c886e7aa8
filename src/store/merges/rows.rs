//! The issue itself, and what refers to it.

use super::Merge;
use crate::store::Tx;

/// Why an alert about the one is not mailed.
const JOINED: &str = "the issue became part of another one before it was told";

/// Adds the row of the one to that of the other: what is summed, what is earliest, and what is shown of the latest event.
pub(super) async fn add_issue(tx: &mut Tx, merge: &Merge, new_people: i64) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE issues AS i
        SET event_count = i.event_count + f.event_count, sampled_count = i.sampled_count + f.sampled_count, user_count = i.user_count + $4,
            first_seen_at = least(i.first_seen_at, f.first_seen_at), last_seen_at = greatest(i.last_seen_at, f.last_seen_at),
            top_level = greatest(i.top_level, f.top_level),
            level = CASE WHEN f.last_seen_at > i.last_seen_at THEN f.level ELSE i.level END,
            culprit = CASE WHEN f.last_seen_at > i.last_seen_at THEN f.culprit ELSE i.culprit END,
            location = CASE WHEN f.last_seen_at > i.last_seen_at THEN f.location ELSE i.location END,
            function = CASE WHEN f.last_seen_at > i.last_seen_at THEN f.function ELSE i.function END,
            handled = CASE WHEN f.last_seen_at > i.last_seen_at THEN f.handled ELSE i.handled END,
            last_release = CASE WHEN f.last_seen_at > i.last_seen_at THEN coalesce(f.last_release, i.last_release)
                ELSE coalesce(i.last_release, f.last_release) END,
            first_release = CASE WHEN f.first_seen_at < i.first_seen_at THEN coalesce(f.first_release, i.first_release)
                ELSE coalesce(i.first_release, f.first_release) END,
            status_at = CASE WHEN f.status = 'unresolved' AND i.status <> 'unresolved' THEN f.status_at ELSE i.status_at END,
            ignore_until = CASE WHEN f.status = 'unresolved' THEN '' ELSE i.ignore_until END,
            status = CASE WHEN f.status = 'unresolved' THEN f.status ELSE i.status END,
            regressed_at = greatest(i.regressed_at, f.regressed_at)
        FROM issues f
        WHERE i.project_id = $1 AND i.id = $3 AND f.project_id = $1 AND f.id = $2
        "#,
        merge.project_id.0,
        merge.from.0,
        merge.into.0,
        new_people
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Events, hashes, activities, decided alerts and mutes of the one become those of the other. A spike of the one is over.
pub(super) async fn move_all(tx: &mut Tx, merge: &Merge) -> sqlx::Result<()> {
    let (project, from, into) = (merge.project_id.0, merge.from.0, merge.into.0);
    sqlx::query!("UPDATE events SET issue_id = $3 WHERE project_id = $1 AND issue_id = $2", project, from, into).execute(&mut **tx).await?;
    sqlx::query!(
        "UPDATE issue_hashes SET issue_id = $3, origin_id = coalesce(origin_id, $2), pinned = pinned OR $4 WHERE project_id = $1 AND issue_id = $2",
        project,
        from,
        into,
        merge.user_id.is_some()
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "UPDATE activities SET issue_id = $3 WHERE project_id = $1 AND issue_id = $2 AND kind <> 'first_seen'",
        project,
        from,
        into
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("UPDATE feedback SET issue_id = $3 WHERE project_id = $1 AND issue_id = $2", project, from, into)
        .execute(&mut **tx)
        .await?;
    move_alerts(tx, merge).await?;
    sqlx::query!(
        "INSERT INTO issue_mutes (project_id, issue_id, user_id, muted_at)
         SELECT project_id, $3, user_id, muted_at FROM issue_mutes WHERE project_id = $1 AND issue_id = $2
         ON CONFLICT (project_id, issue_id, user_id) DO NOTHING",
        project,
        from,
        into
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What was not mailed yet is not mailed any more.
async fn move_alerts(tx: &mut Tx, merge: &Merge) -> sqlx::Result<()> {
    let (project, from, into) = (merge.project_id.0, merge.from.0, merge.into.0);
    sqlx::query!(
        r#"
        UPDATE alerts AS a
        SET issue_id = $3, state = CASE WHEN a.state = 'pending' THEN 'held' ELSE a.state END,
            held_reason = CASE WHEN a.state = 'pending' THEN $4 ELSE a.held_reason END,
            settled_at = CASE WHEN a.state = 'pending' THEN $5 ELSE a.settled_at END
        WHERE a.project_id = $1 AND a.issue_id = $2 AND NOT EXISTS (
            SELECT FROM alerts o WHERE o.project_id = $1 AND o.issue_id = $3 AND o.kind = a.kind AND o.since = a.since)
        "#,
        project,
        from,
        into,
        JOINED,
        merge.at
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("DELETE FROM alerts WHERE project_id = $1 AND issue_id = $2", project, from).execute(&mut **tx).await?;
    Ok(())
}

/// Deletes the row; what is left of its counters goes with it.
pub(super) async fn delete_issue(tx: &mut Tx, merge: &Merge) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM issues WHERE project_id = $1 AND id = $2", merge.project_id.0, merge.from.0).execute(&mut **tx).await?;
    Ok(())
}
