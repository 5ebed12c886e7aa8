-- What people who use the programs say: one row per report, whatever form it was sent in. Kept as long as events.
CREATE TABLE feedback (
    project_id      bigint NOT NULL,
    feedback_id     uuid NOT NULL,          -- its own event id, or made of what it says: the same report sent twice is stored once
    received_at     timestamptz NOT NULL,
    event_id        uuid,                   -- the event it is about; need not exist, or not yet
    issue_id        bigint,                 -- filled in by `jobs::feedback` once that event is there
    name            text NOT NULL,          -- '' not given, like the others
    email           text NOT NULL,
    message         text NOT NULL,
    url             text NOT NULL,
    environment     text NOT NULL,
    release         text NOT NULL,
    handled_at      timestamptz,
    handled_by      bigint,
    CONSTRAINT feedback_pkey PRIMARY KEY (project_id, feedback_id)
);
-- Serves the list of a project and the Web API, newest first, and the retention.
CREATE INDEX feedback_project_id_received_at_idx ON feedback (project_id, received_at DESC, feedback_id DESC);
-- Serves the list of what nobody has handled.
CREATE INDEX feedback_open_idx ON feedback (project_id, received_at DESC, feedback_id DESC) WHERE handled_at IS NULL;
-- Serves the page of an event.
CREATE INDEX feedback_project_id_event_id_idx ON feedback (project_id, event_id) WHERE event_id IS NOT NULL;
-- Serves the page of an issue.
CREATE INDEX feedback_project_id_issue_id_idx ON feedback (project_id, issue_id, received_at DESC) WHERE issue_id IS NOT NULL;
-- Serves the job that finds issues, newest first.
CREATE INDEX feedback_waiting_idx ON feedback (received_at DESC) WHERE issue_id IS NULL AND event_id IS NOT NULL;
-- Serves the trimming by the installation's retention.
CREATE INDEX feedback_received_at_idx ON feedback USING brin (received_at);

CREATE FUNCTION forget_feedback() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM feedback WHERE project_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER projects_forget_feedback AFTER DELETE ON projects FOR EACH ROW EXECUTE FUNCTION forget_feedback();
