-- One row per stored event, partitioned by the UTC day of arrival (client clocks are not trusted).
-- Partitions are made ahead and dropped by `jobs::partitions`; the default one is a safety net and stays empty.
CREATE TABLE events (
    project_id      bigint NOT NULL,
    event_id        uuid NOT NULL,
    issue_id        bigint NOT NULL,
    received_at     timestamptz NOT NULL,
    occurred_at     timestamptz NOT NULL,   -- the client's time after drift correction
    level           smallint NOT NULL,
    title           text NOT NULL,          -- 'Type: first line' of this event, at most 256 characters
    environment     text,
    release         text,
    transaction     text,
    user_label      text,                   -- what to call the person in a list: e-mail, name, id or IP
    trace_id        text,
    has_context     smallint NOT NULL,      -- 0..4: one point each for request, user, locals, trace (recommended event)
    hash            bytea NOT NULL,         -- the fingerprint that decided
    dictionary_id   integer NOT NULL DEFAULT 0,
    payload         bytea NOT NULL,         -- zstd of the normalized event JSON
    CONSTRAINT events_pkey PRIMARY KEY (project_id, event_id, received_at)
) PARTITION BY RANGE (received_at);
-- Already compressed: no second compression by Postgres. New partitions inherit it.
ALTER TABLE events ALTER COLUMN payload SET STORAGE EXTERNAL;
-- Serves the event navigator and the event table of an issue.
CREATE INDEX events_project_id_issue_id_received_at_idx ON events (project_id, issue_id, received_at DESC, event_id DESC);
CREATE TABLE events_default PARTITION OF events DEFAULT;

-- Every event id taken within the retention: the unique constraint that makes an event count once,
-- whoever sends or replays it, however often, on whichever node. Unique across days, which `events` cannot be.
CREATE TABLE event_ids (
    project_id      bigint NOT NULL,
    event_id        uuid NOT NULL,
    received_at     timestamptz NOT NULL,   -- leads to the partition
    CONSTRAINT event_ids_pkey PRIMARY KEY (project_id, event_id)
);
-- Serves the trimming by retention; rows arrive in time order, so a BRIN of a few pages is enough.
CREATE INDEX event_ids_received_at_idx ON event_ids USING brin (received_at);
-- Serves /events/{event_id}, an id from a log without its project.
CREATE INDEX event_ids_event_id_idx ON event_ids USING hash (event_id);
