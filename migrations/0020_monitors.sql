-- Monitors: jobs that tell when they run. What they tell is kept; watching that they do comes with its pages.

CREATE TABLE monitors (
    project_id       bigint NOT NULL,
    slug             text NOT NULL,
    config           jsonb NOT NULL,            -- as last sent: schedule, checkin_margin, max_runtime, timezone, …
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,      -- of the config
    CONSTRAINT monitors_pkey PRIMARY KEY (project_id, slug)
);

-- What jobs told, one row for each run.
CREATE TABLE check_ins (
    project_id       bigint NOT NULL,
    check_in_id      uuid NOT NULL,             -- made by the client
    slug             text NOT NULL,
    environment      text NOT NULL,             -- '' where none was given
    status           text NOT NULL,             -- in_progress, ok, error
    duration_ms      bigint,
    trace_id         text,                      -- of the errors of the run
    release          text,
    started_at       timestamptz NOT NULL,      -- when the first word of it arrived
    updated_at       timestamptz NOT NULL,
    CONSTRAINT check_ins_pkey PRIMARY KEY (project_id, check_in_id)
);
-- Serves the runs of a monitor, newest first, and how many there were lately.
CREATE INDEX check_ins_project_id_slug_started_at_idx ON check_ins (project_id, slug, started_at DESC, check_in_id DESC);
-- Serves the latest run that is in progress, however many have ended.
CREATE INDEX check_ins_in_progress_idx ON check_ins (project_id, slug, environment, started_at DESC, check_in_id DESC)
    WHERE status = 'in_progress';
-- Serves trimming.
CREATE INDEX check_ins_started_at_idx ON check_ins (started_at);
