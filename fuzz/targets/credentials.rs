//! Who sends, and the body of the old endpoint.

use bugle::domain::ids::ProjectId;
use bugle::protocol::auth::{self, Carriers};
use bugle::protocol::dsn::Dsn;
use bugle::protocol::{store_body, timestamp};

use super::LIMIT;

/// Lines: `X-Sentry-Auth`, `Authorization`, the query, the path, a DSN; the rest is a store body.
pub fn credentials(data: &[u8]) {
    let mut parts = data.splitn(6, |byte| *byte == b'\n');
    let mut text = || parts.next().and_then(|part| std::str::from_utf8(part).ok()).filter(|text| !text.is_empty());
    let (x_sentry_auth, authorization, query, path, dsn) = (text(), text(), text(), text(), text());
    if let Some(body) = parts.next()
        && let Ok(plain) = store_body::open(body, LIMIT)
    {
        assert!(plain.len() <= LIMIT);
    }
    let parsed = dsn.and_then(Dsn::parse);
    let project = parsed.as_ref().map_or(ProjectId(1), |dsn| dsn.project_id);
    let carriers = Carriers { x_sentry_auth, authorization, query, path, dsn: parsed.as_ref() };
    if let Ok(found) = auth::read(&carriers, Some(project)) {
        assert!(!found.public_key.is_empty());
        assert!(found.client.is_none_or(|client| client.chars().count() <= 100));
    }
    for text in [x_sentry_auth, query, path].into_iter().flatten() {
        timestamp::parse(text);
    }
}
