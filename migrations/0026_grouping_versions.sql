-- Which version of the fingerprint a project's new hashes are made with, and the oldest one whose hashes it may still have: these are looked up as
-- well, with no time limit. Projects that are there keep the version they have until somebody moves them; new ones begin with the newest.
ALTER TABLE projects
    ADD COLUMN grouping_version smallint NOT NULL DEFAULT 1,
    ADD COLUMN grouping_oldest smallint NOT NULL DEFAULT 1;
ALTER TABLE projects
    ALTER COLUMN grouping_version SET DEFAULT 2,
    ALTER COLUMN grouping_oldest SET DEFAULT 2;
