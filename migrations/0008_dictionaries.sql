-- What events of a project have in common, so that a stored event need not say it again: `events.payload` is compressed against it.
-- Pieces of stored (normalized, scrubbed) events that were seen in several of them; see `store::payload`.
CREATE TABLE dictionaries (
    project_id      bigint NOT NULL,
    id              integer GENERATED ALWAYS AS IDENTITY,   -- events.dictionary_id; 0 is none
    created_at      timestamptz NOT NULL,
    event_count     integer NOT NULL,       -- events it was made of
    content_len     integer NOT NULL,       -- bytes of the content, unpacked
    json_bytes      bigint NOT NULL,        -- of events it was tried on, which it was not made of
    payload_bytes   bigint NOT NULL,        -- what they became
    content         bytea NOT NULL,         -- zstd
    CONSTRAINT dictionaries_pkey PRIMARY KEY (project_id, id),
    CONSTRAINT dictionaries_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT dictionaries_id_check CHECK (id > 0)
);
ALTER TABLE dictionaries ALTER COLUMN content SET STORAGE EXTERNAL;
