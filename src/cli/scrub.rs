//! `bugle scrub`: what would be taken out of an event, and why.

use std::io::Read;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::app::installation::Installation;
use crate::cli::say::say;
use crate::domain::scrubbing::{self, Addresses, BadLine, Rule, Scrubbing};
use crate::pipeline::scrub::{self, Rules};
use crate::protocol::{envelope, event};
use crate::store;

/// Tries the scrubbing rules on a file. Prints the event as it would be stored on standard output, and what was replaced by which rule on
/// standard error. Needs neither server nor database, unless a project is named.
///
/// Exit codes: 0 done, whether or not something was replaced; 1 the file or the project cannot be read; 2 not understood.
#[derive(Args)]
pub struct Scrub {
    /// An event as JSON, or an envelope; - or nothing for standard input
    #[arg(default_value = "-")]
    file: String,
    /// With the rules of this project
    #[arg(long, value_name = "SLUG")]
    pub project: Option<String>,
    /// A further name of secrets; repeatable
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// A safe field: a name, or a path as extra.order.kind; repeatable
    #[arg(long = "safe", value_name = "FIELD")]
    safe: Vec<String>,
    /// Take e-mail addresses out as well
    #[arg(long)]
    emails: bool,
    /// Take IP addresses out as well: drop (whose request it was), drop_everywhere
    #[arg(long, value_name = "WHICH", value_parser = addresses)]
    addresses: Option<Addresses>,
    /// How to tell what was replaced
    #[arg(long, value_enum, default_value_t = Report::Text)]
    report: Report,
}

/// How to tell what was replaced.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Report {
    /// One line each
    Text,
    /// One JSON array
    Json,
}

fn addresses(text: &str) -> Result<Addresses, String> {
    Addresses::parse(text).ok_or_else(|| "keep, drop or drop_everywhere".to_owned())
}

/// Something that was replaced.
struct Replaced {
    path: String,
    rule: Rule,
    count: usize,
}

impl Scrub {
    /// With the rules of a project, out of the database.
    pub async fn run_in(self, installation: &Installation) -> anyhow::Result<()> {
        let slug = self.project.as_deref().unwrap_or_default();
        let found = store::projects::find_by_slug(&installation.db, slug).await.context("looking for the project")?;
        let project = found.with_context(|| format!("there is no project “{slug}”"))?;
        let chosen = store::scrubbing::get(&installation.db, project.id).await.context("reading its rules")?;
        self.run(chosen)
    }

    /// With these rules, and those of the command line.
    pub fn run(self, mut chosen: Scrubbing) -> anyhow::Result<()> {
        let (names, safe) = (scrubbing::parse_names(&self.names.join("\n")), scrubbing::parse_safe(&self.safe.join("\n")));
        chosen.names.extend(names.map_err(|faults| sentence("--name", &faults))?);
        chosen.safe.extend(safe.map_err(|faults| sentence("--safe", &faults))?);
        chosen.keeps_emails &= !self.emails;
        chosen.addresses = self.addresses.unwrap_or(chosen.addresses);
        let rules = Rules::of(&chosen);
        let mut replaced = Vec::new();
        for document in scrubbed(&self.read()?, &rules, &mut replaced)? {
            say!("{document}");
        }
        tell(&replaced, self.report)
    }

    fn read(&self) -> anyhow::Result<Vec<u8>> {
        if self.file != "-" {
            return std::fs::read(&self.file).with_context(|| format!("reading {}", self.file));
        }
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("reading standard input")?;
        Ok(bytes)
    }
}

fn sentence(flag: &str, faults: &[BadLine]) -> anyhow::Error {
    let faults: Vec<String> = faults.iter().map(|fault| format!("{flag} no. {}: {}", fault.line, fault.why)).collect();
    anyhow::anyhow!(faults.join("; "))
}

