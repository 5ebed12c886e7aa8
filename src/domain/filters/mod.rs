//! What a project does not want at all: events that a filter knows are counted and forgotten before anything else is done with them.
//!
//! [`Chosen`] is what a project chose, [`Filters`] the same prepared, [`Facts`] what they look at. The first filter in the order of
//! [`Filter::ALL`] that knows an event names its end.

mod agents;
mod glob;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::domain::scrubbing::BadLine;
use glob::Glob;

/// Most patterns of one filter.
pub const PATTERNS_MAX: usize = 100;
/// Longest pattern, in characters.
pub const PATTERN_LEN_MAX: usize = 200;

/// Paths by which load balancers and uptime checks ask whether a service is there.
const HEALTH_PATHS: &[&str] = &[
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "health_check",
    "_health",
    "livez",
    "live",
    "liveness",
    "readyz",
    "ready",
    "readiness",
    "ping",
    "heartbeat",
    "__heartbeat__",
    "__lbheartbeat__",
    "status/health",
    "up",
];

/// A filter. Its name is the reason under which events are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filter {
    /// By `Type: message`, type or message.
    Message,
    /// By version.
    Release,
    /// By deployment.
    Environment,
    /// By logger.
    Logger,
    /// By the address of the request, or of the script that failed.
    Url,
    /// By the address of whoever made the request.
    Address,
    /// Browsers nobody supports any more.
    LegacyBrowser,
    /// Programs that read the web.
    Crawler,
    /// What happens on a developer's own machine.
    Localhost,
    /// Requests of load balancers.
    HealthCheck,
}

impl Filter {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 10] = [
        Self::Message,
        Self::Release,
        Self::Environment,
        Self::Logger,
        Self::Url,
        Self::Address,
        Self::LegacyBrowser,
        Self::Crawler,
        Self::Localhost,
        Self::HealthCheck,
    ];

    /// In the accounting and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Release => "release",
            Self::Environment => "environment",
            Self::Logger => "logger",
            Self::Url => "url",
            Self::Address => "ip_address",
            Self::LegacyBrowser => "legacy_browser",
            Self::Crawler => "crawler",
            Self::Localhost => "localhost",
            Self::HealthCheck => "health_check",
        }
    }

    /// It has patterns; the others are on or off.
    pub const fn has_patterns(self) -> bool {
        !matches!(self, Self::LegacyBrowser | Self::Crawler | Self::Localhost | Self::HealthCheck)
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|filter| *filter == self).unwrap_or(0)
    }
}

/// What a project chose: patterns by filter, and which of the others are on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Patterns of each filter of [`Filter::ALL`]; empty: off.
    pub patterns: [Vec<String>; 6],
    /// The filters without patterns that are on.
    pub on: Vec<Filter>,
}

impl Chosen {
    /// The patterns of a filter; none for one that has none.
    pub fn patterns_of(&self, filter: Filter) -> &[String] {
        self.patterns.get(filter.index()).map_or(&[], Vec::as_slice)
    }

    /// Reads the patterns of one filter, one a line.
    pub fn read(&mut self, filter: Filter, text: &str) -> Result<(), Vec<BadLine>> {
        let (mut patterns, mut faults) = (Vec::new(), Vec::new());
        for (n, line) in text.lines().enumerate().map(|(n, line)| (n, line.trim())).filter(|(_, line)| !line.is_empty()) {
            match fault(filter, line, patterns.len()) {
                Some(why) => faults.push(BadLine { line: n + 1, why }),
                None if patterns.iter().any(|known| known == line) => {}
                None => patterns.push(line.to_owned()),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if let Some(place) = self.patterns.get_mut(filter.index()) {
            *place = patterns;
        }
        Ok(())
    }
}

fn fault(filter: Filter, line: &str, before: usize) -> Option<String> {
    if before == PATTERNS_MAX {
        return Some(format!("there are more than {PATTERNS_MAX} patterns"));
    }
    if line.chars().count() > PATTERN_LEN_MAX {
        return Some(format!("it is longer than {PATTERN_LEN_MAX} characters"));
    }
    if line.contains(char::is_control) {
        return Some("it holds characters that cannot be seen".to_owned());
    }
    if filter == Filter::Address {
        return network(line).is_none().then(|| format!("“{line}” is no IP address and no network such as 203.0.113.0/24"));
    }
    line.chars().all(|c| matches!(c, '*' | '?')).then(|| format!("“{line}” is everything: nothing would be kept"))
}

fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// What filters look at. Texts as sent, '' where there is none.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// Type and message of each exception, the raised one last; a message alone has no type.
    pub failures: Vec<(&'a str, &'a str)>,
    /// Version.
    pub release: &'a str,
    /// Deployment.
    pub environment: &'a str,
    /// Who wrote it down.
    pub logger: &'a str,
    /// Of the request, and of the script that failed.
    pub urls: Vec<&'a str>,
    /// What was being done.
    pub transaction: &'a str,
    /// Of the request.
    pub user_agent: &'a str,
    /// Name and version.
    pub browser: (&'a str, &'a str),
    /// Of whoever made the request, as the event says.
    pub address: &'a str,
    /// Who made the request, as the web server of the failing program sees it: it may be a proxy.
    pub remote: &'a str,
    /// Where the event came from; nothing for stored ones. It may be the failing program.
    pub sender: &'a str,
}

/// The filters of a project, prepared.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    globs: [Vec<Glob>; 5],
    networks: Vec<IpNet>,
    on: Vec<Filter>,
    is_any: bool,
}

