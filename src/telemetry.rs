//! Structured logs: to standard error, so that standard output carries only what a command answers.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Chatty below `warn`, and their lines may quote what travels through them.
const QUIET: &[&str] = &["sqlx=warn", "hyper=warn", "hyper_util=warn", "rustls=warn", "lettre=warn", "h2=warn"];

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One object per line, for collectors.
    Json,
}

/// A log setting that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLogSetting {
    /// Not a filter.
    #[error("BUGLE_LOG is “{0}”; it must be error, warn, info, debug, trace, or a filter such as info,bugle::digest=debug")]
    Filter(String),
    /// Neither of the two.
    #[error("BUGLE_LOG_FORMAT is “{0}”; it must be text or json")]
    Format(String),
}

/// What is logged, and how.
pub struct Logging {
    filter: EnvFilter,
    format: Format,
}

impl Logging {
    /// Reads `BUGLE_LOG` and `BUGLE_LOG_FORMAT`; empty is as good as none. `level` is what is logged where nothing was said.
    pub fn parse(filter: Option<&str>, format: Option<&str>, level: &str) -> Result<Self, BadLogSetting> {
        let filter = filter.filter(|text| !text.trim().is_empty()).unwrap_or(level);
        let given = EnvFilter::try_new(filter).map_err(|_| BadLogSetting::Filter(filter.to_owned()))?;
        let quiet = QUIET.iter().filter(|directive| !filter.contains(directive.split('=').next().unwrap_or_default()));
        let filter = quiet.fold(given, |filter, directive| filter.add_directive(directive.parse().expect("our own directives are valid")));
        let format = match format.map(str::trim).unwrap_or_default() {
            "" if std::io::stderr().is_terminal() => Format::Text,
            "" | "json" => Format::Json,
            "text" => Format::Text,
            other => return Err(BadLogSetting::Format(other.to_owned())),
        };
        Ok(Self { filter, format })
    }

    /// The shape of the lines.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Starts logging for the whole process. Doing it twice keeps the first.
    pub fn start(self) {
        let registry = tracing_subscriber::registry().with(self.filter);
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_span_events(FmtSpan::NONE);
        let started = match self.format {
            Format::Text => registry.with(lines.with_ansi(std::io::stderr().is_terminal()).with_target(false)).try_init(),
            Format::Json => registry.with(lines.json().flatten_event(true).with_current_span(true).with_span_list(false)).try_init(),
        };
        // Only a test has started it already.
        started.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_settings_are_judged_by_name() {
        let told = |filter, format| Logging::parse(filter, format, "info").err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(told(Some("loud=very=much"), None).starts_with("BUGLE_LOG is “loud=very=much”"));
        assert!(told(None, Some("xml")).starts_with("BUGLE_LOG_FORMAT is “xml”"));
        assert_eq!(told(Some("info,bugle::digest=debug"), Some("json")), "");
        assert_eq!(Logging::parse(None, Some("text"), "info").map(|logging| logging.format()), Ok(Format::Text));
    }
}
