//! What was said, before anybody judged it. Flags win over the environment; clap sees to that.

use clap::Args;

/// The settings as text. The value name of each flag is its environment variable, so every message names both.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings (each also an environment variable)")]
pub struct Raw {
    /// Listen address [default: 127.0.0.1:9000]
    #[arg(long, env = "BUGLE_BIND", value_name = "BUGLE_BIND", global = true)]
    pub bind: Option<String>,
    /// Public base URL, for DSNs, links in mail and cookie security [default: http://localhost:9000]
    #[arg(long, env = "BUGLE_URL", value_name = "BUGLE_URL", global = true)]
    pub url: Option<String>,
    /// A Postgres server [default: a private Postgres in the data directory]
    #[arg(long, env = "DATABASE_URL", value_name = "DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Spool, private Postgres, generated secret [default: /var/lib/bugle as root, else ~/.local/share/bugle]
    #[arg(long, env = "BUGLE_DATA_DIR", value_name = "BUGLE_DATA_DIR", global = true)]
    pub data_dir: Option<String>,
    /// Where postgres and initdb are, for the private Postgres [default: found by itself]
    #[arg(long, env = "BUGLE_PG_BINDIR", value_name = "BUGLE_PG_BINDIR", global = true)]
    pub pg_bindir: Option<String>,
    /// Signs the links in mail, 32 characters or more [default: generated once into the data directory]
    #[arg(long, env = "BUGLE_SECRET_KEY", value_name = "BUGLE_SECRET_KEY", global = true, hide_env_values = true)]
    pub secret_key: Option<String>,
    /// Creates the first owner where there is no user yet
    #[arg(long, env = "BUGLE_ADMIN_EMAIL", value_name = "BUGLE_ADMIN_EMAIL", global = true)]
    pub admin_email: Option<String>,
    /// The first owner's password
    #[arg(long, env = "BUGLE_ADMIN_PASSWORD", value_name = "BUGLE_ADMIN_PASSWORD", global = true, hide_env_values = true)]
    pub admin_password: Option<String>,
    /// Mail server: smtp://user:password@host:587, smtps://…, smtp://…?tls=required [default: mail is kept and shown in the admin page]
    #[arg(long, env = "BUGLE_SMTP_URL", value_name = "BUGLE_SMTP_URL", global = true, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of mail [default: Bugle <bugle@HOST-OF-BUGLE_URL>]
    #[arg(long, env = "BUGLE_MAIL_FROM", value_name = "BUGLE_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Days that events are kept; issues outlive their events [default: 90]
    #[arg(long, env = "BUGLE_RETENTION_DAYS", value_name = "BUGLE_RETENTION_DAYS", global = true)]
    pub retention_days: Option<String>,
    /// Keep the database under this size by thinning out old and frequent events, e.g. 50 GB [default: off]
    #[arg(long, env = "BUGLE_MAX_STORAGE_BYTES", value_name = "BUGLE_MAX_STORAGE_BYTES", global = true)]
    pub max_storage_bytes: Option<String>,
    /// Bearer token that /metrics then asks for
    #[arg(long, env = "BUGLE_METRICS_TOKEN", value_name = "BUGLE_METRICS_TOKEN", global = true, hide_env_values = true)]
    pub metrics_token: Option<String>,
    /// Largest event, after decompression [default: 1 MiB]
    #[arg(long, env = "BUGLE_MAX_EVENT_BYTES", value_name = "BUGLE_MAX_EVENT_BYTES", global = true)]
    pub max_event_bytes: Option<String>,
    /// Largest envelope, after decompression [default: 20 MiB]
    #[arg(long, env = "BUGLE_MAX_ENVELOPE_BYTES", value_name = "BUGLE_MAX_ENVELOPE_BYTES", global = true)]
    pub max_envelope_bytes: Option<String>,
    /// Largest attachment; it travels inside an envelope, so that has to be as large [default: 20 MiB]
    #[arg(long, env = "BUGLE_MAX_ATTACHMENT_BYTES", value_name = "BUGLE_MAX_ATTACHMENT_BYTES", global = true)]
    pub max_attachment_bytes: Option<String>,
    /// Most attachments of one event; 0: none are kept [default: 50]
    #[arg(long, env = "BUGLE_MAX_EVENT_ATTACHMENTS", value_name = "BUGLE_MAX_EVENT_ATTACHMENTS", global = true)]
    pub max_event_attachments: Option<String>,
    /// Most bytes of all attachments of one event [default: 50 MiB]
    #[arg(long, env = "BUGLE_MAX_EVENT_ATTACHMENT_BYTES", value_name = "BUGLE_MAX_EVENT_ATTACHMENT_BYTES", global = true)]
    pub max_event_attachment_bytes: Option<String>,
    /// Most items of one category that each project may send in a minute, unless it has a limit of its own; 0: no limit [default: 0]
    #[arg(long, env = "BUGLE_PROJECT_MINUTE_LIMIT", value_name = "BUGLE_PROJECT_MINUTE_LIMIT", global = true)]
    pub project_minute_limit: Option<String>,
    /// The same in an hour [default: 0]
    #[arg(long, env = "BUGLE_PROJECT_HOUR_LIMIT", value_name = "BUGLE_PROJECT_HOUR_LIMIT", global = true)]
    pub project_hour_limit: Option<String>,
    /// Most items of one category that may come with each key in a minute, unless it has a limit of its own; 0: no limit [default: 0]
    #[arg(long, env = "BUGLE_KEY_MINUTE_LIMIT", value_name = "BUGLE_KEY_MINUTE_LIMIT", global = true)]
    pub key_minute_limit: Option<String>,
    /// The same in an hour [default: 0]
    #[arg(long, env = "BUGLE_KEY_HOUR_LIMIT", value_name = "BUGLE_KEY_HOUR_LIMIT", global = true)]
    pub key_hour_limit: Option<String>,
    /// After so many events of one issue in one hour, keep only a sample of them; all are counted. 0: keep all [default: 0]
    #[arg(long, env = "BUGLE_SAMPLE_AFTER", value_name = "BUGLE_SAMPLE_AFTER", global = true)]
    pub sample_after: Option<String>,
    /// New issues a project may make in a minute, averaged over twenty; what is beyond shares one issue that says so. 0: no limit [default: 60]
    #[arg(long, env = "BUGLE_NEW_ISSUE_LIMIT", value_name = "BUGLE_NEW_ISSUE_LIMIT", global = true)]
    pub new_issue_limit: Option<String>,
    /// Most that may wait in the spool while the database is away; beyond, events are refused [default: 1 GiB, or a tenth of a small disk]
    #[arg(long, env = "BUGLE_SPOOL_MAX_BYTES", value_name = "BUGLE_SPOOL_MAX_BYTES", global = true)]
    pub spool_max_bytes: Option<String>,
    /// Hours that the oldest event may wait in the spool while none is stored; beyond, events are refused [default: 72]
    #[arg(long, env = "BUGLE_SPOOL_MAX_HOURS", value_name = "BUGLE_SPOOL_MAX_HOURS", global = true)]
    pub spool_max_hours: Option<String>,
    /// A MaxMind file, GeoLite2 City or Country, that says where addresses are [default: none]
    #[arg(long, env = "BUGLE_GEOIP_FILE", value_name = "BUGLE_GEOIP_FILE", global = true)]
    pub geoip_file: Option<String>,
    /// Addresses or networks whose X-Forwarded-* is believed, separated by commas
    #[arg(long, env = "BUGLE_TRUSTED_PROXIES", value_name = "BUGLE_TRUSTED_PROXIES", global = true)]
    pub trusted_proxies: Option<String>,
    /// What is logged: error, warn, info, debug, trace, or a filter such as bugle::digest=debug [default: info]
    #[arg(long, env = "BUGLE_LOG", value_name = "BUGLE_LOG", global = true)]
    pub log: Option<String>,
    /// text or json [default: text on a terminal, else json]
    #[arg(long, env = "BUGLE_LOG_FORMAT", value_name = "BUGLE_LOG_FORMAT", global = true)]
    pub log_format: Option<String>,
}
