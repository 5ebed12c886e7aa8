//! From text to settings that cannot be wrong. All faults are told at once.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use url::Url;

use super::secret::{self, SecretKey};
use super::{AttachmentLimits, Config, FirstOwner, Limits, MailConfig, Rates, Raw, SpoolConfig, bytes};

const BIND_DEFAULT: &str = "127.0.0.1:9000";
const RETENTION_DAYS_DEFAULT: u32 = 90;
/// Ten years.
const RETENTION_DAYS_MAX: u32 = 3_650;
const EVENT_BYTES_DEFAULT: usize = 1 << 20;
const ENVELOPE_BYTES_DEFAULT: usize = 20 << 20;
const ATTACHMENT_BYTES_DEFAULT: usize = 20 << 20;
const EVENT_ATTACHMENT_BYTES_DEFAULT: usize = 50 << 20;
const EVENT_ATTACHMENTS_DEFAULT: u32 = 50;
const STORAGE_BYTES_MIN: u64 = 100_000_000;
/// New issues of a project in a minute where nothing is said.
const NEW_ISSUES_DEFAULT: u32 = 60;
const SPOOL_HOURS_DEFAULT: u32 = 72;
/// Ten years, as for events.
const SPOOL_HOURS_MAX: u32 = 87_600;
/// Below, a single large request would not fit.
const SPOOL_BYTES_MIN: usize = 32 << 20;
/// Below, no SDK's event fits; above, one request would need an unreasonable share of memory.
const BYTES_RANGE: std::ops::RangeInclusive<usize> = 1 << 10..=1 << 30;

/// Largest limit; more is no limit.
const NUMBER_MAX: u32 = 1_000_000_000;

/// One setting that cannot be used. Secrets are not repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSetting {
    /// Not an address to listen on.
    #[error("BUGLE_BIND is “{0}”; it must be an address and a port, such as 127.0.0.1:9000 or [::]:9000")]
    Bind(String),
    /// Not a base URL.
    #[error("BUGLE_URL is “{0}”; it must be the address people type, such as https://bugle.example.org, without ? or #")]
    Url(String),
    /// Not a Postgres address.
    #[error("DATABASE_URL must look like postgres://user:password@host:5432/database")]
    DatabaseUrl,
    /// No place to put things.
    #[error("BUGLE_DATA_DIR is not set, and there is no home directory to put the data in")]
    NoDataDir,
    /// Not a directory.
    #[error("BUGLE_PG_BINDIR is “{0}”, which is not a directory")]
    PgBindir(String),
    /// Too short to be secret.
    #[error("BUGLE_SECRET_KEY has {0} characters; it needs {min} or more (openssl rand -hex 32 makes a good one)", min = secret::LEN_MIN)]
    SecretKey(usize),
    /// One without the other.
    #[error("{given} is set but {missing} is not; set both to create the first owner, or neither to get a setup link")]
    FirstOwner {
        /// The variable that is there.
        given: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// Not a mail server.
    #[error("BUGLE_SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465; {0}")]
    SmtpUrl(String),
    /// Not a sender.
    #[error("BUGLE_MAIL_FROM is “{0}”; it must be an address, such as Bugle <bugle@example.org>")]
    MailFrom(String),
    /// Not a number of days.
    #[error("BUGLE_RETENTION_DAYS is “{0}”; it must be a number of days from 1 to {RETENTION_DAYS_MAX}")]
    RetentionDays(String),
    /// Not a size of a database.
    #[error("BUGLE_MAX_STORAGE_BYTES is “{0}”; it must be a size from 100 MB on, such as 50 GB")]
    StorageBytes(String),
    /// Not a size.
    #[error("{variable} is “{value}”; it must be a size from 1 KiB to 1 GiB, such as 1 MiB or 1048576")]
    Bytes {
        /// Which.
        variable: &'static str,
        /// As given.
        value: String,
    },
    /// Not a number of events or items.
    #[error("{variable} is “{value}”; it must be a number from 0 (none) to {NUMBER_MAX}")]
    Number {
        /// Which.
        variable: &'static str,
        /// As given.
        value: String,
    },
    /// Not a size for the spool.
    #[error("BUGLE_SPOOL_MAX_BYTES is “{0}”; it must be a size from 32 MiB, such as 1 GiB")]
    SpoolBytes(String),
    /// Not a number of hours.
    #[error("BUGLE_SPOOL_MAX_HOURS is “{0}”; it must be a number of hours from 1 to {SPOOL_HOURS_MAX}")]
    SpoolHours(String),
    /// The part is larger than the whole.
    #[error("BUGLE_MAX_EVENT_BYTES ({event}) is larger than BUGLE_MAX_ENVELOPE_BYTES ({envelope}); an event travels inside an envelope")]
    EventLargerThanEnvelope {
        /// Bytes.
        event: usize,
        /// Bytes.
        envelope: usize,
    },
    /// Not an address or network.
    #[error("BUGLE_TRUSTED_PROXIES contains “{0}”, which is not an address or network such as 10.0.0.1 or 10.0.0.0/8")]
    TrustedProxies(String),
}