/// The event, or every item of an envelope, each as one text.
fn scrubbed(bytes: &[u8], rules: &Rules, replaced: &mut Vec<Replaced>) -> anyhow::Result<Vec<String>> {
    if serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        return Ok(vec![scrubbed_event(bytes, rules, "", replaced)?]);
    }
    let (_, items) = match envelope::open(bytes) {
        Ok(opened) => opened,
        Err(_) => return Ok(vec![scrubbed_event(bytes, rules, "", replaced).context("it is neither an event nor an envelope")?]),
    };
    let mut documents = Vec::new();
    for (n, item) in items.enumerate() {
        let item = item.with_context(|| format!("reading item {}", n + 1))?;
        let place = format!("item {} ({}): ", n + 1, item.kind);
        match item.kind.as_str() {
            "event" | "feedback" => documents.push(scrubbed_event(item.payload, rules, &place, replaced)?),
            _ => documents.push(scrubbed_document(item.payload, rules, &place, replaced)),
        }
    }
    if documents.is_empty() {
        bail!("the envelope holds no items");
    }
    Ok(documents)
}

fn scrubbed_event(bytes: &[u8], rules: &Rules, place: &str, replaced: &mut Vec<Replaced>) -> anyhow::Result<String> {
    let mut read = event::read(bytes).with_context(|| format!("{place}reading the event"))?;
    let before: Value = serde_json::from_slice(&event::to_stored(&read))?;
    scrub::event(&mut read, rules);
    let after: Value = serde_json::from_slice(&event::to_stored(&read))?;
    compare(Some(&before), &after, place, replaced);
    Ok(serde_json::to_string_pretty(&after)?)
}

fn scrubbed_document(bytes: &[u8], rules: &Rules, place: &str, replaced: &mut Vec<Replaced>) -> String {
    let Some(clean) = scrub::document(bytes, rules) else { return String::from_utf8_lossy(bytes).into_owned() };
    let text = String::from_utf8_lossy(&clean).into_owned();
    count(Some(&String::from_utf8_lossy(bytes)), &text, &format!("{place}text"), replaced);
    text
}

/// Where two trees differ, and by which marks. Keys that held a secret are new keys.
fn compare(before: Option<&Value>, after: &Value, path: &str, replaced: &mut Vec<Replaced>) {
    let inside = |part: &str| if path.is_empty() || path.ends_with(": ") { format!("{path}{part}") } else { format!("{path}.{part}") };
    match after {
        Value::String(text) => count(before.and_then(Value::as_str), text, path, replaced),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                compare(before.and_then(|list| list.get(n)), item, &inside(&n.to_string()), replaced);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let known = before.and_then(|object| object.get(key));
                count(known.map(|_| key.as_str()), key, &inside(key), replaced);
                compare(known, value, &inside(key), replaced);
            }
        }
        _ => {}
    }
}

/// Counts the marks that were not there before.
fn count(before: Option<&str>, after: &str, path: &str, replaced: &mut Vec<Replaced>) {
    for rule in Rule::ALL {
        let marks = |text: &str| text.matches(rule.marker()).count();
        let count = marks(after).saturating_sub(before.map_or(0, marks));
        if count > 0 {
            replaced.push(Replaced { path: path.to_owned(), rule, count });
        }
    }
}

fn tell(replaced: &[Replaced], report: Report) -> anyhow::Result<()> {
    let name = |rule: Rule| if rule == Rule::Name { "name" } else { rule.label() };
    if report == Report::Json {
        let rows: Vec<Value> = replaced
            .iter()
            .map(|one| json!({ "path": one.path, "rule": name(one.rule), "count": one.count, "why": one.rule.meaning() }))
            .collect();
        eprintln!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for one in replaced {
        let times = if one.count > 1 { format!(" ({} times)", one.count) } else { String::new() };
        eprintln!("{}: {}{times}. {}", one.path, name(one.rule), one.rule.meaning());
    }
    eprintln!("{} replaced", replaced.iter().map(|one| one.count).sum::<usize>());
    Ok(())
}
