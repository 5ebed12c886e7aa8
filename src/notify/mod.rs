//! From a decision to a mail in somebody's inbox: [`fold`] turns pending alerts into mails, [`deliver`] hands mails to the mail server.
//!
//! Deliberately absent: whether something is told at all (`digest`, `jobs::spikes` and the rules decide that).

pub mod deliver;
pub mod fold;
pub mod mail;
pub mod mailer;
pub mod trial;

pub use mailer::Mailer;
