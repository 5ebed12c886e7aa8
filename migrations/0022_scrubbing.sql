-- What is taken out of the events of a project, where it wants something else than the default rules.
-- One row per project that chose; every node reads the rows whose `revision` has moved. Holds `domain::scrubbing::Scrubbing`.
CREATE TABLE scrubbing (
    project_id      bigint NOT NULL,
    revision        bigint NOT NULL,        -- grows with every change
    has_defaults    boolean NOT NULL,       -- false: only sure secrets and the names below
    names           text[] NOT NULL,        -- further names of secrets
    safe            text[] NOT NULL,        -- names and paths that are left alone
    keeps_emails    boolean NOT NULL,
    addresses       text NOT NULL,          -- keep, drop, drop_everywhere
    CONSTRAINT scrubbing_pkey PRIMARY KEY (project_id),
    CONSTRAINT scrubbing_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT scrubbing_addresses_check CHECK (addresses IN ('keep', 'drop', 'drop_everywhere'))
);

-- Bodies that could not be scrubbed, because nothing could read them, are kept encrypted under the secret of the installation.
ALTER TABLE dead_letters ADD COLUMN is_sealed boolean NOT NULL DEFAULT false;
