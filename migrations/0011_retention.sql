-- What is counted outlives what is stored: retention per project, the storage guard, and what is needed to prove the counters nevertheless.

-- Days that this project's events are kept. Null: as long as the installation says, which is never exceeded.
ALTER TABLE projects
    ADD COLUMN retention_days integer,
    ADD CONSTRAINT projects_retention_days_check CHECK (retention_days BETWEEN 1 AND 3650);

-- Events that are counted and have no row in `events` any more, or never had one: past a retention, thinned by the storage guard,
-- sampled in a spike. Written in the transaction that removes the rows, so that at any moment
--     counter = rows of `events` + `absent_events`
-- for issues, issue_hours, issue_environments and issue_releases; `bugle check --counts` proves it.
CREATE TABLE absent_events (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    hour            timestamptz NOT NULL,   -- in which they happened, as in issue_hours; 1970 once those hours are trimmed
    environment     text NOT NULL,          -- '': none
    release         text NOT NULL,          -- '': none
    event_count     bigint NOT NULL,
    CONSTRAINT absent_events_pkey PRIMARY KEY (project_id, issue_id, hour, environment, release)
);
-- Serves the folding of hours that issue_hours has forgotten as well.
CREATE INDEX absent_events_hour_idx ON absent_events (hour);

-- Of the events that arrived in this hour, how many rows were removed since: event_count = rows + removed_count + outcome `sampled`.
ALTER TABLE project_hours ADD COLUMN removed_count bigint NOT NULL DEFAULT 0;

-- How far the storage guard has thinned a day of `events`: the index of the step in `domain::thinning::STEPS` that was done last.
CREATE TABLE thinned_days (
    day             date NOT NULL,
    step            smallint NOT NULL,
    thinned_at      timestamptz NOT NULL,
    CONSTRAINT thinned_days_pkey PRIMARY KEY (day)
);

-- What an issue counts without rows goes with the issue.
CREATE FUNCTION forget_absent_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM absent_events WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER issues_forget_absent_events AFTER DELETE ON issues FOR EACH ROW EXECUTE FUNCTION forget_absent_events();
