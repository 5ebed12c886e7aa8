//! The signed links in mails: they let one person do one thing to one issue without signing in.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime};

use super::ids::{IssueId, UserId};

/// How long a link works.
pub const VALID_FOR: Duration = Duration::days(14);
/// Bytes of the signature: 128 bits.
const SIGNATURE_LEN: usize = 16;

/// What a link in a mail does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailAction {
    /// Resolves the issue.
    Resolve,
    /// No more mail about the issue for this person.
    Mute,
}

impl MailAction {
    /// The last part of the address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Mute => "mute",
        }
    }

    /// Reads it.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Resolve, Self::Mute].into_iter().find(|action| action.name() == raw)
    }
}

/// Whom a link is for, and about what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailLink {
    /// The receiver of the mail.
    pub user: UserId,
    /// The issue.
    pub issue: IssueId,
    /// What it does.
    pub action: MailAction,
    /// When it stops working.
    pub expires_at: OffsetDateTime,
}

/// Why a link does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// Not made by this installation, or damaged on the way.
    #[error("this link is not one of ours, or was damaged on its way")]
    Forged,
    /// Too old.
    #[error("this link has expired")]
    Expired,
}

impl MailLink {
    /// A link that works from `now` on.
    pub fn new(user: UserId, issue: IssueId, action: MailAction, now: OffsetDateTime) -> Self {
        Self { user, issue, action, expires_at: now + VALID_FOR }
    }

    /// The token: ids and expiry to read, then the signature over them and the action.
    pub fn token(&self, key: &[u8]) -> String {
        let claims = self.claims();
        format!("{claims}-{}", signature(key, &claims, self.action))
    }

    /// The whole address.
    pub fn url(&self, base_url: &str, key: &[u8]) -> String {
        format!("{base_url}/a/{}/{}", self.token(key), self.action.name())
    }

    /// Checks a token that came with a request for `action`.
    pub fn read(token: &str, action: MailAction, key: &[u8], now: OffsetDateTime) -> Result<Self, BadLink> {
        let (claims, signed) = token.rsplit_once('-').ok_or(BadLink::Forged)?;
        if !bool::from(signature(key, claims, action).as_bytes().ct_eq(signed.as_bytes())) {
            return Err(BadLink::Forged);
        }
        let numbers: Vec<i64> = claims.split('-').filter_map(|raw| raw.parse().ok()).collect();
        let [user, issue, expiry] = numbers[..] else { return Err(BadLink::Forged) };
        let expires_at = OffsetDateTime::from_unix_timestamp(expiry).map_err(|_| BadLink::Forged)?;
        if now >= expires_at {
            return Err(BadLink::Expired);
        }
        Ok(Self { user: UserId(user), issue: IssueId(issue), action, expires_at })
    }

    fn claims(&self) -> String {
        format!("{}-{}-{}", self.user, self.issue, self.expires_at.unix_timestamp())
    }
}

fn signature(key: &[u8], claims: &str, action: MailAction) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(b"mail-link:");
    mac.update(action.name().as_bytes());
    mac.update(b":");
    mac.update(claims.as_bytes());
    mac.finalize().into_bytes()[..SIGNATURE_LEN].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const KEY: &[u8] = b"a secret of thirty-two bytes or more";
    const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

    fn link() -> MailLink {
        MailLink::new(UserId(3), IssueId(431), MailAction::Resolve, NOW)
    }

    #[test]
    fn a_token_leads_back_to_its_link() {
        assert_eq!(MailLink::read(&link().token(KEY), MailAction::Resolve, KEY, NOW), Ok(link()));
    }

    #[test]
    fn a_token_works_for_its_action_person_and_issue_only() {
        let token = link().token(KEY);
        assert_eq!(MailLink::read(&token, MailAction::Mute, KEY, NOW), Err(BadLink::Forged));
        assert_eq!(MailLink::read(&token.replacen("3-431", "3-432", 1), MailAction::Resolve, KEY, NOW), Err(BadLink::Forged));
        assert_eq!(MailLink::read(&token.replacen("3-", "4-", 1), MailAction::Resolve, KEY, NOW), Err(BadLink::Forged));
        assert_eq!(MailLink::read(&token, MailAction::Resolve, b"another key", NOW), Err(BadLink::Forged));
        assert_eq!(MailLink::read("", MailAction::Resolve, KEY, NOW), Err(BadLink::Forged));
    }

    #[test]
    fn a_token_expires() {
        assert_eq!(MailLink::read(&link().token(KEY), MailAction::Resolve, KEY, NOW + VALID_FOR), Err(BadLink::Expired));
    }
}
