-- One row per bug. Counters are exact: they change in the transaction that stores the events.
-- The id is unique over the installation; with the project's prefix it is the short id people use (SHOP-431).
CREATE TABLE issues (
    project_id      bigint NOT NULL,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    kind            text NOT NULL DEFAULT 'error',      -- error, default (a message), …
    type            text NOT NULL,                      -- exception type, or '' for a message
    value           text NOT NULL,                      -- first line of the value or message
    culprit         text NOT NULL,
    location        text NOT NULL DEFAULT '',           -- file:line of the failing in-app frame
    function        text NOT NULL DEFAULT '',
    logger          text NOT NULL DEFAULT '',
    platform        text NOT NULL DEFAULT '',
    level           smallint NOT NULL,                  -- 10 debug … 50 fatal, of the latest event
    status          text NOT NULL DEFAULT 'unresolved',
    status_at       timestamptz NOT NULL,               -- when the status last changed
    regressed_at    timestamptz,                        -- last time it came back
    ignore_until    text NOT NULL DEFAULT '',           -- '', 'forever', 'escalates'
    handled         boolean,                            -- null: not said
    first_seen_at   timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    first_release   text,
    last_release    text,
    event_count     bigint NOT NULL DEFAULT 0,
    user_count      bigint NOT NULL DEFAULT 0,
    spiking_since   timestamptz,                        -- set while its spike alert is firing
    top_level       smallint NOT NULL DEFAULT 0,        -- highest level of its clean events, 0 before the first: decides what is new
    CONSTRAINT issues_pkey PRIMARY KEY (project_id, id),
    CONSTRAINT issues_status_check CHECK (status IN ('unresolved', 'resolved', 'ignored')),
    CONSTRAINT issues_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE
);
-- Serves /issues/{id} and the list over all projects.
CREATE INDEX issues_id_idx ON issues (id);
-- Serves the issue list of one project by status, latest first.
CREATE INDEX issues_project_id_status_last_seen_at_idx ON issues (project_id, status, last_seen_at DESC, id DESC);
-- Serves the issue list over several projects.
CREATE INDEX issues_status_last_seen_at_idx ON issues (status, last_seen_at DESC, id DESC);

-- Which issue a fingerprint leads to. The first known hash of an event decides; the others are attached.
CREATE TABLE issue_hashes (
    project_id      bigint NOT NULL,
    hash            bytea NOT NULL,
    algorithm       smallint NOT NULL,                  -- version of pipeline::fingerprint that made it
    issue_id        bigint NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    CONSTRAINT issue_hashes_pkey PRIMARY KEY (project_id, hash),
    CONSTRAINT issue_hashes_issue_fkey FOREIGN KEY (project_id, issue_id) REFERENCES issues (project_id, id) ON DELETE CASCADE
);
CREATE INDEX issue_hashes_project_id_issue_id_idx ON issue_hashes (project_id, issue_id);

-- What happened to an issue, for its page: status changes, regressions, mails.
CREATE TABLE activities (
    project_id      bigint NOT NULL,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    issue_id        bigint NOT NULL,
    user_id         bigint,                             -- null: Bugle itself
    kind            text NOT NULL,                      -- first_seen, resolved, reopened, ignored, regressed, alerted
    detail          text NOT NULL DEFAULT '',
    before          jsonb,                              -- domain::issue::Standing before a person's change, for Undo
    at              timestamptz NOT NULL,
    CONSTRAINT activities_pkey PRIMARY KEY (project_id, id),
    CONSTRAINT activities_issue_fkey FOREIGN KEY (project_id, issue_id) REFERENCES issues (project_id, id) ON DELETE CASCADE,
    CONSTRAINT activities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
);
CREATE INDEX activities_project_id_issue_id_at_idx ON activities (project_id, issue_id, at DESC, id DESC);
-- Serves Undo, which takes back what one person did at one moment, and the deletion of a user.
CREATE INDEX activities_user_id_at_idx ON activities (user_id, at);
