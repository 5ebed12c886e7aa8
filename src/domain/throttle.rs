//! How often somebody may try to sign in: the numbers, and what follows from the attempts so far.

use time::{Duration, OffsetDateTime};

use crate::domain::ids::UserId;

/// Attempts older than this are forgotten.
pub const WINDOW: Duration = Duration::minutes(15);
/// Attempts on one address from one client.
const PAIR_MAX: usize = 5;
/// Attempts on one address from anywhere: high enough that nobody is locked out by one stranger, low enough that many strangers get nowhere.
const EMAIL_MAX: usize = 30;
/// Attempts from one client on any address: an office behind one address has several people who mistype.
const CLIENT_MAX: usize = 30;

/// Something attempts are counted for.
pub struct Subject {
    /// Its key in the table.
    pub key: String,
    /// Attempts within [`WINDOW`] after which it has to wait.
    pub max: usize,
}

/// The three subjects of one attempt, the narrowest first. Unknown addresses are counted like known ones.
pub fn subjects(email: &str, address: &str) -> [Subject; 3] {
    [
        Subject { key: format!("pair:{email} {address}"), max: PAIR_MAX },
        Subject { key: format!("email:{email}"), max: EMAIL_MAX },
        Subject { key: format!("ip:{address}"), max: CLIENT_MAX },
    ]
}

/// For the present password of somebody signed in: whoever took over a session must not find the password with it.
pub fn of_account(user: UserId) -> Subject {
    Subject { key: format!("account:{user}"), max: PAIR_MAX }
}

/// Until when one more attempt has to wait, given the attempts so far within the window, latest first. `None`: it may go on.
pub fn wait_until(attempts: &[OffsetDateTime], max: usize) -> Option<OffsetDateTime> {
    attempts.get(max - 1).map(|oldest_that_counts| *oldest_that_counts + WINDOW)
}

/// Tries that are left when one more attempt has failed.
pub fn tries_left(attempts_before: usize, max: usize) -> usize {
    max.saturating_sub(attempts_before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_wait_ends_when_the_oldest_counted_attempt_leaves_the_window() {
        let now = datetime!(2026-11-20 12:00 UTC);
        let attempts: Vec<_> = (0..5).map(|minute| now - Duration::minutes(minute)).collect();
        assert_eq!(wait_until(&attempts, 5), Some(now + Duration::minutes(11)));
        assert_eq!(wait_until(&attempts[..4], 5), None);
        assert_eq!(tries_left(0, 5), 4);
        assert_eq!(tries_left(4, 5), 0);
    }
}
