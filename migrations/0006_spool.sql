-- How far each node's spool has been digested. Written in the transaction that stores the batch, so a replay is exact.
CREATE TABLE spool_positions (
    node_id         uuid NOT NULL,          -- one per data directory
    segment         bigint NOT NULL,
    "offset"        bigint NOT NULL,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT spool_positions_pkey PRIMARY KEY (node_id)
);

-- What could not be digested, with the reason; shown to the operator, retried or dropped by hand.
-- The body is scrubbed or kept as received only where scrubbing could not read it.
CREATE TABLE dead_letters (
    project_id      bigint NOT NULL,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    received_at     timestamptz NOT NULL,
    failed_at       timestamptz NOT NULL,
    item_type       text NOT NULL,
    event_id        uuid,
    reason          text NOT NULL,
    retry_count     integer NOT NULL DEFAULT 0,
    retry_at        timestamptz,            -- asked to be digested again; the next digest takes it
    receipt         jsonb NOT NULL,         -- protocol::receipt::Receipt
    body            bytea NOT NULL,         -- as in the spool
    CONSTRAINT dead_letters_pkey PRIMARY KEY (project_id, id)
);
-- Serves the list of dead letters, newest first.
CREATE INDEX dead_letters_failed_at_idx ON dead_letters (failed_at DESC, id DESC);
-- Serves the digest, which looks for letters to try again; nearly always empty.
CREATE INDEX dead_letters_retry_at_idx ON dead_letters (retry_at, id) WHERE retry_at IS NOT NULL;
-- Serves the commands that name a letter by its id alone.
CREATE INDEX dead_letters_id_idx ON dead_letters (id);
