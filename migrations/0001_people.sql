-- People who sign in, and the tokens that act for them.
CREATE TABLE users (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    email           text NOT NULL,          -- lower case, unique
    name            text NOT NULL,
    role            text NOT NULL,
    password_hash   text,                   -- argon2id in PHC form; null until an invitation or a reset link is used
    theme           text NOT NULL DEFAULT 'auto',
    created_at      timestamptz NOT NULL,
    disabled_at     timestamptz,
    last_login_at   timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer'))
);

-- Signed-in browsers. The cookie holds a random token, the table only its SHA-256.
CREATE TABLE sessions (
    token_hash      bytea NOT NULL,
    user_id         bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    user_agent      text NOT NULL DEFAULT '',
    address         text NOT NULL DEFAULT '',
    CONSTRAINT sessions_pkey PRIMARY KEY (token_hash),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);

-- One-time links: setup, invitation, password reset. Single use, hashed at rest.
CREATE TABLE one_time_links (
    token_hash      bytea NOT NULL,
    purpose         text NOT NULL,
    user_id         bigint,                 -- null for setup
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    CONSTRAINT one_time_links_pkey PRIMARY KEY (token_hash),
    CONSTRAINT one_time_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT one_time_links_purpose_check CHECK (purpose IN ('setup', 'invite', 'reset'))
);

-- Failed sign-ins, per address tried and per client address; the throttle reads the recent ones.
CREATE TABLE login_failures (
    subject         text NOT NULL,          -- 'email:…' or 'ip:…'
    failed_at       timestamptz NOT NULL
);
CREATE INDEX login_failures_subject_failed_at_idx ON login_failures (subject, failed_at);

-- Bearer tokens of the Web API. Only the SHA-256 is kept.
CREATE TABLE api_tokens (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    user_id         bigint NOT NULL,
    name            text NOT NULL,
    token_hash      bytea NOT NULL,
    scopes          text[] NOT NULL,
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT api_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT api_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX api_tokens_user_id_idx ON api_tokens (user_id);
