//! Somebody who signs in, and what they may do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::ids::UserId;

/// What a person may do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads the projects they belong to.
    Viewer,
    /// Works on the issues and rules of the projects they belong to.
    Member,
    /// Sees and changes every project, invites people up to their own role.
    Admin,
    /// Everything, the installation included.
    Owner,
}

impl Role {
    /// From least to most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// The word used in the database, on the command line and in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Reads the word.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == raw)
    }

    /// May resolve, ignore and reopen issues, and change alert rules.
    pub fn may_work(self) -> bool {
        self >= Self::Member
    }

    /// May give `other` to somebody, or take it away: nobody grants above their own role, and only administrators grant at all.
    pub fn may_grant(self, other: Self) -> bool {
        self.may_administer() && other <= self
    }

    /// The word on pages.
    pub fn label(self) -> &'static str {
        match self {
            Self::Viewer => "Read only",
            Self::Member => "Member",
            Self::Admin => "Admin",
            Self::Owner => "Owner",
        }
    }

    /// May see every project, make projects, and invite people.
    pub fn may_administer(self) -> bool {
        self >= Self::Admin
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Somebody who can sign in.
#[derive(Clone, Debug)]
pub struct User {
    /// Unique over the installation.
    pub id: UserId,
    /// Lower case.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How pages look.
    pub theme: Theme,
}

/// How pages look to somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Like the system.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The word used in the database, the cookie and forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads the word; anything unknown is automatic.
    pub fn parse(raw: &str) -> Self {
        match raw {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }
}

/// Longest name of a person, in characters.
pub const NAME_LEN_MAX: usize = 100;

/// A name as it is kept: trimmed, without control characters, cut at [`NAME_LEN_MAX`]. Empty: take the part of the address before the `@`.
pub fn name_or_address(name: &str, email: &Email) -> String {
    let clean: String = name.chars().filter(|c| !c.is_control()).collect();
    match clean.trim() {
        "" => email.as_str().split('@').next().unwrap_or_default().to_owned(),
        name => name.chars().take(NAME_LEN_MAX).collect(),
    }
}

/// An e-mail address in lower case, with something on both sides of one `@` and no blanks or control characters.
/// Whether it exists is only known once a mail arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// The text is not an e-mail address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address; it looks like name@example.org")]
pub struct InvalidEmail;

impl Email {
    /// Reads and lower-cases an address of at most 254 characters.
    pub fn parse(raw: &str) -> Result<Self, InvalidEmail> {
        let raw = raw.trim();
        let sound =
            |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\\\"@".contains(c));
        match raw.split_once('@') {
            Some((local, host)) if raw.len() <= 254 && sound(local) && sound(host) => Ok(Self(raw.to_lowercase())),
            _ => Err(InvalidEmail),
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shortest password, in characters.
pub const PASSWORD_LEN_MIN: usize = 12;
/// Longest password, in bytes: hashing costs time in proportion.
pub const PASSWORD_LEN_MAX: usize = 1_000;

/// Why a password is not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Under the minimum.
    #[error("Use {PASSWORD_LEN_MIN} characters or more. Any characters, spaces too.")]
    TooShort,
    /// Over the maximum.
    #[error("Use {PASSWORD_LEN_MAX} bytes or fewer.")]
    TooLong,
}

/// Checks the length, the only rule that helps.
pub fn check_password(password: &str) -> Result<(), WeakPassword> {
    if password.chars().count() < PASSWORD_LEN_MIN {
        return Err(WeakPassword::TooShort);
    }
    if password.len() > PASSWORD_LEN_MAX {
        return Err(WeakPassword::TooLong);
    }
    Ok(())
}
