-- Issues that people delete: their events go afterwards, bit by bit, and where they asked for it no further ones are taken.

-- Deleted issues whose events are still being removed by `jobs::removal`; nearly always empty. What they counted went with their row, so these
-- events belong to no counter of an issue any more (store::proof leaves them out), while the hours of the project go on counting them.
CREATE TABLE removals (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    deleted_at      timestamptz NOT NULL,
    CONSTRAINT removals_pkey PRIMARY KEY (project_id, issue_id),
    CONSTRAINT removals_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE
);

-- Issues that were deleted for ever: the record of who decided it, and how many events have been dropped since.
CREATE TABLE discards (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,        -- the number it had
    title           text NOT NULL,
    culprit         text NOT NULL,
    event_count     bigint NOT NULL,        -- events it had
    user_id         bigint,                 -- null: somebody who was removed
    discarded_at    timestamptz NOT NULL,
    dropped_count   bigint NOT NULL DEFAULT 0,
    dropped_at      timestamptz,            -- arrival of the latest
    CONSTRAINT discards_pkey PRIMARY KEY (project_id, issue_id),
    CONSTRAINT discards_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT discards_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
);
-- Serves the page that lists them, newest first.
CREATE INDEX discards_project_id_discarded_at_idx ON discards (project_id, discarded_at DESC, issue_id DESC);

-- The fingerprints that led to them, those of issues merged into them too. Asked together with `issue_hashes`; a hash is in one of the two.
CREATE TABLE discarded_hashes (
    project_id      bigint NOT NULL,
    hash            bytea NOT NULL,
    issue_id        bigint NOT NULL,
    CONSTRAINT discarded_hashes_pkey PRIMARY KEY (project_id, hash),
    CONSTRAINT discarded_hashes_discard_fkey FOREIGN KEY (project_id, issue_id) REFERENCES discards (project_id, issue_id) ON DELETE CASCADE
);
-- Serves taking a decision back.
CREATE INDEX discarded_hashes_project_id_issue_id_idx ON discarded_hashes (project_id, issue_id);
