//! Issues as pages and the Web API read them.

use sqlx::{FromRow, PgExecutor};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::issue::Status;
use crate::domain::level::Level;

/// How long an issue is called new.
pub const NEW_FOR: Duration = Duration::hours(24);

/// An issue with what its project adds to its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// Unique over the installation.
    pub id: IssueId,
    /// The project.
    pub project_id: ProjectId,
    /// Its slug.
    pub project_slug: String,
    /// Its name.
    pub project_name: String,
    /// `SHOP` in `SHOP-431`.
    pub short_prefix: String,
    /// `error`, `default` (a message), ….
    pub kind: String,
    /// Exception class; empty for a message.
    pub type_: String,
    /// First line of the value or the message.
    pub value: String,
    /// Where, in words.
    pub culprit: String,
    /// `file:line` of the failing frame.
    pub location: String,
    /// Its function.
    pub function: String,
    /// The logger of a message.
    pub logger: String,
    /// `python`, ….
    pub platform: String,
    /// Of the latest event.
    pub level: Level,
    /// What people decided.
    pub status: Status,
    /// When it was decided.
    pub status_at: OffsetDateTime,
    /// When it last came back.
    pub regressed_at: Option<OffsetDateTime>,
    /// `escalates`, `forever` or empty.
    pub ignore_until: String,
    /// Whether the application caught it; `None`: not said.
    pub handled: Option<bool>,
    /// First event.
    pub first_seen_at: OffsetDateTime,
    /// Last event.
    pub last_seen_at: OffsetDateTime,
    /// Release of the first event.
    pub first_release: Option<String>,
    /// Release of the last event.
    pub last_release: Option<String>,
    /// Events, exact.
    pub event_count: i64,
    /// Of these, counted without being stored, because they were many of a spike.
    pub sampled_count: i64,
    /// People, exact.
    pub user_count: i64,
    /// Set while the spike alert is firing.
    pub spiking_since: Option<OffsetDateTime>,
}

impl Issue {
    /// `SHOP-431`.
    pub fn short_id(&self) -> String {
        format!("{}-{}", self.short_prefix, self.id)
    }

    /// `Type: value`, or the part there is.
    pub fn title(&self) -> String {
        match (self.type_.as_str(), self.value.as_str()) {
            ("", value) => value.to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, value) => format!("{kind}: {value}"),
        }
    }

    /// Events that got a row; `None` where all did.
    pub fn stored_count(&self) -> Option<i64> {
        (self.sampled_count > 0).then_some(self.event_count - self.sampled_count)
    }

    /// It came back, and nobody has decided since.
    pub fn is_regressed(&self) -> bool {
        self.status == Status::Unresolved && self.regressed_at.is_some_and(|at| at >= self.status_at)
    }

    /// First seen in the last 24 hours.
    pub fn is_new(&self, now: OffsetDateTime) -> bool {
        now - self.first_seen_at < NEW_FOR
    }
}

/// The columns of [`Row`], over `issues i JOIN projects p`.
pub(super) const COLUMNS: &str = "i.id, i.project_id, p.slug AS project_slug, p.name AS project_name, p.short_prefix, i.kind, i.type AS type_, \
     i.value, i.culprit, i.location, i.function, i.logger, i.platform, i.level, i.status, i.status_at, i.regressed_at, i.ignore_until, i.handled, \
     i.first_seen_at, i.last_seen_at, i.first_release, i.last_release, i.event_count, i.sampled_count, i.user_count, i.spiking_since";

/// As it comes from the database.
#[derive(FromRow)]
pub(super) struct Row {
    id: i64,
    project_id: i64,
    project_slug: String,
    project_name: String,
    short_prefix: String,
    kind: String,
    type_: String,
    value: String,
    culprit: String,
    location: String,
    function: String,
    logger: String,
    platform: String,
    level: i16,
    status: String,
    status_at: OffsetDateTime,
    regressed_at: Option<OffsetDateTime>,
    ignore_until: String,
    handled: Option<bool>,
    first_seen_at: OffsetDateTime,
    last_seen_at: OffsetDateTime,
    first_release: Option<String>,
    last_release: Option<String>,
    event_count: i64,
    sampled_count: i64,
    user_count: i64,
    spiking_since: Option<OffsetDateTime>,
}

impl From<Row> for Issue {
    fn from(row: Row) -> Self {
        Self {
            id: IssueId(row.id),
            project_id: ProjectId(row.project_id),
            project_slug: row.project_slug,
            project_name: row.project_name,
            short_prefix: row.short_prefix,
            kind: row.kind,
            type_: row.type_,
            value: row.value,
            culprit: row.culprit,
            location: row.location,
            function: row.function,
            logger: row.logger,
            platform: row.platform,
            level: Level::from_number(i64::from(row.level)).unwrap_or_default(),
            status: Status::parse(&row.status).unwrap_or_default(),
            status_at: row.status_at,
            regressed_at: row.regressed_at,
            ignore_until: row.ignore_until,
            handled: row.handled,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
            first_release: row.first_release,
            last_release: row.last_release,
            event_count: row.event_count,
            sampled_count: row.sampled_count,
            user_count: row.user_count,
            spiking_since: row.spiking_since,
        }
    }
}

/// The issue of this id, whosever project it is in: the caller checks `project_id`.
pub async fn find(db: impl PgExecutor<'_>, id: IssueId) -> sqlx::Result<Option<Issue>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT i.id, i.project_id, p.slug AS project_slug, p.name AS project_name, p.short_prefix, i.kind, i.type AS type_, i.value, \
             i.culprit, i.location, i.function, i.logger, i.platform, i.level, i.status, i.status_at, i.regressed_at, i.ignore_until, \
             i.handled, i.first_seen_at, i.last_seen_at, i.first_release, i.last_release, i.event_count, i.sampled_count, i.user_count, i.spiking_since \
         FROM issues i JOIN projects p ON p.id = i.project_id WHERE i.id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Issue::from))
}
