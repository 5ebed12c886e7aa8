-- What grouping remembers of earlier events: which issues became one, which words of messages vary, which lines of code were rewritten.

-- `origin_id`: the issue that this hash led to before it was merged into another one; what an undo gives back. `pinned`: a person decided
-- where this hash leads, so nothing automatic moves it.
ALTER TABLE issue_hashes
    ADD COLUMN origin_id bigint,
    ADD COLUMN pinned boolean NOT NULL DEFAULT false;

-- Issues that are part of another one now. Serves their old addresses, and holds what undoing the merge needs: their row and their counters at
-- that moment. What came since is found by the hashes whose origin they are. `into_id` is always an issue that exists: a merge of a
-- survivor moves its own on.
CREATE TABLE merged_issues (
    project_id      bigint NOT NULL,
    id              bigint NOT NULL,
    into_id         bigint NOT NULL,        -- what its address leads to
    first_into_id   bigint NOT NULL,        -- what it was merged into at the time
    merged_at       timestamptz NOT NULL,
    user_id         bigint,                 -- null: Bugle itself
    reason          text NOT NULL,          -- for people: what Bugle saw, or what the person said
    issue           jsonb NOT NULL,         -- its row in `issues`
    counters        jsonb NOT NULL,         -- its rows in the counters, see store::merges
    CONSTRAINT merged_issues_pkey PRIMARY KEY (project_id, id),
    CONSTRAINT merged_issues_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
);
-- Serves /issues/{id}, an id without its project.
CREATE INDEX merged_issues_id_idx ON merged_issues (id);
-- Serves merging a survivor, and its deletion.
CREATE INDEX merged_issues_project_id_into_id_idx ON merged_issues (project_id, into_id);

-- Which sentences agree in everything but one word: one row per such pattern of a message that founded an issue. A row per word and issue,
-- not per event; bounded per project (store::message_slots), the oldest go first.
CREATE TABLE message_slots (
    project_id      bigint NOT NULL,
    pattern         bytea NOT NULL,         -- the hash of the sentence with this word as a value
    hash            bytea NOT NULL,         -- of the sentence as it came
    is_name         boolean NOT NULL,       -- the word is written like a name
    seen_at         timestamptz NOT NULL,
    CONSTRAINT message_slots_pkey PRIMARY KEY (project_id, pattern, hash)
);
-- Serves the trimming.
CREATE INDEX message_slots_project_id_seen_at_idx ON message_slots (project_id, seen_at);

-- Hashes with texts of lines, by what they are without these texts: where a rewritten line looks for its issue. One row per hash that founded
-- an issue or joined one that way; bounded per project (store::outlines), the oldest go first.
CREATE TABLE issue_outlines (
    project_id      bigint NOT NULL,
    outline         bytea NOT NULL,
    hash            bytea NOT NULL,
    seen_at         timestamptz NOT NULL,
    CONSTRAINT issue_outlines_pkey PRIMARY KEY (project_id, outline, hash)
);
CREATE INDEX issue_outlines_project_id_seen_at_idx ON issue_outlines (project_id, seen_at);

-- How many issues a project made lately, as a bucket that leaks: the limit of new issues, and the lock under which several nodes found issues
-- one after the other, so that each sees what the others remembered.
CREATE TABLE new_issue_rates (
    project_id      bigint NOT NULL,
    level           double precision NOT NULL,
    at              timestamptz NOT NULL,   -- arrival of the event that `level` was reckoned at
    CONSTRAINT new_issue_rates_pkey PRIMARY KEY (project_id)
);

-- With triggers of their own, beside forget_issue and forget_project.
CREATE FUNCTION forget_merges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM merged_issues WHERE project_id = OLD.project_id AND into_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER issues_forget_merges AFTER DELETE ON issues FOR EACH ROW EXECUTE FUNCTION forget_merges();

CREATE FUNCTION forget_grouping_memory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM merged_issues WHERE project_id = OLD.id;
    DELETE FROM message_slots WHERE project_id = OLD.id;
    DELETE FROM issue_outlines WHERE project_id = OLD.id;
    DELETE FROM new_issue_rates WHERE project_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER projects_forget_grouping_memory AFTER DELETE ON projects FOR EACH ROW EXECUTE FUNCTION forget_grouping_memory();
