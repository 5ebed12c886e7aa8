-- So that no page and no job reads a whole table.

-- Serve the views of what is spiking and of what came back, and the triage; few rows are in them.
CREATE INDEX issues_spiking_idx ON issues (project_id, last_seen_at DESC, id DESC) WHERE spiking_since IS NOT NULL;
CREATE INDEX issues_regressed_idx ON issues (project_id, regressed_at) WHERE regressed_at IS NOT NULL;
-- Serve the trimming. Rows of one hour share an entry.
CREATE INDEX issue_hours_hour_idx ON issue_hours (hour);
CREATE INDEX project_outcomes_hour_idx ON project_outcomes (hour);
CREATE INDEX project_hours_hour_idx ON project_hours (hour);
-- Serves the counts of the admin page.
CREATE INDEX mails_state_created_at_idx ON mails (state, created_at);
-- Serves the search for a person.
CREATE INDEX issue_people_project_id_person_idx ON issue_people (project_id, person);
