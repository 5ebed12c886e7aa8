//! What was decided and what became of it, for pages.

use sqlx::PgExecutor;
use sqlx::types::Json;
use time::{Duration, OffsetDateTime};

use crate::domain::alert::{Kind, Numbers};
use crate::domain::ids::{AlertId, IssueId, ProjectId, RuleId, UserId};
use crate::domain::user::User;
use crate::store::Db;

/// An alert of the past, with its issue.
#[derive(Clone, Debug)]
pub struct PastAlert {
    /// Its row.
    pub id: AlertId,
    /// Whose.
    pub project_id: ProjectId,
    /// About which issue; it may be gone.
    pub issue_id: IssueId,
    /// `SHOP-431`.
    pub short_id: String,
    /// What the issue is called; empty if it is gone.
    pub title: String,
    /// The rule that was asked, if it is still there.
    pub rule: Option<(RuleId, String)>,
    /// Why.
    pub kind: Kind,
    /// When it was decided.
    pub decided_at: OffsetDateTime,
    /// What justified it.
    pub numbers: Numbers,
    /// `pending`, `mailed` or `held`.
    pub state: String,
    /// Why not, if held.
    pub held_reason: String,
    /// When that was settled.
    pub settled_at: Option<OffsetDateTime>,
    /// How many mails it went out in.
    pub mail_count: i64,
    /// Of these, not taken by the mail server.
    pub failed_count: i64,
    /// Of these, kept because no mail server is configured.
    pub kept_count: i64,
}

struct Row {
    id: i64,
    project_id: i64,
    issue_id: i64,
    short_prefix: String,
    title: String,
    rule_id: Option<i64>,
    rule_name: Option<String>,
    kind: String,
    decided_at: OffsetDateTime,
    numbers: Json<Numbers>,
    state: String,
    held_reason: String,
    settled_at: Option<OffsetDateTime>,
    mail_count: i64,
    failed_count: i64,
    kept_count: i64,
}

impl TryFrom<Row> for PastAlert {
    type Error = anyhow::Error;
    fn try_from(row: Row) -> anyhow::Result<Self> {
        let kind = Kind::parse(&row.kind).ok_or_else(|| anyhow::anyhow!("alerts.kind of alert {} is {:?}", row.id, row.kind))?;
        Ok(Self {
            id: AlertId(row.id),
            project_id: ProjectId(row.project_id),
            issue_id: IssueId(row.issue_id),
            short_id: format!("{}-{}", row.short_prefix, row.issue_id),
            title: row.title,
            rule: row.rule_id.map(RuleId).zip(row.rule_name),
            kind,
            decided_at: row.decided_at,
            numbers: row.numbers.0,
            state: row.state,
            held_reason: row.held_reason,
            settled_at: row.settled_at,
            mail_count: row.mail_count,
            failed_count: row.failed_count,
            kept_count: row.kept_count,
        })
    }
}

/// Alerts of the project before the one named, newest first.
pub async fn list(db: impl PgExecutor<'_>, project: ProjectId, before: Option<AlertId>, limit: i64) -> anyhow::Result<Vec<PastAlert>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT a.id, a.project_id, a.issue_id, p.short_prefix, coalesce(nullif(i.type, ''), i.value, '') AS "title!",
                  r.id AS "rule_id?", r.name AS "rule_name?", a.kind, a.decided_at, a.numbers AS "numbers: Json<Numbers>",
                  a.state, a.held_reason, a.settled_at, m.mail_count AS "mail_count!", m.failed_count AS "failed_count!",
                  m.kept_count AS "kept_count!"
           FROM alerts a
           JOIN projects p ON p.id = a.project_id
           LEFT JOIN issues i ON i.project_id = a.project_id AND i.id = a.issue_id
           LEFT JOIN alert_rules r ON r.project_id = a.project_id AND r.id = a.rule_id
           CROSS JOIN LATERAL (
               SELECT count(*) AS mail_count, count(*) FILTER (WHERE state = 'failed') AS failed_count,
                      count(*) FILTER (WHERE state = 'kept') AS kept_count
               FROM mails WHERE a.mail_ref <> '' AND message_id >= a.mail_ref || '-' AND message_id < a.mail_ref || '.'
           ) AS m
           WHERE a.project_id = $1 AND ($2::bigint IS NULL OR a.id < $2) ORDER BY a.id DESC LIMIT $3"#,
        project.0,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(PastAlert::try_from).collect()
}

/// One alert, of whichever project.
pub async fn find(db: &Db, id: AlertId) -> anyhow::Result<Option<PastAlert>> {
    // A look into each project: there are few of them, and many alerts.
    let project = sqlx::query_scalar!("SELECT a.project_id FROM projects p JOIN alerts a ON a.project_id = p.id AND a.id = $1", id.0)
        .fetch_optional(db)
        .await?;
    let Some(project) = project else { return Ok(None) };
    let before = id.0.checked_add(1).map(AlertId);
    Ok(list(db, ProjectId(project), before, 1).await?.into_iter().find(|alert| alert.id == id))
}

