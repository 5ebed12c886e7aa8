//! The mail server, spoken to in SMTP.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{Address, AsyncTransport, Message, Tokio1Executor};

use crate::config::Config;
use crate::store::mails::ClaimedMail;

/// For each step of the conversation with the mail server.
const TIMEOUT: Duration = Duration::from_secs(20);
/// For the whole of it.
const TIMEOUT_IN_ALL: Duration = Duration::from_secs(60);
/// Answers about who we are rather than about the mail: a setting is wrong, and may be right at the next try.
const ABOUT_US: [u16; 5] = [421, 530, 534, 535, 538];

/// Sends mails, if a mail server is configured.
#[derive(Clone)]
pub struct Mailer {
    transport: Option<AsyncSmtpTransport<Tokio1Executor>>,
    from: Mailbox,
    /// The right side of Message-IDs.
    host: String,
    base_url: String,
    /// What must not be repeated, should the mail server do so.
    secrets: Vec<String>,
}

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It never will be: the mail server says so, or the mail cannot be written.
    #[error("{0}")]
    Permanent(String),
    /// It may be later.
    #[error("{0}")]
    Transient(String),
    /// Nothing about this mail: the mail server cannot be reached or does not let us in.
    #[error("{0}")]
    Unreachable(String),
}

impl Mailer {
    /// From the settings. Connects to nothing. Fails on a mail URL or sender that cannot be read, without repeating the URL, which may hold a password.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let transport = config.mail.smtp_url.as_deref().map(transport).transpose()?;
        let from: Mailbox = config.mail.from.parse().context("BUGLE_MAIL_FROM is not of the form “Name <address>”")?;
        let host =
            url::Url::parse(&config.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "localhost".to_owned());
        let secrets = config.mail.smtp_url.as_deref().map(secrets).unwrap_or_default();
        Ok(Self { transport, from, host, base_url: config.url.clone(), secrets })
    }

    /// Whether a mail server is configured.
    pub fn is_configured(&self) -> bool {
        self.transport.is_some()
    }

    /// The public address, for the HTML twin of letters.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sends one mail. `html` is its HTML part.
    pub async fn send(&self, mail: &ClaimedMail, html: String) -> Result<(), SendError> {
        let Some(transport) = &self.transport else { return Err(SendError::Unreachable("no mail server is configured".to_owned())) };
        let message = self.write(mail, html).map_err(|problem| SendError::Permanent(format!("{problem:#}")))?;
        match tokio::time::timeout(TIMEOUT_IN_ALL, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(problem)) => Err(judge(&problem, &self.secrets)),
            Err(_) => Err(SendError::Unreachable(format!("the mail server took longer than {} s", TIMEOUT_IN_ALL.as_secs()))),
        }
    }

    fn write(&self, mail: &ClaimedMail, html: String) -> anyhow::Result<Message> {
        let address: Address = mail.recipient.parse().with_context(|| format!("{} is not an address", mail.recipient))?;
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(mail.created_at.unix_timestamp()).unwrap_or_default());
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(one_line(&mail.subject))
            .date(written)
            .message_id(Some(self.message_id(&mail.message_id)))
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if !mail.in_reply_to.is_empty() {
            let first = self.message_id(&mail.in_reply_to);
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        if !mail.unsubscribe_url.is_empty() {
            builder = builder
                .raw_header(header("List-Unsubscribe", &format!("<{}>", one_line(&mail.unsubscribe_url))))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text_body.clone());
        let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(html);
        builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html)).context("writing the mail")
    }

    fn message_id(&self, local: &str) -> String {
        format!("<{local}@{}>", self.host)
    }
}

fn transport(url: &str) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| {
        anyhow::anyhow!("BUGLE_SMTP_URL is not of the form smtp://[user:password@]host[:port], smtps://… or smtp://…?tls=required")
    })?;
    Ok(builder.timeout(Some(TIMEOUT)).build())
}

/// The password of the mail URL in every form in which it goes over the wire.
fn secrets(url: &str) -> Vec<String> {
    let Ok(url) = url::Url::parse(url) else { return Vec::new() };
    let decode = |raw: &str| percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned();
    let Some(password) = url.password().map(decode).filter(|password| !password.is_empty()) else { return Vec::new() };
    let plain = STANDARD.encode(format!("\0{}\0{password}", decode(url.username())));
    vec![plain, STANDARD.encode(&password), url.password().unwrap_or_default().to_owned(), password]
}

fn judge(problem: &lettre::transport::smtp::Error, secrets: &[String]) -> SendError {
    let said = secrets.iter().fold(problem.to_string(), |said, secret| said.replace(secret, "…"));
    let code = problem.status().map(u16::from);
    match code {
        Some(534 | 535) => {
            SendError::Unreachable(format!("the mail server does not accept the user name or password of BUGLE_SMTP_URL: {said}"))
        }
        Some(code) if ABOUT_US.contains(&code) => SendError::Unreachable(said),
        Some(_) if problem.is_permanent() => SendError::Permanent(said),
        Some(_) => SendError::Transient(said),
        None if problem.is_client() => disagreement(said),
        None => SendError::Unreachable(said),
    }
}

/// What the library itself gives up on. Said by nothing but its text: about the server and our settings, or about the mail.
fn disagreement(said: String) -> SendError {
    if said.contains("STARTTLS") {
        return SendError::Unreachable("the mail server offers no encryption (STARTTLS), but BUGLE_SMTP_URL says tls=required".to_owned());
    }
    if said.contains("authentication mechanism") {
        return SendError::Unreachable(
            "BUGLE_SMTP_URL has a user name, but the mail server offers no way to sign in that Bugle knows (PLAIN, LOGIN)".to_owned(),
        );
    }
    SendError::Permanent(said)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// No value may begin a header of its own.
fn one_line(raw: &str) -> String {
    raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_in_every_form_it_goes_over_the_wire() {
        let forms = secrets("smtp://me:p%40ss@mail.example:587");
        assert!(forms.contains(&"p@ss".to_owned()) && forms.contains(&"p%40ss".to_owned()));
        assert!(forms.contains(&STANDARD.encode("\0me\0p@ss")));
        assert!(secrets("smtp://mail.example").is_empty());
    }
}
