-- Which kinds of alert a project sends, and to whom. Every project starts with new, regressed and spiking to its members.
CREATE TABLE alert_rules (
    project_id      bigint NOT NULL,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    kind            text NOT NULL,          -- new, regressed, spiking
    name            text NOT NULL,
    enabled         boolean NOT NULL DEFAULT true,
    min_level       smallint NOT NULL DEFAULT 40,
    environment     text NOT NULL DEFAULT '',   -- '' = all
    recipients      text NOT NULL DEFAULT 'members',  -- 'members', or user ids separated by commas
    sensitivity     text NOT NULL DEFAULT 'normal',   -- spiking: low, normal, high
    updated_at      timestamptz NOT NULL,
    CONSTRAINT alert_rules_pkey PRIMARY KEY (project_id, id),
    CONSTRAINT alert_rules_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT alert_rules_kind_check CHECK (kind IN ('new', 'regressed', 'spiking'))
);

-- State of the spike alert of an issue.
CREATE TABLE alert_states (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    firing          boolean NOT NULL,
    since           timestamptz NOT NULL,
    peak60          integer NOT NULL,
    last_high       timestamptz NOT NULL,
    count_at_mail   integer NOT NULL,       -- c15 when the mail was decided
    escalated       boolean NOT NULL DEFAULT false,
    quiet           boolean NOT NULL DEFAULT false,     -- firing, but held back by the cooldown of the one before
    snoozed_until   timestamptz,
    CONSTRAINT alert_states_pkey PRIMARY KEY (project_id, issue_id),
    CONSTRAINT alert_states_issue_fkey FOREIGN KEY (project_id, issue_id) REFERENCES issues (project_id, id) ON DELETE CASCADE
);

-- Serves the minute sweep: which incidents are going on.
CREATE INDEX alert_states_firing_idx ON alert_states (project_id, issue_id) WHERE firing;

-- Every decision to tell somebody something, written in the transaction that made it true. The outbox of decisions.
CREATE TABLE alerts (
    project_id      bigint NOT NULL,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    rule_id         bigint,
    issue_id        bigint NOT NULL,
    kind            text NOT NULL,          -- new, regressed, spiking, escalated
    since           timestamptz NOT NULL,   -- of the incident; with issue and kind, the key that stops doubles
    decided_at      timestamptz NOT NULL,
    numbers         jsonb NOT NULL,         -- domain::alert::Numbers: what justified it
    state           text NOT NULL DEFAULT 'pending',    -- pending, mailed, held
    held_reason     text NOT NULL DEFAULT '',
    settled_at      timestamptz,
    mail_ref        text NOT NULL DEFAULT '',           -- the mails it went out in
    CONSTRAINT alerts_pkey PRIMARY KEY (project_id, id),
    CONSTRAINT alerts_once_key UNIQUE (project_id, issue_id, kind, since),
    CONSTRAINT alerts_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE
);
CREATE INDEX alerts_pending_idx ON alerts (project_id, decided_at) WHERE state = 'pending';
CREATE INDEX alerts_project_id_issue_id_idx ON alerts (project_id, issue_id, decided_at DESC);
CREATE INDEX alerts_project_id_decided_at_idx ON alerts (project_id, decided_at DESC, id DESC);
-- Serves /alerts/sent/{id}, an id without its project.
CREATE INDEX alerts_id_idx ON alerts (id);

-- When a project last mailed, and the storm it is in.
CREATE TABLE alert_pacing (
    project_id      bigint NOT NULL,
    last_mail_at    timestamptz,
    storm_since     timestamptz,
    storm_held_at   timestamptz,            -- last time the storm rule held
    storm_digest_at timestamptz,            -- last digest of this storm
    CONSTRAINT alert_pacing_pkey PRIMARY KEY (project_id),
    CONSTRAINT alert_pacing_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE
);

-- The outbox of mails: one row per mail and receiver, rendered. Delivered with retries; kept 30 days for the admin page.
CREATE TABLE mails (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    project_id      bigint,                 -- null: about the installation (invitations, resets, tests)
    user_id         bigint,
    recipient       text NOT NULL,
    subject         text NOT NULL,
    text_body       text NOT NULL,
    html_body       text NOT NULL,          -- '': made from the text on delivery
    message_id      text NOT NULL,          -- its part before the @; also the key that stops doubles
    in_reply_to     text NOT NULL DEFAULT '',
    unsubscribe_url text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    next_try_at     timestamptz NOT NULL,
    attempt_count   integer NOT NULL DEFAULT 0,
    state           text NOT NULL DEFAULT 'queued',     -- queued, sent, failed, kept (no SMTP configured)
    sent_at         timestamptz,
    last_error      text NOT NULL DEFAULT '',
    CONSTRAINT mails_pkey PRIMARY KEY (id),
    CONSTRAINT mails_message_id_key UNIQUE (message_id),
    CONSTRAINT mails_state_check CHECK (state IN ('queued', 'sent', 'failed', 'kept'))
);
CREATE INDEX mails_due_idx ON mails (next_try_at) WHERE state = 'queued';
CREATE INDEX mails_created_at_idx ON mails (created_at DESC, id DESC);

-- Who does not want mail about an issue: "mute" in a mail, and its List-Unsubscribe header.
CREATE TABLE issue_mutes (
    project_id      bigint NOT NULL,
    issue_id        bigint NOT NULL,
    user_id         bigint NOT NULL,
    muted_at        timestamptz NOT NULL,
    CONSTRAINT issue_mutes_pkey PRIMARY KEY (project_id, issue_id, user_id),
    CONSTRAINT issue_mutes_issue_fkey FOREIGN KEY (project_id, issue_id) REFERENCES issues (project_id, id) ON DELETE CASCADE,
    CONSTRAINT issue_mutes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- How far the minute sweep has looked, so that a restart goes on where it stopped. One row.
CREATE TABLE spike_sweep (
    one_row         boolean NOT NULL DEFAULT true,
    swept_minute    timestamptz NOT NULL,
    CONSTRAINT spike_sweep_pkey PRIMARY KEY (one_row),
    CONSTRAINT spike_sweep_one_row_check CHECK (one_row)
);
