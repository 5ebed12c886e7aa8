//! A typed id for every noun, so that a project id is never passed where an issue id belongs.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl From<i64> for $name {
            fn from(raw: i64) -> Self {
                Self(raw)
            }
        }
    };
}

id!(
    /// A project. A small integer, because SDKs refuse anything else in a DSN.
    ProjectId
);
impl ProjectId {
    /// The lane of the spool that its requests wait in.
    pub fn lane(self) -> u64 {
        self.0.unsigned_abs()
    }
}
id!(
    /// An issue, unique over the installation; with the project's prefix it is the short id people use (`SHOP-431`).
    IssueId
);
id!(
    /// Somebody who can sign in.
    UserId
);
id!(
    /// A bearer token of the Web API.
    TokenId
);
id!(
    /// A rule that says which alerts a project sends to whom.
    RuleId
);
id!(
    /// One decision to tell somebody something.
    AlertId
);
id!(
    /// One mail to one receiver in the outbox.
    MailId
);
