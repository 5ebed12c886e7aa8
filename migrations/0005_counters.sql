-- Counters. Pages and alerts read these and never count events.

-- Per issue and minute of arrival; kept 24 hours. `clean` leaves out duplicates and old events,
-- `capped` counts one person at most 5 times per quarter of an hour.
CREATE TABLE issue_minutes (
    project_id      bigint NOT NULL,
    minute          timestamptz NOT NULL,
    issue_id        bigint NOT NULL,
    clean_count     integer NOT NULL,
    capped_count    integer NOT NULL,
    CONSTRAINT issue_minutes_pkey PRIMARY KEY (project_id, issue_id, minute)
);
-- Serves the minute sweep: which issues got events in this minute; and the trimming.
CREATE INDEX issue_minutes_minute_idx ON issue_minutes (minute, project_id, issue_id);

-- How often one person was seen in an issue in a quarter of an hour; kept 2 hours. Serves the cap of 5
-- and the number of distinct people of the last hour.
CREATE TABLE issue_quarter_people (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    quarter         timestamptz NOT NULL,
    person          bytea NOT NULL,         -- first 16 bytes of SHA-256 of kind and id
    event_count     integer NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    CONSTRAINT issue_quarter_people_pkey PRIMARY KEY (project_id, issue_id, quarter, person)
);
CREATE INDEX issue_quarter_people_quarter_idx ON issue_quarter_people (quarter);

-- Per issue and hour. `event_count` is by the hour in which events happened (charts), the rest by arrival (detection).
CREATE TABLE issue_hours (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    hour            timestamptz NOT NULL,
    event_count     bigint NOT NULL DEFAULT 0,
    clean_count     bigint NOT NULL DEFAULT 0,
    peak15          integer NOT NULL DEFAULT 0,  -- largest capped 15-minute sum that ended in this hour
    peak60          integer NOT NULL DEFAULT 0,
    hot             boolean NOT NULL DEFAULT false,  -- inside an alert: left out of what is usual
    CONSTRAINT issue_hours_pkey PRIMARY KEY (project_id, issue_id, hour)
);

CREATE TABLE issue_environments (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    environment     text NOT NULL,
    event_count     bigint NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    top_level       smallint NOT NULL DEFAULT 0,    -- as issues.top_level, of this environment
    CONSTRAINT issue_environments_pkey PRIMARY KEY (project_id, issue_id, environment)
);
-- Serves the environment filter of the issue list.
CREATE INDEX issue_environments_project_id_environment_idx ON issue_environments (project_id, environment, issue_id);

CREATE TABLE issue_releases (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    release         text NOT NULL,
    event_count     bigint NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    CONSTRAINT issue_releases_pkey PRIMARY KEY (project_id, issue_id, release)
);
-- Serves the release filter of the issue list.
CREATE INDEX issue_releases_project_id_release_idx ON issue_releases (project_id, release, issue_id);

-- Tag values of an issue. At most `store::tags::VALUES_MAX` values per key; what is beyond is counted under '' (other).
CREATE TABLE issue_tags (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    key             text NOT NULL,
    value           text NOT NULL,
    event_count     bigint NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    CONSTRAINT issue_tags_pkey PRIMARY KEY (project_id, issue_id, key, value)
);
-- Serves tag filters of the issue list.
CREATE INDEX issue_tags_project_id_key_value_idx ON issue_tags (project_id, key, value, issue_id);

-- Distinct people of an issue, so that `issues.user_count` is exact.
CREATE TABLE issue_people (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    person          bytea NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    CONSTRAINT issue_people_pkey PRIMARY KEY (project_id, issue_id, person)
);

-- Environments and releases of a project: the facets of the list, and "the latest release".
CREATE TABLE environments (
    project_id      bigint NOT NULL,
    name            text NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    CONSTRAINT environments_pkey PRIMARY KEY (project_id, name)
);
CREATE TABLE releases (
    project_id      bigint NOT NULL,
    version         text NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    event_count     bigint NOT NULL,
    CONSTRAINT releases_pkey PRIMARY KEY (project_id, version)
);