/// Everything that is wrong, in the order of the settings.
#[derive(Debug, PartialEq, Eq)]
pub struct BadSettings(pub Vec<BadSetting>);

impl std::fmt::Display for BadSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for BadSettings {}

/// Settings that are fine, before the data directory was touched.
#[derive(Clone, Debug)]
pub struct Checked {
    config: Config,
    has_secret: bool,
}

impl Checked {
    /// Judges every setting.
    pub fn parse(raw: &Raw) -> Result<Self, BadSettings> {
        let mut faults = Vec::new();
        let mut note = |fault: BadSetting| faults.push(fault);
        let bind = kept(bind(said(&raw.bind).unwrap_or(BIND_DEFAULT)), &mut note).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9000)));
        let url = kept(said(&raw.url).map_or_else(|| Ok(url_for(bind)), url), &mut note).unwrap_or_default();
        let config = Config {
            bind,
            database_url: kept(said(&raw.database_url).map(database_url).transpose(), &mut note).flatten(),
            data_dir: kept(data_dir(said(&raw.data_dir)), &mut note).unwrap_or_default(),
            pg_bindir: kept(said(&raw.pg_bindir).map(pg_bindir).transpose(), &mut note).flatten(),
            secret_key: kept(said(&raw.secret_key).map(secret_key).transpose(), &mut note).flatten().unwrap_or(SecretKey(Vec::new())),
            first_owner: kept(first_owner(said(&raw.admin_email), said(&raw.admin_password)), &mut note).flatten(),
            mail: MailConfig {
                smtp_url: kept(said(&raw.smtp_url).map(smtp_url).transpose(), &mut note).flatten(),
                from: kept(said(&raw.mail_from).map_or_else(|| Ok(mail_from_for(&url)), mail_from), &mut note).unwrap_or_default(),
            },
            retention_days: kept(said(&raw.retention_days).map_or(Ok(RETENTION_DAYS_DEFAULT), retention_days), &mut note)
                .unwrap_or_default(),
            max_storage_bytes: kept(said(&raw.max_storage_bytes).map(storage_bytes).transpose(), &mut note).flatten(),
            metrics_token: said(&raw.metrics_token).map(str::to_owned),
            limits: kept(limits(raw), &mut note).unwrap_or(Limits { event_bytes: 0, envelope_bytes: 0, attachment_bytes: 0 }),
            attachments: kept(attachments(raw), &mut note).unwrap_or(AttachmentLimits { count: 0, bytes: 0 }),
            rates: Rates {
                project_minute: kept(number("BUGLE_PROJECT_MINUTE_LIMIT", said(&raw.project_minute_limit)), &mut note).flatten(),
                project_hour: kept(number("BUGLE_PROJECT_HOUR_LIMIT", said(&raw.project_hour_limit)), &mut note).flatten(),
                key_minute: kept(number("BUGLE_KEY_MINUTE_LIMIT", said(&raw.key_minute_limit)), &mut note).flatten(),
                key_hour: kept(number("BUGLE_KEY_HOUR_LIMIT", said(&raw.key_hour_limit)), &mut note).flatten(),
            },
            sample_after: kept(number("BUGLE_SAMPLE_AFTER", said(&raw.sample_after)), &mut note).flatten(),
            new_issues: match said(&raw.new_issue_limit) {
                None => Some(NEW_ISSUES_DEFAULT),
                said => kept(number("BUGLE_NEW_ISSUE_LIMIT", said), &mut note).flatten(),
            },
            spool: SpoolConfig {
                max_bytes: kept(said(&raw.spool_max_bytes).map(spool_bytes).transpose(), &mut note).flatten(),
                max_hours: kept(said(&raw.spool_max_hours).map_or(Ok(SPOOL_HOURS_DEFAULT), spool_hours), &mut note).unwrap_or_default(),
            },
            geoip_file: said(&raw.geoip_file).map(PathBuf::from),
            trusted_proxies: kept(trusted_proxies(said(&raw.trusted_proxies).unwrap_or_default()), &mut note).unwrap_or_default(),
            url,
        };
        if faults.is_empty() { Ok(Self { config, has_secret: said(&raw.secret_key).is_some() }) } else { Err(BadSettings(faults)) }
    }

    /// Where the data is.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// The settings, with the secret of the data directory where none was given. The directory must exist.
    pub fn open(mut self) -> anyhow::Result<Config> {
        if !self.has_secret {
            self.config.secret_key = SecretKey::find_or_create(&self.config.data_dir)?;
        }
        Ok(self.config)
    }
}

