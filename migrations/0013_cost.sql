-- What an event costs. Every index a row of the digest has to be put into must earn it; those dropped here are served by another one.

-- Keys that the digest has just proved (the project is held, the issue is locked or new in the same transaction) are not proved again row by
-- row: what goes with an issue or a project goes by a trigger of the one that is deleted, not by a check of each row that is added.
ALTER TABLE issue_hashes DROP CONSTRAINT issue_hashes_issue_fkey;
ALTER TABLE activities DROP CONSTRAINT activities_issue_fkey;
ALTER TABLE issues DROP CONSTRAINT issues_project_id_fkey;
ALTER TABLE alerts DROP CONSTRAINT alerts_project_id_fkey;

CREATE FUNCTION forget_issue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM issue_hashes WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM activities WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM issue_minutes WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM issue_quarter_people WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM issue_hours WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM issue_environments WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM issue_releases WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM issue_tags WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM issue_samples WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    DELETE FROM issue_people WHERE project_id = OLD.project_id AND issue_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER issues_forget AFTER DELETE ON issues FOR EACH ROW EXECUTE FUNCTION forget_issue();

CREATE FUNCTION forget_project() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM alerts WHERE project_id = OLD.id;
    DELETE FROM issues WHERE project_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER projects_forget AFTER DELETE ON projects FOR EACH ROW EXECUTE FUNCTION forget_project();

-- One index instead of two: nothing names an activity by its id. Serves the activity of an issue, newest first.
ALTER TABLE activities DROP CONSTRAINT activities_pkey;
ALTER TABLE activities ADD CONSTRAINT activities_pkey PRIMARY KEY (project_id, issue_id, at, id);
DROP INDEX activities_project_id_issue_id_at_idx;
-- Serves Undo and the deletion of a user; what Bugle itself notes is in neither.
DROP INDEX activities_user_id_at_idx;
CREATE INDEX activities_user_id_at_idx ON activities (user_id, at) WHERE user_id IS NOT NULL;

-- Alerts of an issue are found by alerts_once_key, an alert without its project by a look into the few projects there are.
DROP INDEX alerts_project_id_issue_id_idx;
DROP INDEX alerts_id_idx;

-- Room in each page for the next version of its rows: a count that goes up stays in its page and touches no index.
ALTER TABLE issue_tags SET (fillfactor = 75);
ALTER TABLE issue_hours SET (fillfactor = 75);
ALTER TABLE issue_environments SET (fillfactor = 75);
ALTER TABLE issue_releases SET (fillfactor = 75);
ALTER TABLE issue_minutes SET (fillfactor = 75);
ALTER TABLE project_outcomes SET (fillfactor = 50);
ALTER TABLE project_hours SET (fillfactor = 50);
ALTER TABLE spool_positions SET (fillfactor = 50);
