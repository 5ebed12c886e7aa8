//! A mail sent at once, past the outbox: whoever asks wants to see whether it works.

use anyhow::Context;

use super::mail::twin;
use super::mailer::Mailer;
use crate::clock::Clock;
use crate::domain::ids::MailId;
use crate::domain::letter;
use crate::store::mails::ClaimedMail;

/// Sends the test letter to one address and waits for the mail server's word.
pub async fn send(mailer: &Mailer, clock: &Clock, to: &str) -> anyhow::Result<()> {
    let letter = letter::test(mailer.base_url());
    let html = twin::of(&letter.subject, &letter.text, mailer.base_url())?;
    let mail = ClaimedMail {
        id: MailId(0),
        recipient: to.to_owned(),
        subject: letter.subject,
        text_body: letter.text,
        html_body: String::new(),
        message_id: format!("test-{:016x}", rand::random::<u64>()),
        in_reply_to: String::new(),
        unsubscribe_url: String::new(),
        created_at: clock.now(),
        attempt_count: 1,
    };
    mailer.send(&mail, html).await.context("the mail server did not take the test mail")
}
