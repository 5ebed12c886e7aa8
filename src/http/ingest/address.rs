//! What an address says about what is sent to it: whose it is, what it is, and how that gets into the spool.

use axum::body::Bytes;
use axum::http::{HeaderMap, Uri, header};

use super::enclose;
use super::refusal::Refusal;
use crate::config::Limits;
use crate::domain::event_id::EventId;
use crate::protocol::category::Category;
use crate::protocol::receipt::BodyForm;

/// Largest body of reports, as received and decoded. A report has less than 10 KB; its policy is the longest part of it.
const REPORTS_BYTES_MAX: usize = 1 << 20;
/// Largest body of a check-in (protocol notes, 5.2).
const CHECK_IN_BYTES_MAX: usize = 100 << 10;
/// Types of bodies that hold reports. What browsers name them after has changed with every kind.
const REPORT_TYPES: [&str; 7] = [
    "application/csp-report",
    "application/reports+json",
    "application/json",
    "application/expect-ct-report",
    "application/expect-ct-report+json",
    "application/expect-staple-report",
    "application/expect-staple-report+json",
];

/// An address of this door.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// The project, where the path names it; elsewhere the key or the envelope does.
    pub project: Option<&'a str>,
    /// The key, where it is part of the path.
    pub key: Option<&'a str>,
    /// The job, where it is part of the path.
    pub slug: Option<&'a str>,
    /// What is sent there.
    pub takes: Takes,
}

/// What is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// An envelope.
    Envelope,
    /// One event.
    Event,
    /// What a browser reports on its own.
    Reports,
    /// A form with files for an event; `None`: the address names none.
    Files(Option<EventId>),
    /// The dump of a crash, as a form or as it is.
    Minidump,
    /// What a job tells, in the address or as JSON.
    CheckIn,
}

impl Takes {
    /// How it stands in the spool. What has no form of its own becomes an envelope, so that there is one way to read it.
    pub fn form(self) -> BodyForm {
        if self == Self::Event { BodyForm::Store } else { BodyForm::Envelope }
    }

    /// What it is accounted as where it cannot be taken apart.
    pub fn category(self) -> Category {
        match self {
            Self::Envelope => Category::Unknown,
            Self::Event => Category::Error,
            Self::Reports => Category::Security,
            Self::Files(_) => Category::Attachment,
            Self::Minidump => Category::Error,
            Self::CheckIn => Category::Monitor,
        }
    }

    /// Largest body.
    pub fn bytes_max(self, limits: Limits) -> usize {
        match self {
            Self::Reports => limits.envelope_bytes.min(REPORTS_BYTES_MAX),
            Self::CheckIn => limits.envelope_bytes.min(CHECK_IN_BYTES_MAX),
            Self::Envelope | Self::Event | Self::Files(_) | Self::Minidump => limits.envelope_bytes,
        }
    }

    /// Whether it may be a form, of some megabytes, which is better taken apart where it holds up nobody.
    pub fn is_form(self) -> bool {
        matches!(self, Self::Files(_) | Self::Minidump)
    }

    /// Only browsers are asked: SDKs lie about it or are silent.
    pub fn check_content_type(self, headers: &HeaderMap) -> Result<(), Refusal> {
        let sent = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
        let sent = sent.as_deref().and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if self != Self::Reports || sent.is_empty() || REPORT_TYPES.contains(&sent) {
            return Ok(());
        }
        Err(Refusal::ContentType(format!("send one of {}", REPORT_TYPES.join(", "))))
    }
}

impl Address<'_> {
    /// The body as it goes into the spool, with its encoding.
    pub fn enclosed(
        self,
        received: Bytes,
        encoding: String,
        uri: &Uri,
        headers: &HeaderMap,
        limits: Limits,
    ) -> Result<(Bytes, String), Refusal> {
        let most = self.takes.bytes_max(limits);
        let enclosed = match self.takes {
            Takes::Envelope | Takes::Event => return Ok((received, encoding)),
            Takes::Reports => enclose::reports(&received, &encoding, uri.query(), most)?,
            Takes::Files(None) => return Err(Refusal::Event("the address holds no event id")),
            Takes::Files(Some(event_id)) => enclose::files(&received, &encoding, headers, event_id, most)?,
            Takes::Minidump => enclose::minidump(&received, &encoding, headers, most)?,
            Takes::CheckIn => enclose::check_in(&received, &encoding, uri.query(), self.slug.unwrap_or_default(), most)?,
        };
        Ok((enclosed, String::new()))
    }

    /// What is left of it where the request is gone: enough for a form.
    pub fn of_form(self) -> Address<'static> {
        Address { project: None, key: None, slug: None, takes: self.takes }
    }
}
