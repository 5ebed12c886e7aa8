-- Serves tag filters of the issue list, and the list of keys. The collation is what keeps the planner from taking it for anything else: asked for
-- the values of one key of one issue, it would on a young installation, without statistics, rather read the key of all issues here than use
-- the primary key. Without the issue in it, equal values share an entry (many issues have level=error).
DROP INDEX issue_tags_project_id_key_value_idx;
CREATE INDEX issue_tags_project_id_key_value_idx ON issue_tags (project_id, key COLLATE "C", value);
