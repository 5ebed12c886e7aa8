-- Plans are kept as long as a connection, and a flood comes before the first statistics. So no index may be there that looks as good as a primary
-- key while a table is small, and reads a whole project when it has grown.

-- As 0014, which left the values in their own collation: asked for one value of one key of one issue, the planner took the project and the value
-- from this index, which is smaller than the primary key, and read all tags of the project for each of them.
DROP INDEX issue_tags_project_id_key_value_idx;
CREATE INDEX issue_tags_project_id_key_value_idx ON issue_tags (project_id, key COLLATE "C", value COLLATE "C");

-- Asked for a hash, it took the project alone from the index over issues, and read all hashes of the project. What begins with the issue serves
-- the same questions and not this one.
DROP INDEX issue_hashes_project_id_issue_id_idx;
CREATE INDEX issue_hashes_issue_id_idx ON issue_hashes (issue_id, project_id);
DROP INDEX discarded_hashes_project_id_issue_id_idx;
CREATE INDEX discarded_hashes_issue_id_idx ON discarded_hashes (issue_id, project_id);
