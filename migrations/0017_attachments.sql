-- Files that came with events, or for an event that came earlier or comes later, or never.

-- One row per file: what pages list without touching its bytes. Not partitioned, because it is found by the event, whose day need not be its own.
CREATE TABLE attachments (
    project_id      bigint NOT NULL,
    event_id        uuid NOT NULL,          -- the event or the feedback it belongs to; need not exist
    attachment_id   uuid NOT NULL,          -- from event, name, kind and content: the same file sent twice is stored once
    received_at     timestamptz NOT NULL,   -- leads to the partition of its bytes
    name            text NOT NULL,          -- of the file, without folders and control characters
    kind            text NOT NULL,          -- attachment_type of the protocol: event.attachment, event.minidump, …
    content_type    text NOT NULL,          -- what the sender claims; never believed
    media_type      text NOT NULL,          -- what the bytes are, as far as Bugle knows it; '' unknown
    byte_count      bigint NOT NULL,        -- of the file
    chunk_count     integer NOT NULL,
    sha256          bytea NOT NULL,         -- of the file as it is kept
    CONSTRAINT attachments_pkey PRIMARY KEY (project_id, event_id, attachment_id)
);
-- Serves dropping a day; rows arrive in time order, so a BRIN of a few pages is enough.
CREATE INDEX attachments_received_at_idx ON attachments USING brin (received_at);
-- Serves projects that keep things for less time than the installation does.
CREATE INDEX attachments_project_id_received_at_idx ON attachments (project_id, received_at);

-- Their bytes, in pieces of at most 256 KiB, so that no file is in memory as a whole; partitioned by the UTC day of arrival, so that days
-- of large files go at once, like those of `events`. Made and dropped by `jobs::partitions`.
CREATE TABLE attachment_chunks (
    project_id      bigint NOT NULL,
    attachment_id   uuid NOT NULL,
    number          integer NOT NULL,       -- from 0
    received_at     timestamptz NOT NULL,
    is_packed       boolean NOT NULL,       -- zstd; else as they came
    content         bytea NOT NULL,
    CONSTRAINT attachment_chunks_pkey PRIMARY KEY (project_id, attachment_id, number, received_at)
) PARTITION BY RANGE (received_at);
-- Compressed already, or not worth it. New partitions inherit it.
ALTER TABLE attachment_chunks ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TABLE attachment_chunks_default PARTITION OF attachment_chunks DEFAULT;

CREATE FUNCTION forget_attachments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM attachment_chunks WHERE project_id = OLD.id;
    DELETE FROM attachments WHERE project_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER projects_forget_attachments AFTER DELETE ON projects FOR EACH ROW EXECUTE FUNCTION forget_attachments();
