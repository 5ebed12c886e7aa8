//! Senders that go on whatever dies, and remember what they were promised.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::stage::{Address, Stage};
use crate::harness::exception;

const SENDERS: u64 = 6;
/// Bugs that come again and again; every tenth event is a new one.
const BUGS: u32 = 40;
/// Longer than any answer should take, shorter than the patience of a test.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// After something other than a receipt.
const RETRY_AFTER: Duration = Duration::from_millis(30);
/// Events are up to ten times so many bytes long, so that segments fill.
const LONG_WORDS_MAX: usize = 2_000;
/// Sent at the end: once it is visible, so is everything before it of the same project and node.
const LAST_WORDS: &str = "last words";

/// What was sent, and what became of it as far as the senders know.
#[derive(Clone, Default)]
pub struct Sent {
    /// Every event id that left.
    pub ids: BTreeSet<String>,
    /// Those that were answered with 200 at least once.
    pub receipted: BTreeSet<String>,
    /// Those that were sent once only, beside a report of one discarded event.
    pub with_report: BTreeSet<String>,
    /// How often an id was sent after it had been receipted, and receipted again.
    pub repeated_count: usize,
    /// Ids of the last event through each node for each project.
    pub last_words: Vec<String>,
}

/// Senders at work.
pub struct Load {
    sent: Arc<Mutex<Sent>>,
    stop: CancellationToken,
    senders: JoinSet<()>,
    last: Vec<Sender>,
}

impl Load {
    /// Begins to send to all nodes of the stage.
    pub fn start(stage: &Stage, seed: u64) -> Self {
        let (sent, stop) = (Arc::<Mutex<Sent>>::default(), CancellationToken::new());
        let mut senders = JoinSet::new();
        for place in 0..SENDERS {
            let mut sender = Sender::new(stage.addresses(), &sent, seed ^ ((place + 1) << 32));
            let stop = stop.clone();
            senders.spawn(async move {
                while !stop.is_cancelled() {
                    sender.step().await;
                }
            });
        }
        let alone = |(place, address)| Sender::new(vec![vec![address]], &sent, seed ^ ((place as u64 + 100) << 32));
        let last = stage.addresses().into_iter().flatten().enumerate().map(alone).collect();
        Self { sent, stop, senders, last }
    }

    /// Receipts so far.
    pub fn receipt_count(&self) -> usize {
        lock(&self.sent).receipted.len()
    }

    /// Ends after the requests under way, and sends one last event through each node for each project.
    pub async fn stop(mut self) -> Sent {
        self.stop.cancel();
        while let Some(done) = self.senders.join_next().await {
            done.expect("a sender does not panic");
        }
        for sender in &mut self.last {
            let id = sender.id();
            while !sender.send(0, &id, event(LAST_WORDS, &id), false).await {}
            lock(&self.sent).last_words.push(id);
        }
        lock(&self.sent).clone()
    }
}

struct Sender {
    client: Client,
    addresses: Vec<Vec<Address>>,
    sent: Arc<Mutex<Sent>>,
    random: StdRng,
    /// Projects and ids that may be sent again: no report went with them.
    repeatable: Vec<(usize, String)>,
}

impl Sender {
    fn new(addresses: Vec<Vec<Address>>, sent: &Arc<Mutex<Sent>>, seed: u64) -> Self {
        let client = Client::builder().timeout(ANSWER_MAX).build().expect("a client");
        Self { client, addresses, sent: sent.clone(), random: StdRng::seed_from_u64(seed), repeatable: Vec::new() }
    }

    fn id(&mut self) -> String {
        format!("{:032x}", self.random.random::<u128>())
    }

    /// One event: mostly new, sometimes one that was sent before, as an SDK does that saw no answer, and as a network does for fun.
    async fn step(&mut self) {
        if self.random.random_bool(0.1)
            && let Some((project, id)) = self.repeatable.pop()
        {
            let known = lock(&self.sent).receipted.contains(&id);
            if self.send(project, &id, event("a repetition", &id), false).await && known {
                lock(&self.sent).repeated_count += 1;
            }
            return;
        }
        let id = self.id();
        let bug = match self.random.random_range(0..10) {
            0 => id.clone(),
            _ => format!("bug {}", self.random.random_range(0..BUGS)),
        };
        // One project floods, the others trickle.
        let project = if self.random.random_bool(0.8) { 0 } else { self.random.random_range(0..self.addresses.len()) };
        let with_report = self.random.random_bool(0.2);
        if !with_report {
            self.repeatable.push((project, id.clone()));
        }
        self.send(project, &id, event(&bug, &id), with_report).await;
    }

    async fn send(&mut self, project: usize, id: &str, event: Value, with_report: bool) -> bool {
        {
            let mut sent = lock(&self.sent);
            sent.ids.insert(id.to_owned());
            if with_report {
                sent.with_report.insert(id.to_owned());
            }
        }
        let address = self.addresses[project].choose(&mut self.random).expect("at least one node");
        let (url, auth) = (address.envelope_url(), address.auth());
        let answer = self.client.post(url).header("x-sentry-auth", auth).body(envelope(&event, with_report)).send().await;
        let receipted = match answer {
            // Only a whole answer is a receipt.
            Ok(answer) => answer.status() == StatusCode::OK && answer.bytes().await.is_ok(),
            Err(_) => false,
        };
        if receipted {
            lock(&self.sent).receipted.insert(id.to_owned());
        } else {
            super::pause(u64::try_from(RETRY_AFTER.as_millis()).expect("short")).await;
        }
        receipted
    }
}

fn event(bug: &str, id: &str) -> Value {
    let mut event = exception("ChaosError", bug, &bug.replace(' ', "_"));
    let number = u32::from_str_radix(&id[..4], 16).expect("hex");
    event["event_id"] = json!(id);
    event["environment"] = json!(format!("env{}", number % 3));
    event["release"] = json!(format!("shop@{}", number % 5));
    event["user"] = json!({ "id": (number % 200).to_string() });
    event["extra"] = json!({ "page": "some text ".repeat(number as usize % LONG_WORDS_MAX) });
    event
}

fn envelope(event: &Value, with_report: bool) -> String {
    let payload = event.to_string();
    let mut body =
        format!("{}\n{{\"type\":\"event\",\"length\":{}}}\n{payload}\n", json!({ "event_id": event["event_id"] }), payload.len());
    if with_report {
        let report = json!({ "discarded_events": [{ "reason": "sample_rate", "category": "error", "quantity": 1 }] }).to_string();
        body += &format!("{{\"type\":\"client_report\",\"length\":{}}}\n{report}\n", report.len());
    }
    body
}

fn lock(sent: &Mutex<Sent>) -> std::sync::MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}
