//! The outbox: one row per mail and receiver.

use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use super::Tx;
use crate::domain::ids::{MailId, ProjectId, UserId};
use crate::domain::letter::Letter;

/// A mail to be queued. Everything is cleaned of NUL on the way in.
#[derive(Clone, Debug, Default)]
pub struct NewMail<'a> {
    /// `None`: about the installation.
    pub project_id: Option<ProjectId>,
    /// The receiver, where it is somebody who can sign in.
    pub user_id: Option<UserId>,
    /// Address.
    pub recipient: &'a str,
    /// One line.
    pub subject: &'a str,
    /// The text part.
    pub text_body: &'a str,
    /// The HTML part; empty: made from the text on delivery.
    pub html_body: &'a str,
    /// The part before the `@` of the Message-ID, unique: a second mail with the same one is not queued.
    pub message_id: &'a str,
    /// The same of the mail this one follows; empty for none.
    pub in_reply_to: &'a str,
    /// For `List-Unsubscribe`; empty for none.
    pub unsubscribe_url: &'a str,
}

impl<'a> NewMail<'a> {
    /// A small mail about the installation. `message_id` must be unique: `format!("letter-{}", EventId::random())`.
    pub fn letter(letter: &'a Letter, recipient: &'a str, user_id: Option<UserId>, message_id: &'a str) -> Self {
        Self { user_id, recipient, subject: &letter.subject, text_body: &letter.text, message_id, ..Self::default() }
    }
}

/// Queues a mail; `false` if one with this message id is there already. Delivery follows after the commit.
pub async fn enqueue(tx: &mut Tx, mail: &NewMail<'_>, now: OffsetDateTime) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO mails (project_id, user_id, recipient, subject, text_body, html_body, message_id, in_reply_to, unsubscribe_url,
                            created_at, next_try_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         ON CONFLICT (message_id) DO NOTHING",
        mail.project_id.map(|id| id.0),
        mail.user_id.map(|id| id.0),
        mail.recipient.replace('\0', ""),
        mail.subject.replace('\0', ""),
        mail.text_body.replace('\0', ""),
        mail.html_body.replace('\0', ""),
        mail.message_id,
        mail.in_reply_to,
        mail.unsubscribe_url,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Mails about projects that were queued for one person after a moment.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Who.
    pub user_id: UserId,
    /// How many.
    pub count: i64,
    /// The last of them.
    pub last_at: OffsetDateTime,
}

/// How many mails about projects these people got since `since`; who got none is missing.
pub async fn received(tx: &mut Tx, users: &[UserId], since: OffsetDateTime) -> sqlx::Result<Vec<Received>> {
    let rows = sqlx::query!(
        r#"SELECT user_id AS "user_id!", count(*) AS "count!", max(created_at) AS "last_at!"
           FROM mails WHERE created_at > $2 AND user_id = ANY ($1) AND project_id IS NOT NULL GROUP BY user_id"#,
        &users.iter().map(|user| user.0).collect::<Vec<_>>(),
        since
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| Received { user_id: UserId(row.user_id), count: row.count, last_at: row.last_at }).collect())
}

/// A mail that is being delivered.
#[derive(Clone, Debug)]
pub struct ClaimedMail {
    /// Its row.
    pub id: MailId,
    /// Address.
    pub recipient: String,
    /// One line.
    pub subject: String,
    /// The text part.
    pub text_body: String,
    /// The HTML part; empty: to be made from the text.
    pub html_body: String,
    /// See [`NewMail::message_id`].
    pub message_id: String,
    /// See [`NewMail::in_reply_to`].
    pub in_reply_to: String,
    /// See [`NewMail::unsubscribe_url`].
    pub unsubscribe_url: String,
    /// When it was queued.
    pub created_at: OffsetDateTime,
    /// This try included.
    pub attempt_count: i32,
}

/// Takes the mail that is due longest and keeps others from taking it until `lease_until`, so that no transaction is open while
/// the mail server talks. A crash in between leads to another try after the lease.
pub async fn claim_due(tx: &mut Tx, now: OffsetDateTime, lease_until: OffsetDateTime) -> sqlx::Result<Option<ClaimedMail>> {
    let row = sqlx::query!(
        "UPDATE mails SET attempt_count = attempt_count + 1, next_try_at = $2
         WHERE id = (SELECT id FROM mails WHERE state = 'queued' AND next_try_at <= $1
                     ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, recipient, subject, text_body, html_body, message_id, in_reply_to, unsubscribe_url, created_at, attempt_count",
        now,
        lease_until
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| ClaimedMail {
        id: MailId(row.id),
        recipient: row.recipient,
        subject: row.subject,
        text_body: row.text_body,
        html_body: row.html_body,
        message_id: row.message_id,
        in_reply_to: row.in_reply_to,
        unsubscribe_url: row.unsubscribe_url,
        created_at: row.created_at,
        attempt_count: row.attempt_count,
    }))
}

/// The mail server took it.
pub async fn mark_sent(tx: &mut Tx, id: MailId, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("UPDATE mails SET state = 'sent', sent_at = $2, last_error = '' WHERE id = $1", id.0, now).execute(&mut **tx).await?;
    Ok(())
}

