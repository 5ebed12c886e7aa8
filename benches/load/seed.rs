//! Stored events by SQL, with everything that counts them: many events of few issues and few of many, over a month of days.

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

/// Ids of seeded issues begin above those of the load.
const FIRST_ISSUE: u64 = 10_000_000;
/// Days that events are spread over.
const DAYS: u64 = 30;
/// Events in one statement.
const STEP: u64 = 500_000;

/// Adds `count` events, and issues until there are `issues`, and counts all of them anew.
pub async fn grow(db: &mut PgConnection, count: u64, issues: u64) -> anyhow::Result<()> {
    if count == 0 {
        return Ok(());
    }
    db.execute("SET synchronous_commit = off; SET work_mem = '256MB'; SET maintenance_work_mem = '256MB'").await?;
    make_days(db).await?;
    run(db, ISSUES, &[("{issues}", issues)]).await?;
    let mut made = 0;
    while made < count {
        let step = STEP.min(count - made);
        run(db, EVENTS, &[("{issues}", issues), ("{count}", step)]).await?;
        made += step;
    }
    for statement in COUNTERS {
        run(db, statement, &[("{issues}", issues)]).await?;
    }
    db.execute("RESET synchronous_commit; RESET work_mem; RESET maintenance_work_mem").await?;
    Ok(())
}

/// Partitions of the past; those from today on are there.
async fn make_days(db: &mut PgConnection) -> anyhow::Result<()> {
    for ago in 1..=DAYS {
        let day = format!("SELECT to_char(now() AT TIME ZONE 'UTC' - interval '{ago} days', 'YYYY-MM-DD')");
        let next = format!("SELECT to_char(now() AT TIME ZONE 'UTC' - interval '{} days', 'YYYY-MM-DD')", ago - 1);
        let from: String = db.fetch_one(AssertSqlSafe(day)).await?.get(0);
        let to: String = db.fetch_one(AssertSqlSafe(next)).await?.get(0);
        let table = format!("events_{}", from.replace('-', ""));
        let make =
            format!("CREATE TABLE IF NOT EXISTS {table} PARTITION OF events FOR VALUES FROM ('{from} 00:00+00') TO ('{to} 00:00+00')");
        db.execute(AssertSqlSafe(make)).await?;
    }
    Ok(())
}

