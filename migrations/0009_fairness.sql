-- What keeps one project, one key, one issue from taking everything: limits, sampling, fair claiming.

-- Most items of one category that a project may send in a minute and in an hour. Null: the installation's setting; 0: no limit.
-- `sample_after`: events of one issue that are stored whole in an hour, before a spike is thinned. Null and 0 likewise.
ALTER TABLE projects
    ADD COLUMN minute_limit integer,
    ADD COLUMN hour_limit integer,
    ADD COLUMN sample_after integer,
    ADD CONSTRAINT projects_limits_check CHECK (minute_limit >= 0 AND hour_limit >= 0 AND sample_after >= 0);
-- The same per key, within what its project may send.
ALTER TABLE project_keys
    ADD COLUMN minute_limit integer,
    ADD COLUMN hour_limit integer,
    ADD CONSTRAINT project_keys_limits_check CHECK (minute_limit >= 0 AND hour_limit >= 0);

-- Where a limit refuses, since when: one row per project, key ('' for the project's own limit) and period, for the pages.
-- What was refused is counted in `project_outcomes`.
CREATE TABLE refusals (
    project_id      bigint NOT NULL,
    public_key      text NOT NULL,
    period          text NOT NULL,          -- minute, hour
    since           timestamptz NOT NULL,   -- first refusal of the stretch that is going on
    last_at         timestamptz NOT NULL,
    item_count      bigint NOT NULL,        -- refused in this stretch
    CONSTRAINT refusals_pkey PRIMARY KEY (project_id, public_key, period),
    CONSTRAINT refusals_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE
);

-- Events that are counted everywhere, with their ids taken, but have no row in `events`: outcome `sampled`.
ALTER TABLE issues ADD COLUMN sampled_count bigint NOT NULL DEFAULT 0;

-- Events of an issue per hour of arrival, where sampling is on: the n-th of them is kept or not. Kept a day.
CREATE TABLE issue_samples (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    hour            timestamptz NOT NULL,
    event_count     bigint NOT NULL,        -- arrived
    kept_count      bigint NOT NULL,        -- of these, stored as rows
    CONSTRAINT issue_samples_pkey PRIMARY KEY (project_id, issue_id, hour)
);
-- Serves the trimming.
CREATE INDEX issue_samples_hour_idx ON issue_samples (hour);

-- `segment` and "offset" say up to where all is done; what is done beyond, out of turn, is listed here (spool::progress).
ALTER TABLE spool_positions ADD COLUMN done_ahead bytea NOT NULL DEFAULT '';