fn kept<T>(outcome: Result<T, BadSetting>, note: &mut impl FnMut(BadSetting)) -> Option<T> {
    outcome.map_err(note).ok()
}

/// An empty variable, as compose files leave behind, is as good as none.
fn said(raw: &Option<String>) -> Option<&str> {
    raw.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn bind(raw: &str) -> Result<SocketAddr, BadSetting> {
    let with_host = raw.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    with_host.as_deref().unwrap_or(raw).parse().map_err(|_| BadSetting::Bind(raw.to_owned()))
}

/// The default follows the port, so that a DSN printed by a Bugle on another port works.
fn url_for(bind: SocketAddr) -> String {
    format!("http://localhost:{}", bind.port())
}

fn url(raw: &str) -> Result<String, BadSetting> {
    let bad = || BadSetting::Url(raw.to_owned());
    let url = Url::parse(raw).map_err(|_| bad())?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) || !plain {
        return Err(bad());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn database_url(raw: &str) -> Result<String, BadSetting> {
    match Url::parse(raw) {
        Ok(url) if ["postgres", "postgresql"].contains(&url.scheme()) => Ok(raw.to_owned()),
        _ => Err(BadSetting::DatabaseUrl),
    }
}

fn data_dir(given: Option<&str>) -> Result<PathBuf, BadSetting> {
    if let Some(raw) = given {
        // Made absolute once: it must not move with the working directory.
        return std::path::absolute(raw).map_err(|_| BadSetting::NoDataDir);
    }
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/bugle"));
    }
    let directory = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = directory("XDG_DATA_HOME").or_else(|| directory("HOME").map(|home| home.join(".local/share")));
    home.map(|home| home.join("bugle")).ok_or(BadSetting::NoDataDir)
}

fn pg_bindir(raw: &str) -> Result<PathBuf, BadSetting> {
    Some(PathBuf::from(raw)).filter(|path| path.is_dir()).ok_or_else(|| BadSetting::PgBindir(raw.to_owned()))
}

fn secret_key(raw: &str) -> Result<SecretKey, BadSetting> {
    if raw.len() < secret::LEN_MIN { Err(BadSetting::SecretKey(raw.chars().count())) } else { Ok(SecretKey(raw.as_bytes().to_vec())) }
}

fn first_owner(email: Option<&str>, password: Option<&str>) -> Result<Option<FirstOwner>, BadSetting> {
    match (email, password) {
        (Some(email), Some(password)) => Ok(Some(FirstOwner { email: email.to_owned(), password: password.to_owned() })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(BadSetting::FirstOwner { given: "BUGLE_ADMIN_EMAIL", missing: "BUGLE_ADMIN_PASSWORD" }),
        (None, Some(_)) => Err(BadSetting::FirstOwner { given: "BUGLE_ADMIN_PASSWORD", missing: "BUGLE_ADMIN_EMAIL" }),
    }
}

fn smtp_url(raw: &str) -> Result<String, BadSetting> {
    let url = Url::parse(raw).map_err(|problem| BadSetting::SmtpUrl(problem.to_string()))?;
    if !["smtp", "smtps"].contains(&url.scheme()) {
        return Err(BadSetting::SmtpUrl(format!("“{}:” is neither smtp: nor smtps:", url.scheme())));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(BadSetting::SmtpUrl("the host is missing".to_owned()));
    }
    Ok(raw.to_owned())
}

fn mail_from(raw: &str) -> Result<String, BadSetting> {
    let address = raw.rsplit_once('<').map_or(raw, |(_, rest)| rest.trim_end_matches('>'));
    let sound = address.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    if sound && !raw.contains(char::is_control) && !address.contains(' ') {
        Ok(raw.to_owned())
    } else {
        Err(BadSetting::MailFrom(raw.to_owned()))
    }
}

fn mail_from_for(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "localhost".to_owned());
    format!("Bugle <bugle@{host}>")
}

fn retention_days(raw: &str) -> Result<u32, BadSetting> {
    raw.parse().ok().filter(|days| (1..=RETENTION_DAYS_MAX).contains(days)).ok_or_else(|| BadSetting::RetentionDays(raw.to_owned()))
}

/// An empty database has 10 MB already.
fn storage_bytes(raw: &str) -> Result<u64, BadSetting> {
    let size = bytes::parse(raw).and_then(|size| u64::try_from(size).ok());
    size.filter(|size| *size >= STORAGE_BYTES_MIN).ok_or_else(|| BadSetting::StorageBytes(raw.to_owned()))
}

/// 0 and nothing mean the same: no limit.
fn number(variable: &'static str, value: Option<&str>) -> Result<Option<u32>, BadSetting> {
    let Some(value) = value else { return Ok(None) };
    let number = value.parse().ok().filter(|number| *number <= NUMBER_MAX);
    let number = number.ok_or_else(|| BadSetting::Number { variable, value: value.to_owned() })?;
    Ok(Some(number).filter(|number| *number > 0))
}

fn limits(raw: &Raw) -> Result<Limits, BadSetting> {
    let event_bytes = size("BUGLE_MAX_EVENT_BYTES", said(&raw.max_event_bytes), EVENT_BYTES_DEFAULT)?;
    let envelope_bytes = size("BUGLE_MAX_ENVELOPE_BYTES", said(&raw.max_envelope_bytes), ENVELOPE_BYTES_DEFAULT)?;
    if event_bytes > envelope_bytes {
        return Err(BadSetting::EventLargerThanEnvelope { event: event_bytes, envelope: envelope_bytes });
    }
    let attachment_bytes = size("BUGLE_MAX_ATTACHMENT_BYTES", said(&raw.max_attachment_bytes), ATTACHMENT_BYTES_DEFAULT)?;
    Ok(Limits { event_bytes, envelope_bytes, attachment_bytes })
}

fn attachments(raw: &Raw) -> Result<AttachmentLimits, BadSetting> {
    let count = match said(&raw.max_event_attachments) {
        None => EVENT_ATTACHMENTS_DEFAULT,
        given => number("BUGLE_MAX_EVENT_ATTACHMENTS", given)?.unwrap_or(0),
    };
    let bytes = size("BUGLE_MAX_EVENT_ATTACHMENT_BYTES", said(&raw.max_event_attachment_bytes), EVENT_ATTACHMENT_BYTES_DEFAULT)?;
    Ok(AttachmentLimits { count, bytes: bytes as u64 })
}

fn size(variable: &'static str, given: Option<&str>, default: usize) -> Result<usize, BadSetting> {
    let Some(raw) = given else { return Ok(default) };
    bytes::parse(raw).filter(|size| BYTES_RANGE.contains(size)).ok_or_else(|| BadSetting::Bytes { variable, value: raw.to_owned() })
}

fn spool_bytes(raw: &str) -> Result<u64, BadSetting> {
    let size = bytes::parse(raw).filter(|size| *size >= SPOOL_BYTES_MIN).and_then(|size| u64::try_from(size).ok());
    size.ok_or_else(|| BadSetting::SpoolBytes(raw.to_owned()))
}

fn spool_hours(raw: &str) -> Result<u32, BadSetting> {
    raw.parse().ok().filter(|hours| (1..=SPOOL_HOURS_MAX).contains(hours)).ok_or_else(|| BadSetting::SpoolHours(raw.to_owned()))
}

fn trusted_proxies(raw: &str) -> Result<Vec<IpNet>, BadSetting> {
    let parts = raw.split([',', ' ']).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)).map_err(|_| BadSetting::TrustedProxies(part.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> Raw {
        Raw { data_dir: Some("/data".into()), ..Raw::default() }
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = Checked::parse(&raw()).expect("fine").config;
        assert_eq!((config.bind.to_string().as_str(), config.url.as_str()), ("127.0.0.1:9000", "http://localhost:9000"));
        assert_eq!((config.retention_days, config.limits.event_bytes, config.limits.envelope_bytes), (90, 1 << 20, 20 << 20));
        assert_eq!(config.mail.from, "Bugle <bugle@localhost>");
        assert!(config.database_url.is_none() && config.mail.smtp_url.is_none() && config.trusted_proxies.is_empty());
    }

    #[test]
    fn the_address_of_the_world_gives_the_sender_and_follows_the_port() {
        let given = Raw { url: Some("https://bugle.example/errors/".into()), ..raw() };
        let config = Checked::parse(&given).expect("fine").config;
        assert_eq!((config.url.as_str(), config.mail.from.as_str()), ("https://bugle.example/errors", "Bugle <bugle@bugle.example>"));
        let moved = Checked::parse(&Raw { bind: Some("localhost:9999".into()), ..raw() }).expect("fine").config;
        assert_eq!(moved.url, "http://localhost:9999");
    }

    #[test]
    fn empty_variables_are_as_good_as_none() {
        let empty = Raw { smtp_url: Some(" ".into()), admin_email: Some(String::new()), database_url: Some(String::new()), ..raw() };
        let config = Checked::parse(&empty).expect("fine").config;
        assert!(config.mail.smtp_url.is_none() && config.first_owner.is_none() && config.database_url.is_none());
    }

    #[test]
    fn every_bad_setting_has_its_own_sentence_and_all_are_told_at_once() {
        let some = |text: &str| Some(text.to_owned());
        let wrong = Raw {
            bind: some("9000"),
            url: some("bugle.example"),
            database_url: some("mysql://u:hunter2@h/d"),
            data_dir: some("/data"),
            pg_bindir: some("/nowhere"),
            secret_key: some("hunter2"),
            admin_email: some("a@b.example"),
            smtp_url: some("http://h"),
            mail_from: some("me"),
            retention_days: some("0"),
            max_storage_bytes: some("5 MB"),
            max_event_bytes: some("much"),
            spool_max_bytes: some("1 KiB"),
            spool_max_hours: some("0"),
            trusted_proxies: some("10.0.0.1, proxy"),
            ..Raw::default()
        };
        let told = Checked::parse(&wrong).expect_err("wrong").to_string();
        insta::assert_snapshot!(told);
        assert!(!told.contains("hunter2"), "a secret is repeated");
    }

    #[test]
    fn limits_are_numbers_and_zero_is_none() {
        let given = Raw { project_minute_limit: Some("1000".into()), key_hour_limit: Some("0".into()), ..raw() };
        let config = Checked::parse(&given).expect("fine").config;
        assert_eq!((config.rates.project_minute, config.rates.key_hour, config.sample_after), (Some(1_000), None, None));
        for wrong in ["-1", "many", "1000000001"] {
            let told = Checked::parse(&Raw { sample_after: Some(wrong.into()), ..raw() }).expect_err("wrong");
            assert_eq!(told.0, [BadSetting::Number { variable: "BUGLE_SAMPLE_AFTER", value: wrong.into() }]);
        }
    }

    #[test]
    fn an_event_cannot_be_larger_than_its_envelope() {
        let wrong = Raw { max_event_bytes: Some("30 MiB".into()), ..raw() };
        let told = Checked::parse(&wrong).expect_err("wrong");
        assert_eq!(told.0, [BadSetting::EventLargerThanEnvelope { event: 30 << 20, envelope: 20 << 20 }]);
    }

    #[test]
    fn proxies_are_addresses_or_networks() {
        let given = Raw { trusted_proxies: Some("10.0.0.0/8, ::1".into()), ..raw() };
        let config = Checked::parse(&given).expect("fine").config;
        assert_eq!(config.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "::1/128"]);
    }
}
