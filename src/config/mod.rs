//! Every setting of the contract: flag, environment variable, default. Parsed once, at the edge, into values that cannot be wrong.
//!
//! `raw` is what was said (flags over environment), `parse` says what is wrong with it, one sentence per setting, naming its variable.
//!
//! Deliberately absent: settings that people change while it runs; those are rows and have pages.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

mod bytes;
mod parse;
mod raw;
mod secret;

pub use parse::{BadSetting, BadSettings, Checked};
pub use raw::Raw;
pub use secret::SecretKey;

/// Where Bugle listens and how the world reaches it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listen address.
    pub bind: SocketAddr,
    /// Public base URL without a trailing slash: DSNs, links in mail, cookie security.
    pub url: String,
    /// A Postgres server; `None`: the private one in the data directory.
    pub database_url: Option<String>,
    /// Spool, private Postgres, generated secret.
    pub data_dir: PathBuf,
    /// Where `postgres` and `initdb` are; `None`: found by itself.
    pub pg_bindir: Option<PathBuf>,
    /// Signs mail links. 32 bytes or more.
    pub secret_key: SecretKey,
    /// The first owner, created where there is no user yet.
    pub first_owner: Option<FirstOwner>,
    /// Mail settings.
    pub mail: MailConfig,
    /// How long events are kept, in days.
    pub retention_days: u32,
    /// The database is kept under this size, in bytes, by thinning events; `None`: it is not.
    pub max_storage_bytes: Option<u64>,
    /// Bearer token that `/metrics` asks for.
    pub metrics_token: Option<String>,
    /// Limits of ingestion.
    pub limits: Limits,
    /// Limits of the attachments of one event.
    pub attachments: AttachmentLimits,
    /// Most items of one category, where a key or project has no limit of its own.
    pub rates: Rates,
    /// Events of one issue and hour that are stored whole before a spike is thinned, where a project says nothing else. `None`: all.
    pub sample_after: Option<u32>,
    /// New issues that one project may make in a minute; what it does not use is saved up for twenty. `None`: any number.
    pub new_issues: Option<u32>,
    /// How much may wait while the database is away.
    pub spool: SpoolConfig,
    /// A MaxMind file that says where addresses are. Not looked at here: a broken one keeps nothing from starting.
    pub geoip_file: Option<PathBuf>,
    /// Whose `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// `smtp://`, `smtps://`, `smtp://…?tls=required`; `None`: mail is kept and shown in the admin page.
    pub smtp_url: Option<String>,
    /// Sender, as `Name <address>`.
    pub from: String,
}

/// Sizes after decompression, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// One event item.
    pub event_bytes: usize,
    /// One request.
    pub envelope_bytes: usize,
    /// One attachment.
    pub attachment_bytes: usize,
}

/// What may be attached to one event.
#[derive(Clone, Copy, Debug)]
pub struct AttachmentLimits {
    /// Files.
    pub count: u32,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// How much may be sent. `None`: no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Of each project in a minute.
    pub project_minute: Option<u32>,
    /// Of each project in an hour.
    pub project_hour: Option<u32>,
    /// Of each key in a minute.
    pub key_minute: Option<u32>,
    /// Of each key in an hour.
    pub key_hour: Option<u32>,
}

/// What the spool may hold before events are refused with `503`.
#[derive(Clone, Copy, Debug)]
pub struct SpoolConfig {
    /// Bytes; `None`: 1 GiB, or a tenth of a small disk.
    pub max_bytes: Option<u64>,
    /// Age of the oldest request while nothing is stored, in hours.
    pub max_hours: u32,
}

/// From `BUGLE_ADMIN_EMAIL` and `BUGLE_ADMIN_PASSWORD`; both or none. The password is never printed.
#[derive(Clone)]
pub struct FirstOwner {
    /// As given.
    pub email: String,
    /// As given.
    pub password: String,
}

impl std::fmt::Debug for FirstOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstOwner").field("email", &self.email).finish_non_exhaustive()
    }
}
