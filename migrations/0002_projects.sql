-- Projects and the public keys their SDKs send with. Project ids are small integers: SDKs refuse anything else in a DSN.
CREATE TABLE projects (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    slug            text NOT NULL,
    name            text NOT NULL,
    platform        text NOT NULL,          -- what it runs on, as chosen: 'django', 'node', …; '' unknown
    short_prefix    text NOT NULL,          -- SHOP in SHOP-431
    created_at      timestamptz NOT NULL,
    first_event_at  timestamptz,
    last_event_at   timestamptz,
    CONSTRAINT projects_pkey PRIMARY KEY (id),
    CONSTRAINT projects_slug_key UNIQUE (slug)
);

CREATE TABLE project_keys (
    project_id      bigint NOT NULL,
    public_key      text NOT NULL,          -- 32 lower-case hex digits
    label           text NOT NULL DEFAULT 'Default',
    created_at      timestamptz NOT NULL,
    disabled_at     timestamptz,
    CONSTRAINT project_keys_pkey PRIMARY KEY (project_id, public_key),
    CONSTRAINT project_keys_public_key_key UNIQUE (public_key),
    CONSTRAINT project_keys_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE
);

-- Who belongs to a project: gets its mail and, below the role of admin, sees it at all.
CREATE TABLE project_members (
    project_id      bigint NOT NULL,
    user_id         bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT project_members_pkey PRIMARY KEY (project_id, user_id),
    CONSTRAINT project_members_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT project_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX project_members_user_id_idx ON project_members (user_id);

-- What became of everything that arrived, per project and hour. received = sum over outcomes.
CREATE TABLE project_outcomes (
    project_id      bigint NOT NULL,
    hour            timestamptz NOT NULL,
    category        text NOT NULL,          -- data category: error, transaction, session, …
    outcome         text NOT NULL,          -- stored, duplicate, invalid, unsupported, rate_limited, client_discard
    reason          text NOT NULL DEFAULT '',
    item_count      bigint NOT NULL,
    CONSTRAINT project_outcomes_pkey PRIMARY KEY (project_id, hour, category, outcome, reason)
);

-- Events of the project per hour of arrival: the charts of the project list and of the pulse.
CREATE TABLE project_hours (
    project_id      bigint NOT NULL,
    hour            timestamptz NOT NULL,
    event_count     bigint NOT NULL,
    CONSTRAINT project_hours_pkey PRIMARY KEY (project_id, hour)
);
