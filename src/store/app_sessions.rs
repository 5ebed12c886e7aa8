//! `app_sessions` and `app_session_hours`: how sessions of applications went, by the hour in which they began.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Db, Tx};
use crate::domain::app_session::{Counts, State};
use crate::domain::ids::ProjectId;
use crate::domain::sketch::Sketch;

/// Where a session is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HourKey {
    /// Whose.
    pub project_id: ProjectId,
    /// In which it began.
    pub hour: OffsetDateTime,
    /// Of which version.
    pub release: String,
    /// Where; '' unknown.
    pub environment: String,
}

/// What is counted in an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Sessions.
    pub counts: Counts,
    /// People.
    pub users: Sketch,
    /// Those with a session that did not go well.
    pub errored_users: Sketch,
    /// Those with a session that crashed.
    pub crashed_users: Sketch,
}

impl Hour {
    /// Both together.
    pub fn join(&mut self, other: &Self) {
        self.counts.join(&other.counts);
        self.users.join(&other.users);
        self.errored_users.join(&other.errored_users);
        self.crashed_users.join(&other.crashed_users);
    }
}

/// A session that was counted and may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it was counted.
    pub key: HourKey,
    /// As what.
    pub state: State,
    /// When it is forgotten.
    pub expires_at: OffsetDateTime,
}

/// A session by project.
pub type SessionKey = (ProjectId, Uuid);

/// Those of the sessions that are known, locked. `ids` in the order of their key.
pub async fn lock(tx: &mut Tx, ids: &[SessionKey]) -> sqlx::Result<HashMap<SessionKey, Known>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"
        SELECT s.project_id, s.session_id, s.hour, s.release, s.environment, s.state, s.expires_at
        FROM unnest($1::int8[], $2::uuid[]) AS u (project_id, session_id)
        JOIN app_sessions s ON s.project_id = u.project_id AND s.session_id = u.session_id
        ORDER BY s.project_id, s.session_id
        FOR UPDATE OF s
        "#,
        &ids.iter().map(|id| id.0.0).collect::<Vec<_>>(),
        &ids.iter().map(|id| id.1).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let known = rows.into_iter().map(|row| {
        let project_id = ProjectId(row.project_id);
        let key = HourKey { project_id, hour: row.hour, release: row.release, environment: row.environment };
        ((project_id, row.session_id), Known { key, state: State::from_number(row.state), expires_at: row.expires_at })
    });
    Ok(known.collect())
}

/// Remembers sessions, in the order of their key; tells how many were not known to anybody.
pub async fn insert(tx: &mut Tx, rows: &[(SessionKey, Known)]) -> sqlx::Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query!(
        r#"
        INSERT INTO app_sessions (project_id, session_id, hour, release, environment, state, expires_at)
        SELECT project_id, session_id, hour, release, environment, state, expires_at
        FROM unnest($1::int8[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::int2[], $7::timestamptz[])
            AS u (project_id, session_id, hour, release, environment, state, expires_at)
        ON CONFLICT (project_id, session_id) DO NOTHING
        "#,
        &rows.iter().map(|row| row.0.0.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1.key.hour).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1.key.release.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1.key.environment.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1.state.number()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1.expires_at).collect::<Vec<_>>(),
    );
    Ok(done.execute(&mut **tx).await?.rows_affected())
}

/// What became of sessions that are known and locked.
pub async fn update(tx: &mut Tx, rows: &[(SessionKey, Known)]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query!(
        r#"
        UPDATE app_sessions s SET state = u.state, expires_at = u.expires_at
        FROM unnest($1::int8[], $2::uuid[], $3::int2[], $4::timestamptz[]) AS u (project_id, session_id, state, expires_at)
        WHERE s.project_id = u.project_id AND s.session_id = u.session_id
        "#,
        &rows.iter().map(|row| row.0.0.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1.state.number()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1.expires_at).collect::<Vec<_>>(),
    );
    done.execute(&mut **tx).await?;
    Ok(())
}

/// Adds to the hours. Each row is made where it is not there, then locked, so that nobody's people are lost to somebody else's.
pub async fn add(tx: &mut Tx, hours: &BTreeMap<HourKey, Hour>) -> sqlx::Result<()> {
    let projects: Vec<i64> = hours.keys().map(|key| key.project_id.0).collect();
    let starts: Vec<OffsetDateTime> = hours.keys().map(|key| key.hour).collect();
    let releases: Vec<String> = hours.keys().map(|key| key.release.clone()).collect();
    let environments: Vec<String> = hours.keys().map(|key| key.environment.clone()).collect();
    sqlx::query!(
        r#"
        INSERT INTO app_session_hours (project_id, hour, release, environment)
        SELECT project_id, hour, release, environment
        FROM unnest($1::int8[], $2::timestamptz[], $3::text[], $4::text[]) AS u (project_id, hour, release, environment)
        ON CONFLICT (project_id, hour, release, environment) DO NOTHING
        "#,
        &projects,
        &starts,
        &releases,
        &environments,
    )
    .execute(&mut **tx)
    .await?;
    let rows = sqlx::query!(
        r#"
        SELECT h.project_id, h.hour, h.release, h.environment, h.users, h.errored_users, h.crashed_users
        FROM unnest($1::int8[], $2::timestamptz[], $3::text[], $4::text[]) AS u (project_id, hour, release, environment)
        JOIN app_session_hours h
            ON h.project_id = u.project_id AND h.hour = u.hour AND h.release = u.release AND h.environment = u.environment
        ORDER BY h.project_id, h.hour, h.release, h.environment
        FOR UPDATE OF h
        "#,
        &projects,
        &starts,
        &releases,
        &environments,
    )
    .fetch_all(&mut **tx)
    .await?;
    let joined = rows.into_iter().map(|row| {
        let key = HourKey { project_id: ProjectId(row.project_id), hour: row.hour, release: row.release, environment: row.environment };
        let sketch = |bytes: Vec<u8>| Sketch::of_bytes(&bytes);
        let (users, errored_users, crashed_users) = (sketch(row.users), sketch(row.errored_users), sketch(row.crashed_users));
        let mut hour = Hour { counts: Counts::default(), users, errored_users, crashed_users };
        if let Some(more) = hours.get(&key) {
            hour.join(more);
        }
        (key, hour)
    });
    write(tx, &joined.collect::<BTreeMap<_, _>>()).await
}