async fn run(db: &mut PgConnection, statement: &str, values: &[(&str, u64)]) -> anyhow::Result<()> {
    let mut sql = statement.replace("{first}", &FIRST_ISSUE.to_string()).replace("{days}", &DAYS.to_string());
    for (name, value) in values {
        sql = sql.replace(name, &value.to_string());
    }
    db.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

/// Every issue with one hash, one activity and one alert that nobody waits for.
const ISSUES: &str = "
    WITH made AS (
        INSERT INTO issues (project_id, id, type, value, culprit, location, platform, level, status_at, first_seen_at, last_seen_at, first_release,
            last_release)
        OVERRIDING SYSTEM VALUE
        SELECT 1, {first} + n, 'Seeded' || n % 977 || 'Error', 'order ' || n || ' has no ' || md5(n::text), '/seeded/' || n % 300,
            'shop/seeded.py:' || n % 2000, 'python', 40, now() - interval '{days} days', now() - interval '{days} days',
            now() - (3 * random() * {days}) * interval '1 day', 'shop@2.3.0', 'shop@2.3.1'
        FROM generate_series(1, {issues}) AS n
        ON CONFLICT (project_id, id) DO NOTHING
        RETURNING id, first_seen_at
    ), hashed AS (
        INSERT INTO issue_hashes (project_id, hash, algorithm, issue_id, first_seen_at)
        SELECT 1, decode(md5(id::text), 'hex'), 1, id, first_seen_at FROM made
    ), noted AS (
        INSERT INTO activities (project_id, issue_id, kind, at) SELECT 1, id, 'first_seen', first_seen_at FROM made
    )
    INSERT INTO alerts (project_id, issue_id, kind, since, decided_at, numbers, state, held_reason, settled_at)
    SELECT 1, id, 'new', first_seen_at, first_seen_at, '{}', 'held', 'seeded', first_seen_at FROM made";

/// Few issues get most events; people are drawn evenly, times go up as in life. The payload is that of an event that was really sent, a message: it is read
/// back by the pages, and small.
const EVENTS: &str = "
    WITH pattern AS MATERIALIZED (
        SELECT dictionary_id, payload FROM events WHERE project_id = 1 AND issue_id < {first} ORDER BY length(payload) LIMIT 1
    ), made AS MATERIALIZED (
        SELECT gen_random_uuid() AS event_id, {first} + 1 + floor({issues} * power(random(), 3))::int8 AS issue_id,
            now() - (({count} - n) * {days}::float8 / {count}) * interval '1 day' AS at, floor(random() * 50000)::int AS person,
            CASE WHEN random() < 0.05 THEN 'staging' ELSE 'production' END AS environment,
            'shop@2.' || floor(random() * 5) AS release
        FROM generate_series(1, {count}) AS n
    ), taken AS (
        INSERT INTO event_ids (project_id, event_id, received_at) SELECT 1, event_id, at FROM made
    )
    INSERT INTO events (project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction, user_label,
        trace_id, has_context, hash, dictionary_id, payload)
    SELECT 1, event_id, issue_id, at, at, 40, 'SeededError: order has no', environment, release, '/seeded/', 'customer' || person,
        md5(person::text), 2, decode(md5(issue_id::text), 'hex'), dictionary_id, payload
    FROM made CROSS JOIN pattern";

/// From the events to everything that counts them. Of the load, nothing is touched.
const COUNTERS: &[&str] = &[
    "UPDATE issues AS i SET event_count = n.count, user_count = n.people, last_seen_at = n.last, first_seen_at = n.first
     FROM (SELECT issue_id, count(*) AS count, count(DISTINCT user_label) AS people, max(received_at) AS last, min(received_at) AS first
           FROM events WHERE project_id = 1 AND issue_id > {first} GROUP BY issue_id) AS n
     WHERE i.project_id = 1 AND i.id = n.issue_id",
    "DELETE FROM issue_hours WHERE issue_id > {first}",
    "INSERT INTO issue_hours (project_id, issue_id, hour, event_count, clean_count)
     SELECT 1, issue_id, date_trunc('hour', received_at, 'UTC'), count(*), count(*) FROM events WHERE project_id = 1 AND issue_id > {first}
     GROUP BY 2, 3",
    "DELETE FROM issue_minutes WHERE issue_id > {first}",
    "INSERT INTO issue_minutes (project_id, issue_id, minute, clean_count, capped_count)
     SELECT 1, issue_id, date_trunc('minute', received_at, 'UTC'), count(*), count(*) FROM events
     WHERE project_id = 1 AND issue_id > {first} AND received_at > now() - interval '1 day' GROUP BY 2, 3",
    "DELETE FROM issue_environments WHERE issue_id > {first}",
    "INSERT INTO issue_environments (project_id, issue_id, environment, event_count, first_seen_at, last_seen_at, top_level)
     SELECT 1, issue_id, environment, count(*), min(received_at), max(received_at), 40 FROM events WHERE project_id = 1 AND issue_id > {first}
     GROUP BY 2, 3",
    "DELETE FROM issue_releases WHERE issue_id > {first}",
    "INSERT INTO issue_releases (project_id, issue_id, release, event_count, first_seen_at, last_seen_at)
     SELECT 1, issue_id, release, count(*), min(received_at), max(received_at) FROM events WHERE project_id = 1 AND issue_id > {first}
     GROUP BY 2, 3",
    "INSERT INTO issue_people (project_id, issue_id, person, last_seen_at)
     SELECT 1, issue_id, decode(md5(user_label), 'hex'), max(received_at) FROM events
     WHERE project_id = 1 AND issue_id > {first} GROUP BY 2, 3
     ON CONFLICT DO NOTHING",
    // Twelve keys; the number of values goes from one to thirty.
    "INSERT INTO issue_tags (project_id, issue_id, key, value, event_count, last_seen_at)
     SELECT 1, i.id, (ARRAY['tenant', 'payment', 'browser', 'browser.name', 'os', 'os.name', 'runtime', 'server_name', 'url', 'transaction',
         'user', 'level'])[k], CASE WHEN k = 1 THEN 'value' || i.id * v % 2000 ELSE 'value' || v END, greatest(1, i.event_count / v),
         i.last_seen_at
     FROM issues i CROSS JOIN generate_series(1, 12) AS k CROSS JOIN LATERAL generate_series(1, least(30, 1 + i.event_count * (k % 4) / 8)) AS v
     WHERE i.project_id = 1 AND i.id > {first}
     ON CONFLICT DO NOTHING",
    "DELETE FROM project_hours",
    "INSERT INTO project_hours (project_id, hour, event_count)
     SELECT 1, date_trunc('hour', received_at, 'UTC'), count(*) FROM events WHERE project_id = 1 GROUP BY 2",
    "INSERT INTO project_outcomes (project_id, hour, category, outcome, item_count)
     SELECT 1, date_trunc('hour', now(), 'UTC'), 'error', 'stored',
         (SELECT count(*) FROM events) - (SELECT coalesce(sum(item_count), 0) FROM project_outcomes WHERE outcome = 'stored')
     ON CONFLICT (project_id, hour, category, outcome, reason) DO UPDATE SET item_count = project_outcomes.item_count + excluded.item_count",
    "INSERT INTO environments (project_id, name, first_seen_at, last_seen_at)
     SELECT DISTINCT 1, environment, now(), now() FROM issue_environments ON CONFLICT DO NOTHING",
    "INSERT INTO releases (project_id, version, first_seen_at, last_seen_at, event_count)
     SELECT 1, release, min(first_seen_at), max(last_seen_at), sum(event_count) FROM issue_releases GROUP BY 2 ON CONFLICT DO NOTHING",
];
