//! Data categories: what items are counted, limited and accounted as.

use super::envelope::Item;

/// Names of the protocol, used in rate limits, client reports and the accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub enum Category {
    Default,
    Error,
    Transaction,
    Span,
    Session,
    Attachment,
    Monitor,
    Profile,
    ProfileChunk,
    ProfileChunkUi,
    Replay,
    Feedback,
    Security,
    LogItem,
    LogByte,
    TraceMetric,
    Statsd,
    MetricBucket,
    Internal,
    /// Nothing of the above: an item type or a category of the future.
    Unknown,
}

impl Category {
    const NAMED: [(Self, &'static str); 19] = [
        (Self::Default, "default"),
        (Self::Error, "error"),
        (Self::Transaction, "transaction"),
        (Self::Span, "span"),
        (Self::Session, "session"),
        (Self::Attachment, "attachment"),
        (Self::Monitor, "monitor"),
        (Self::Profile, "profile"),
        (Self::ProfileChunk, "profile_chunk"),
        (Self::ProfileChunkUi, "profile_chunk_ui"),
        (Self::Replay, "replay"),
        (Self::Feedback, "feedback"),
        (Self::Security, "security"),
        (Self::LogItem, "log_item"),
        (Self::LogByte, "log_byte"),
        (Self::TraceMetric, "trace_metric"),
        (Self::Statsd, "statsd"),
        (Self::MetricBucket, "metric_bucket"),
        (Self::Internal, "internal"),
    ];

    /// The category of an item, from its type and, for profiles, its platform.
    pub fn of(item: &Item<'_>) -> Self {
        match item.kind.as_str() {
            "profile_chunk" if item.header.get("platform").and_then(|value| value.as_str()) == Some("javascript") => Self::ProfileChunkUi,
            kind => Self::of_kind(kind),
        }
    }

    /// The category of an item type.
    pub fn of_kind(kind: &str) -> Self {
        match kind {
            "event" | "form_data" => Self::Error,
            "transaction" => Self::Transaction,
            "span" => Self::Span,
            "log" | "otel_log" => Self::LogItem,
            "trace_metric" => Self::TraceMetric,
            "session" | "sessions" => Self::Session,
            "check_in" => Self::Monitor,
            "attachment" => Self::Attachment,
            "user_report" | "feedback" => Self::Feedback,
            "client_report" => Self::Internal,
            "profile" => Self::Profile,
            "profile_chunk" => Self::ProfileChunk,
            "replay_event" | "replay_recording" | "replay_video" => Self::Replay,
            "security" | "raw_security" | "nel" => Self::Security,
            "statsd" => Self::Statsd,
            "metric_buckets" => Self::MetricBucket,
            "unreal_report" => Self::Error,
            _ => Self::Unknown,
        }
    }

    /// Whether limits apply to it. Not to reports about what was discarded, which explain the limits, nor to check-ins, of which one
    /// lost is an alarm.
    pub fn is_limited(self) -> bool {
        !matches!(self, Self::Internal | Self::Monitor)
    }

    /// Whether the attachments beside it belong to it.
    pub fn leads_attachments(self) -> bool {
        matches!(self, Self::Error | Self::Transaction | Self::Feedback)
    }

    /// Reads a name, as client reports use it.
    pub fn parse(name: &str) -> Self {
        Self::NAMED.iter().find(|(_, known)| *known == name).map_or(Self::Unknown, |(category, _)| *category)
    }

    /// The name; `unknown` for what the protocol had not at the time of writing.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(category, _)| *category == self).map_or("unknown", |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_read_back() {
        for (category, name) in Category::NAMED {
            assert_eq!((Category::parse(name), category.name()), (category, name));
        }
        assert_eq!(Category::parse("shiny_new_thing").name(), "unknown");
    }

    #[test]
    fn items_have_the_categories_of_the_protocol() {
        for (kind, name) in [
            ("event", "error"),
            ("sessions", "session"),
            ("check_in", "monitor"),
            ("client_report", "internal"),
            ("log", "log_item"),
            ("x", "unknown"),
        ] {
            assert_eq!(Category::of_kind(kind).name(), name);
        }
    }
}
