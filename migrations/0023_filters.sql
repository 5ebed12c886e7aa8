-- Events that a project does not want at all: one row per project that has filters, holds `domain::filters::Chosen`.
-- Every node reads the rows whose `revision` has moved. What they dropped is counted in `project_outcomes`, by their names.
CREATE TABLE filters (
    project_id      bigint NOT NULL,
    revision        bigint NOT NULL,        -- grows with every change
    messages        text[] NOT NULL,
    releases        text[] NOT NULL,
    environments    text[] NOT NULL,
    loggers         text[] NOT NULL,
    urls            text[] NOT NULL,
    addresses       text[] NOT NULL,        -- IP addresses and networks
    switched_on     text[] NOT NULL,        -- names of the filters without patterns
    CONSTRAINT filters_pkey PRIMARY KEY (project_id),
    CONSTRAINT filters_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE
);