/// To whom an alert was mailed, and what became of each mail.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Address.
    pub recipient: String,
    /// `queued`, `sent`, `failed` or `kept`.
    pub state: String,
    /// When the mail server took it.
    pub sent_at: Option<OffsetDateTime>,
    /// What went wrong last.
    pub last_error: String,
}

/// The mails of an alert.
pub async fn sendings(db: impl PgExecutor<'_>, project: ProjectId, alert: AlertId) -> sqlx::Result<Vec<Sending>> {
    sqlx::query_as!(
        Sending,
        "SELECT m.recipient, m.state, m.sent_at, m.last_error FROM alerts a
         JOIN mails m ON m.message_id >= a.mail_ref || '-' AND m.message_id < a.mail_ref || '.'
         WHERE a.project_id = $1 AND a.id = $2 AND a.mail_ref <> '' ORDER BY m.recipient LIMIT 200",
        project.0,
        alert.0
    )
    .fetch_all(db)
    .await
}

/// What a rule did lately.
#[derive(Clone, Debug)]
pub struct RuleRecord {
    /// Which rule.
    pub rule_id: RuleId,
    /// Alerts per day of the last 14, oldest first.
    pub days: Vec<i64>,
    /// When it last fired.
    pub last_at: Option<OffsetDateTime>,
}

/// The last 14 days of every rule of the project.
pub async fn records(db: impl PgExecutor<'_>, project: ProjectId, now: OffsetDateTime) -> sqlx::Result<Vec<RuleRecord>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, ARRAY(SELECT count(a.id) FROM generate_series(13, 0, -1) AS g (ago)
                      LEFT JOIN alerts a ON a.project_id = r.project_id AND a.rule_id = r.id
                           AND a.decided_at > $2::timestamptz - (g.ago + 1) * interval '1 day'
                           AND a.decided_at <= $2::timestamptz - g.ago * interval '1 day'
                      GROUP BY g.ago ORDER BY g.ago DESC) AS "days!",
                  (SELECT max(a.decided_at) FROM alerts a WHERE a.project_id = r.project_id AND a.rule_id = r.id) AS last_at
           FROM alert_rules r WHERE r.project_id = $1 ORDER BY r.id"#,
        project.0,
        now
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| RuleRecord { rule_id: RuleId(row.id), days: row.days, last_at: row.last_at }).collect())
}

/// Mails of the project's alerts and alerts held back, in the last 7 days.
pub async fn week(db: impl PgExecutor<'_>, project: ProjectId, now: OffsetDateTime) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(DISTINCT mail_ref) FILTER (WHERE state = 'mailed') AS "mailed!", count(*) FILTER (WHERE state = 'held') AS "held!"
           FROM alerts WHERE project_id = $1 AND decided_at > $2"#,
        project.0,
        now - Duration::days(7)
    )
    .fetch_one(db)
    .await?;
    Ok((row.mailed, row.held))
}

/// A member of the project, for the choice of recipients.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Who.
    pub id: UserId,
    /// What to call them.
    pub name: String,
    /// Where mail would go.
    pub email: String,
    /// Accepted the invitation and is not disabled.
    pub reachable: bool,
}

/// The members of the project.
pub async fn members(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<MemberRow>> {
    let rows = sqlx::query!(
        r#"SELECT u.id, u.name, u.email, (u.disabled_at IS NULL AND u.password_hash IS NOT NULL) AS "reachable!"
           FROM project_members m JOIN users u ON u.id = m.user_id WHERE m.project_id = $1 ORDER BY u.name, u.id"#,
        project.0
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| MemberRow { id: UserId(row.id), name: row.name, email: row.email, reachable: row.reachable }).collect())
}

/// The environments the project has sent from.
pub async fn environments(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("SELECT name FROM environments WHERE project_id = $1 ORDER BY last_seen_at DESC LIMIT 50", project.0)
        .fetch_all(db)
        .await
}

/// What a link in a mail is about.
#[derive(Clone, Debug)]
pub struct LinkTarget {
    /// Of the issue.
    pub project_id: ProjectId,
    /// For people.
    pub project_slug: String,
    /// `SHOP-431`.
    pub short_id: String,
    /// What the issue is called.
    pub title: String,
}

/// The issue of a mail link, if its reader may still see it: not disabled, accepted, and a member of the project or an admin.
pub async fn find_link_target(db: impl PgExecutor<'_>, issue: IssueId, user: &User) -> sqlx::Result<Option<LinkTarget>> {
    let row = sqlx::query!(
        r#"SELECT i.project_id, p.slug, p.short_prefix, coalesce(nullif(i.type, ''), i.value) AS "title!"
           FROM issues i JOIN projects p ON p.id = i.project_id JOIN users u ON u.id = $2
           WHERE i.id = $1 AND u.disabled_at IS NULL AND u.password_hash IS NOT NULL
             AND (u.role IN ('owner', 'admin')
                  OR EXISTS (SELECT FROM project_members m WHERE m.project_id = i.project_id AND m.user_id = u.id))"#,
        issue.0,
        user.id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| LinkTarget {
        project_id: ProjectId(row.project_id),
        project_slug: row.slug,
        short_id: format!("{}-{issue}", row.short_prefix),
        title: row.title,
    }))
}
