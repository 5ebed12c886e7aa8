//! The small mails about the installation itself: invitation, password reset, test. Text only: the HTML twin of a mail that is
//! queued without one is made from its text when it is delivered, so that `actions` can write a letter without knowing how mail looks.
//!
//! Queue one with `store::mails::enqueue(tx, &NewMail::letter(…), now)`.

/// Subject and text of a small mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Paragraphs separated by blank lines; an address that stands alone on its line becomes a link in the HTML twin.
    pub text: String,
}

/// Somebody was invited. `link` is the one-time address, `days` how long it works.
pub fn invitation(inviter: &str, base_url: &str, link: &str, days: i64) -> Letter {
    Letter {
        subject: format!("{} invites you to Bugle", one_line(inviter)),
        text: format!(
            "{} invites you to Bugle, the error tracker at\n{base_url}\n\nChoose a password and sign in:\n\n{link}\n\n\
             The link works once, for {days} days. If you did not expect it, ignore this mail: without the link nothing happens.\n",
            one_line(inviter)
        ),
    }
}

/// Somebody asked for a new password. `link` is the one-time address, `hours` how long it works.
pub fn reset(base_url: &str, link: &str, hours: i64) -> Letter {
    Letter {
        subject: "Choose a new Bugle password".to_owned(),
        text: format!(
            "Somebody, probably you, asked for a new password for Bugle at\n{base_url}\n\nChoose a new password:\n\n{link}\n\n\
             The link works once, for {hours} hours. If it was not you, ignore this mail: your password stays as it is.\n"
        ),
    }
}

/// What `bugle check --send-mail` and the admin page send.
pub fn test(base_url: &str) -> Letter {
    Letter {
        subject: "Bugle can send mail".to_owned(),
        text: format!("This is a test mail. If you can read it, alerts will reach you the same way.\n\nOpen Bugle:\n\n{base_url}\n"),
    }
}

/// Names come from people: no line breaks, nothing invisible, not too long for a subject.
fn one_line(raw: &str) -> String {
    raw.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_add_a_header_or_a_line() {
        let letter = invitation("Eve\r\nBcc: all@example.org", "https://bugle.example", "https://bugle.example/invite/t", 7);
        assert!(!letter.subject.contains(['\r', '\n']));
        assert!(!letter.text.contains("\r\nBcc"));
    }

    #[test]
    fn the_link_stands_alone_on_its_line() {
        let letter = reset("https://bugle.example", "https://bugle.example/reset/t", 24);
        assert!(letter.text.lines().any(|line| line == "https://bugle.example/reset/t"));
    }
}