impl Filters {
    /// None at all.
    pub const NONE: Self = Self { globs: [const { Vec::new() }; 5], networks: Vec::new(), on: Vec::new(), is_any: false };

    /// Prepares what a project chose.
    pub fn of(chosen: &Chosen) -> Self {
        let globs = [0, 1, 2, 3, 4].map(|n: usize| chosen.patterns[n].iter().map(|pattern| Glob::new(pattern)).collect::<Vec<_>>());
        let networks: Vec<_> = chosen.patterns_of(Filter::Address).iter().filter_map(|text| network(text)).collect();
        let is_any = !chosen.on.is_empty() || !networks.is_empty() || globs.iter().any(|globs| !globs.is_empty());
        Self { globs, networks, on: chosen.on.clone(), is_any }
    }

    /// Whether any is on; where none is, facts need not be gathered.
    pub fn is_any(&self) -> bool {
        self.is_any
    }

    /// The first filter that knows the event.
    pub fn decide(&self, facts: &Facts<'_>) -> Option<Filter> {
        Filter::ALL.into_iter().find(|filter| self.knows(*filter, facts))
    }

    fn knows(&self, filter: Filter, facts: &Facts<'_>) -> bool {
        let any = |texts: &[&str]| self.globs[filter.index()].iter().any(|glob| texts.iter().any(|text| glob.matches(text)));
        match filter {
            Filter::Message => {
                !self.globs[0].is_empty() && facts.failures.iter().any(|(kind, value)| any(&[kind, value, &format!("{kind}: {value}")]))
            }
            Filter::Release => any(&[facts.release]),
            Filter::Environment => any(&[facts.environment]),
            Filter::Logger => any(&[facts.logger]),
            Filter::Url => any(&facts.urls),
            Filter::Address => {
                let is_within = |address: IpAddr| self.networks.iter().any(|net| net.contains(&address.to_canonical()));
                let addresses = [facts.address, facts.remote, facts.sender];
                !self.networks.is_empty() && addresses.iter().any(|address| address.parse().is_ok_and(is_within))
            }
            Filter::LegacyBrowser => self.on.contains(&filter) && agents::is_legacy(facts.browser, facts.user_agent),
            Filter::Crawler => self.on.contains(&filter) && agents::is_crawler(facts.user_agent),
            Filter::Localhost => self.on.contains(&filter) && is_local(facts),
            Filter::HealthCheck => self.on.contains(&filter) && asks_for_health(facts),
        }
    }
}

/// The machine the request was made on answered it itself.
fn is_local(facts: &Facts<'_>) -> bool {
    let is_loopback =
        |text: &str| text.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback() || address.is_unspecified());
    let of_url = |url: &&str| {
        let host = host(url);
        host == "localhost" || host.ends_with(".localhost") || is_loopback(host.trim_matches(['[', ']']))
    };
    facts.urls.iter().any(of_url) || is_loopback(facts.address)
}

fn host(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return "" };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if authority.starts_with('[') {
        return &authority[..authority.find(']').map_or(authority.len(), |at| at + 1)];
    }
    authority.split_once(':').map_or(authority, |(host, _)| host)
}

fn asks_for_health(facts: &Facts<'_>) -> bool {
    let of_url = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        is_health_path(&rest[..rest.find(['?', '#']).unwrap_or(rest.len())])
    };
    facts.urls.iter().any(|url| of_url(url)) || is_health_path(facts.transaction.rsplit(' ').next().unwrap_or_default())
}

/// The path ends in one of those names: `/healthz`, `/api/v1/health/`. `up` must be all of it.
fn is_health_path(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    HEALTH_PATHS.iter().any(|name| path == *name || name.len() > 4 && path.strip_suffix(name).is_some_and(|before| before.ends_with('/')))
}

#[cfg(test)]
mod tests;
