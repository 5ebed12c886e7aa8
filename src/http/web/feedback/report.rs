//! A report as pages show it. Everything in it was typed by strangers.

use time::OffsetDateTime;

use crate::domain::event_id::EventId;
use crate::domain::ids::IssueId;
use crate::http::web::issues::attachments::Row;
use crate::store::feedback::reads::Feedback;

/// A report.
pub struct Report {
    /// Its id.
    pub id: EventId,
    /// When it came.
    pub at: OffsetDateTime,
    /// Who; `Somebody` where they gave no name.
    pub who: String,
    /// As typed; '' not given.
    pub email: String,
    /// `mailto:…`, or '' where what they typed is no plain address.
    pub mailto: String,
    /// What they say, its lines kept.
    pub message: String,
    /// Where they were, as text: what strangers send is no link.
    pub url: String,
    /// `production, shop@2.3.1`
    pub place: String,
    /// The issue that it is about.
    pub issue: Option<IssueId>,
    /// The event that it is about.
    pub event: Option<EventId>,
    /// Somebody has taken care of it, and who.
    pub handled: Option<(OffsetDateTime, String)>,
    /// Screenshots and the like.
    pub files: Vec<Row>,
}

impl Report {
    /// Without files.
    pub fn of(said: Feedback) -> Self {
        let place = [said.environment.as_str(), said.release.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let who = if said.name.is_empty() { "Somebody".to_owned() } else { said.name };
        Self {
            id: said.feedback_id,
            at: said.received_at,
            who,
            mailto: mailto(&said.email),
            email: said.email,
            message: said.message,
            url: said.url,
            place: place.join(", "),
            issue: said.issue_id,
            event: said.event_id,
            handled: said.handled_at.map(|at| (at, said.handled_by)),
            files: Vec::new(),
        }
    }
}

/// Only for addresses without anything that a mail program could take for a header.
fn mailto(email: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c);
    let sound = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && host.contains('.') && local.chars().all(is_plain) && host.chars().all(|c| is_plain(c) && c != '+')
    });
    if sound && email.len() <= 254 { format!("mailto:{email}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::mailto;

    #[test]
    fn only_plain_addresses_become_links() {
        assert_eq!(mailto("ada+shop@example.test"), "mailto:ada+shop@example.test");
        for hostile in [
            "",
            "ada",
            "a@b",
            "a@example.test?bcc=x@y.z",
            "a@example.test,b@c.d",
            "javascript:alert(1)@a.b",
            "a b@c.d",
            "a@b.c\r\nBcc: d",
            "a%0a@b.c",
        ] {
            assert_eq!(mailto(hostile), "", "{hostile}");
        }
    }
}
