-- Sessions of applications (release health): how many of them went well, per hour in which they began, release and environment. The name tells
-- them from `sessions`, which are those of people who are signed in.

CREATE TABLE app_session_hours (
    project_id      bigint NOT NULL,
    hour            timestamptz NOT NULL,       -- UTC, in which the sessions began
    release         text NOT NULL,
    environment     text NOT NULL,              -- '' where none was given
    session_count   bigint NOT NULL DEFAULT 0,  -- all; the others are parts of it, each session in at most one
    errored_count   bigint NOT NULL DEFAULT 0,
    unhandled_count bigint NOT NULL DEFAULT 0,
    abnormal_count  bigint NOT NULL DEFAULT 0,
    crashed_count   bigint NOT NULL DEFAULT 0,
    users           bytea NOT NULL DEFAULT '',  -- domain::sketch: about how many people
    errored_users   bytea NOT NULL DEFAULT '',  -- with a session that did not go well
    crashed_users   bytea NOT NULL DEFAULT '',
    CONSTRAINT app_session_hours_pkey PRIMARY KEY (project_id, hour, release, environment)
);
-- Serves trimming.
CREATE INDEX app_session_hours_hour_idx ON app_session_hours (hour);

-- Sessions that may still be updated: so each counts once, as the worst it became.
CREATE TABLE app_sessions (
    project_id      bigint NOT NULL,
    session_id      uuid NOT NULL,
    hour            timestamptz NOT NULL,       -- with release and environment: where it was counted
    release         text NOT NULL,
    environment     text NOT NULL,
    state           smallint NOT NULL,          -- domain::app_session::State
    expires_at      timestamptz NOT NULL,
    CONSTRAINT app_sessions_pkey PRIMARY KEY (project_id, session_id)
);
-- Serves trimming.
CREATE INDEX app_sessions_expires_at_idx ON app_sessions (expires_at);