/// It will be tried again at `next_try_at`.
pub async fn mark_retry(tx: &mut Tx, id: MailId, error: &str, next_try_at: OffsetDateTime) -> sqlx::Result<()> {
    let error = error.replace('\0', "");
    sqlx::query!("UPDATE mails SET last_error = $2, next_try_at = $3 WHERE id = $1", id.0, error, next_try_at).execute(&mut **tx).await?;
    Ok(())
}

/// It will not be tried again, unless somebody asks for it.
pub async fn mark_failed(tx: &mut Tx, id: MailId, error: &str) -> sqlx::Result<()> {
    let error = error.replace('\0', "");
    sqlx::query!("UPDATE mails SET state = 'failed', last_error = $2 WHERE id = $1", id.0, error).execute(&mut **tx).await?;
    Ok(())
}

/// Without a mail server everything queued is kept for the admin page, and stays there when one is configured later: a flood of old
/// alerts helps nobody. Returns how many.
pub async fn keep_all(tx: &mut Tx) -> sqlx::Result<u64> {
    Ok(sqlx::query!("UPDATE mails SET state = 'kept' WHERE state = 'queued'").execute(&mut **tx).await?.rows_affected())
}

/// Queues a failed or kept mail again; `false` if it is in another state.
pub async fn requeue(tx: &mut Tx, id: MailId, now: OffsetDateTime) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE mails SET state = 'queued', attempt_count = 0, created_at = $2, next_try_at = $2
         WHERE id = $1 AND state IN ('failed', 'kept')",
        id.0,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A mail as the admin page lists it.
#[derive(Clone, Debug)]
pub struct MailRow {
    /// Its row.
    pub id: MailId,
    /// `None`: about the installation.
    pub project_id: Option<ProjectId>,
    /// Address.
    pub recipient: String,
    /// One line.
    pub subject: String,
    /// `queued`, `sent`, `failed` or `kept`.
    pub state: String,
    /// When it was queued.
    pub created_at: OffsetDateTime,
    /// When it is tried next, if queued.
    pub next_try_at: OffsetDateTime,
    /// When the mail server took it.
    pub sent_at: Option<OffsetDateTime>,
    /// Tries so far.
    pub attempt_count: i32,
    /// What went wrong last.
    pub last_error: String,
}

struct Row {
    id: i64,
    project_id: Option<i64>,
    recipient: String,
    subject: String,
    state: String,
    created_at: OffsetDateTime,
    next_try_at: OffsetDateTime,
    sent_at: Option<OffsetDateTime>,
    attempt_count: i32,
    last_error: String,
}

impl From<Row> for MailRow {
    fn from(row: Row) -> Self {
        Self {
            id: MailId(row.id),
            project_id: row.project_id.map(ProjectId),
            recipient: row.recipient,
            subject: row.subject,
            state: row.state,
            created_at: row.created_at,
            next_try_at: row.next_try_at,
            sent_at: row.sent_at,
            attempt_count: row.attempt_count,
            last_error: row.last_error,
        }
    }
}

/// The newest mails before `before`, for a page.
pub async fn list(db: impl PgExecutor<'_>, before: Option<MailId>, limit: i64) -> sqlx::Result<Vec<MailRow>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, project_id, recipient, subject, state, created_at, next_try_at, sent_at, attempt_count, last_error
         FROM mails WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
        before.map(|id| id.0),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(MailRow::from).collect())
}

/// One mail.
pub async fn find(db: impl PgExecutor<'_>, id: MailId) -> sqlx::Result<Option<MailRow>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, project_id, recipient, subject, state, created_at, next_try_at, sent_at, attempt_count, last_error
         FROM mails WHERE id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(MailRow::from))
}

/// The text part of a mail.
pub async fn find_text(db: impl PgExecutor<'_>, id: MailId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT text_body FROM mails WHERE id = $1", id.0).fetch_optional(db).await
}

/// How the mail of the last 24 hours fared, and what waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct MailCounts {
    /// Taken by the mail server since `since`.
    pub sent_count: i64,
    /// Queued now.
    pub waiting_count: i64,
    /// Queued now after a failed try.
    pub retrying_count: i64,
    /// Given up since `since`.
    pub failed_count: i64,
    /// Kept, because no mail server is configured.
    pub kept_count: i64,
}

/// A mail that is older than this was not sent just now: retries end much earlier.
const SENDING_TAKES_MAX: Duration = Duration::days(7);

/// Counts for the admin page and `bugle check`.
pub async fn count(db: impl PgExecutor<'_>, since: OffsetDateTime) -> sqlx::Result<MailCounts> {
    sqlx::query_as!(
        MailCounts,
        r#"SELECT (SELECT count(*) FROM mails WHERE state = 'sent' AND created_at >= $2 AND sent_at >= $1) AS "sent_count!",
                  (SELECT count(*) FROM mails WHERE state = 'queued') AS "waiting_count!",
                  (SELECT count(*) FROM mails WHERE state = 'queued' AND last_error <> '') AS "retrying_count!",
                  (SELECT count(*) FROM mails WHERE state = 'failed' AND created_at >= $1) AS "failed_count!",
                  (SELECT count(*) FROM mails WHERE state = 'kept') AS "kept_count!""#,
        since,
        since - SENDING_TAKES_MAX
    )
    .fetch_one(db)
    .await
}