/// Adds the counts and sets the people of rows that are locked.
async fn write(tx: &mut Tx, hours: &BTreeMap<HourKey, Hour>) -> sqlx::Result<()> {
    let counts = |of: fn(&Counts) -> i64| hours.values().map(|hour| of(&hour.counts)).collect::<Vec<_>>();
    let people = |of: fn(&Hour) -> &Sketch| hours.values().map(|hour| of(hour).to_bytes()).collect::<Vec<_>>();
    sqlx::query!(
        r#"
        UPDATE app_session_hours h
        SET session_count = h.session_count + u.total, errored_count = h.errored_count + u.errored,
            unhandled_count = h.unhandled_count + u.unhandled, abnormal_count = h.abnormal_count + u.abnormal,
            crashed_count = h.crashed_count + u.crashed, users = u.users, errored_users = u.errored_users, crashed_users = u.crashed_users
        FROM unnest($1::int8[], $2::timestamptz[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[],
                $10::bytea[], $11::bytea[], $12::bytea[])
            AS u (project_id, hour, release, environment, total, errored, unhandled, abnormal, crashed, users, errored_users, crashed_users)
        WHERE h.project_id = u.project_id AND h.hour = u.hour AND h.release = u.release AND h.environment = u.environment
        "#,
        &hours.keys().map(|key| key.project_id.0).collect::<Vec<_>>(),
        &hours.keys().map(|key| key.hour).collect::<Vec<_>>(),
        &hours.keys().map(|key| key.release.clone()).collect::<Vec<_>>(),
        &hours.keys().map(|key| key.environment.clone()).collect::<Vec<_>>(),
        &counts(|counts| counts.total),
        &counts(|counts| counts.errored),
        &counts(|counts| counts.unhandled),
        &counts(|counts| counts.abnormal),
        &counts(|counts| counts.crashed),
        &people(|hour| &hour.users),
        &people(|hour| &hour.errored_users),
        &people(|hour| &hour.crashed_users),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The hours of projects from `since` (which is one) until before `until`, at most `limit`; people only where
/// they are asked for, for they are most of the bytes.
pub async fn hours(
    db: impl PgExecutor<'_>,
    projects: &[ProjectId],
    (since, until): (OffsetDateTime, OffsetDateTime),
    with_people: bool,
    limit: i64,
) -> sqlx::Result<Vec<(HourKey, Hour)>> {
    let rows = sqlx::query!(
        r#"
        SELECT project_id, hour, release, environment, session_count, errored_count, unhandled_count, abnormal_count, crashed_count,
            CASE WHEN $5 THEN users ELSE '' END AS "users!", CASE WHEN $5 THEN errored_users ELSE '' END AS "errored_users!",
            CASE WHEN $5 THEN crashed_users ELSE '' END AS "crashed_users!"
        FROM app_session_hours
        WHERE project_id = ANY($1) AND hour >= $2 AND hour < $3
        ORDER BY project_id, hour, release, environment
        LIMIT $4
        "#,
        &projects.iter().map(|project| project.0).collect::<Vec<_>>(),
        since,
        until,
        limit,
        with_people
    )
    .fetch_all(db)
    .await?;
    let hour = |bytes: [Vec<u8>; 3], counts| {
        let [users, errored_users, crashed_users] = bytes.map(|bytes| Sketch::of_bytes(&bytes));
        Hour { counts, users, errored_users, crashed_users }
    };
    let read = rows.into_iter().map(|row| {
        let counts = Counts {
            total: row.session_count,
            errored: row.errored_count,
            unhandled: row.unhandled_count,
            abnormal: row.abnormal_count,
            crashed: row.crashed_count,
        };
        let key = HourKey { project_id: ProjectId(row.project_id), hour: row.hour, release: row.release, environment: row.environment };
        (key, hour([row.users, row.errored_users, row.crashed_users], counts))
    });
    Ok(read.collect())
}

/// All sessions of a project since `since`, without people.
pub async fn total(db: impl PgExecutor<'_>, project: ProjectId, since: OffsetDateTime) -> sqlx::Result<Counts> {
    sqlx::query_as!(
        Counts,
        r#"
        SELECT coalesce(sum(session_count), 0)::int8 AS "total!", coalesce(sum(errored_count), 0)::int8 AS "errored!",
            coalesce(sum(unhandled_count), 0)::int8 AS "unhandled!", coalesce(sum(abnormal_count), 0)::int8 AS "abnormal!",
            coalesce(sum(crashed_count), 0)::int8 AS "crashed!"
        FROM app_session_hours WHERE project_id = $1 AND hour >= $2
        "#,
        project.0,
        since
    )
    .fetch_one(db)
    .await
}

/// Forgets at most `limit` hours before `before`.
pub async fn trim_hours(db: &Db, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM app_session_hours WHERE ctid = ANY (ARRAY(SELECT ctid FROM app_session_hours WHERE hour < $1 ORDER BY hour LIMIT $2))",
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Forgets at most `limit` sessions that no update will reach.
pub async fn trim(db: &Db, now: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM app_sessions WHERE ctid = ANY (ARRAY(SELECT ctid FROM app_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2))",
        now,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}
