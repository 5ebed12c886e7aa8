-- The fingerprint rules and stack trace rules of a project, as written: one row per version that was saved. The newest holds; of the older
-- ones the last are kept (store::grouping_rules), to be looked at and taken up again.
CREATE TABLE grouping_rules (
    project_id      bigint NOT NULL,
    revision        bigint NOT NULL,        -- from 1, grows with every change
    is_newest       boolean NOT NULL,
    fingerprint     text NOT NULL,
    stack           text NOT NULL,
    user_id         bigint,                 -- null: somebody who was removed
    saved_at        timestamptz NOT NULL,
    CONSTRAINT grouping_rules_pkey PRIMARY KEY (project_id, revision),
    CONSTRAINT grouping_rules_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT grouping_rules_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
);
-- Serves every node's look, every other second, whether rules have changed; and lets only one version of a project hold.
CREATE UNIQUE INDEX grouping_rules_newest_idx ON grouping_rules (project_id) INCLUDE (revision) WHERE is_newest;
