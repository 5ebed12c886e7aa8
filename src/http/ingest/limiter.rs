//! Limits at the door: what each key and project has sent in the minute and hour that are going on, in memory, of this node alone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::domain::ids::ProjectId;
use crate::domain::rate_limit::{self, Limit, OwnLimits, Quota, Scope, Usage};
use crate::protocol::category::Category;
use crate::protocol::refused::Refused;

/// Senders and categories after which those are forgotten that have sent nothing this hour. Only keys that exist get here, so what is
/// left is bounded by them.
const USAGES_SWEPT_AT: usize = 4_096;

/// Whose request it is, and how much they may send.
#[derive(Clone, Debug)]
pub struct Sender {
    pub project: ProjectId,
    pub public_key: String,
    quotas: [Quota; 2],
}

/// Installation-wide quotas, for what has none of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults {
    /// Of each key.
    pub key: Quota,
    /// Of each project.
    pub project: Quota,
}

/// What a limit has to say about a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub category: Category,
    pub limit: Limit,
    /// How long to be quiet.
    pub seconds: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Limiter {
    usages: Mutex<HashMap<(Subject, Category), Usage>>,
    refused: Mutex<HashMap<RefusedKey, Sum>>,
    refused_counts: [AtomicU64; Limit::ALL.len()],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Key(String),
    Project(ProjectId),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RefusedKey {
    project: ProjectId,
    public_key: String,
    limit: Limit,
    category: Category,
    /// Number of the hour since 1970, for the accounting is by the hour.
    hour: i64,
}

#[derive(Clone, Copy, Debug)]
struct Sum {
    count: i64,
    first_at: OffsetDateTime,
    last_at: OffsetDateTime,
}

impl Sender {
    pub fn new(project: ProjectId, public_key: &str, own: OwnLimits, defaults: Defaults) -> Self {
        let key = defaults.key.overridden_by(own.key_minute, own.key_hour);
        let project_quota = defaults.project.overridden_by(own.project_minute, own.project_hour);
        let quotas = [key, project_quota];
        // Nobody asks an unlimited sender for its key, so it is not copied for every request.
        let public_key = if quotas.iter().any(|quota| quota.is_limited()) { public_key.to_owned() } else { String::new() };
        Self { project, public_key, quotas }
    }

    pub fn is_limited(&self) -> bool {
        self.quotas.iter().any(|quota| quota.is_limited())
    }

    fn subjects(&self) -> impl Iterator<Item = (Scope, Subject, Quota)> {
        let subjects = [(Scope::Key, Subject::Key(self.public_key.clone())), (Scope::Project, Subject::Project(self.project))];
        subjects
            .into_iter()
            .zip(self.quotas)
            .map(|((scope, subject), quota)| (scope, subject, quota))
            .filter(|(.., quota)| quota.is_limited())
    }
}

impl Limiter {
    /// The limit that has no room for one more item of this category.
    pub fn exhausted(&self, sender: &Sender, category: Category, now: OffsetDateTime) -> Option<Limit> {
        exhausted(&self.usages(), sender, category, now)
    }

    /// Judges items in their order, one verdict for each: `None` is let through, and counted. Attachments of an event share its fate.
    pub fn judge(&self, sender: &Sender, items: &[Category], now: OffsetDateTime) -> Vec<Option<Limit>> {
        if !sender.is_limited() {
            return vec![None; items.len()];
        }
        let mut usages = self.usages();
        sweep(&mut usages, now);
        let mut leader = None;
        let mut verdicts: Vec<Option<Limit>> = Vec::with_capacity(items.len());
        for &category in items {
            let verdict = if category.is_limited() && category != Category::Attachment {
                judge_one(&mut usages, sender, category, now)
            } else {
                None
            };
            if category.leads_attachments() && leader.is_none() {
                leader = Some(verdict);
            }
            verdicts.push(verdict);
        }
        for (verdict, category) in verdicts.iter_mut().zip(items).filter(|(_, category)| **category == Category::Attachment) {
            *verdict = leader.unwrap_or_else(|| judge_one(&mut usages, sender, *category, now));
        }
        verdicts
    }

    /// What to tell the sender about these categories: those without room for one more.
    pub fn silences(&self, sender: &Sender, categories: &[Category], now: OffsetDateTime) -> Vec<Silence> {
        if !sender.is_limited() {
            return Vec::new();
        }
        let mut silences: Vec<Silence> = Vec::new();
        let usages = self.usages();
        for &category in categories.iter().filter(|category| category.is_limited()) {
            let known = silences.iter().any(|silence| silence.category == category);
            if let Some(limit) = exhausted(&usages, sender, category, now).filter(|_| !known) {
                silences.push(Silence { category, limit, seconds: rate_limit::silence(limit.period, now) });
            }
        }
        silences
    }

    /// Counts a refused item, for the accounting.
    pub fn note(&self, sender: &Sender, limit: Limit, category: Category, now: OffsetDateTime) {
        let hour = now.unix_timestamp().div_euclid(3_600);
        let key = RefusedKey { project: sender.project, public_key: sender.public_key.clone(), limit, category, hour };
        self.add(key, Sum { count: 1, first_at: now, last_at: now });
        if let Some(place) = Limit::ALL.iter().position(|known| *known == limit) {
            self.refused_counts[place].fetch_add(1, Relaxed);
        }
    }

    /// Takes what was refused since the last time, by project.
    pub fn take_refused(&self) -> HashMap<ProjectId, Vec<Refused>> {
        let taken = std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        let mut by_project: HashMap<_, Vec<Refused>> = HashMap::new();
        for (key, Sum { count, first_at, last_at }) in taken {
            let RefusedKey { project, public_key, limit, category, .. } = key;
            let (limit, category) = (limit.reason().to_owned(), category.name().to_owned());
            by_project.entry(project).or_default().push(Refused { limit, public_key, category, count, first_at, last_at });
        }
        by_project
    }

    /// Gives back what could not be kept.
    pub fn put_back(&self, project: ProjectId, refused: Vec<Refused>) {
        for Refused { limit, public_key, category, count, first_at, last_at } in refused {
            let Some(limit) = Limit::parse(&limit) else { continue };
            let (category, hour) = (Category::parse(&category), first_at.unix_timestamp().div_euclid(3_600));
            self.add(RefusedKey { project, public_key, limit, category, hour }, Sum { count, first_at, last_at });
        }
    }

    /// Items refused since the start, by limit.
    pub fn refused_counts(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().zip(&self.refused_counts).map(|(limit, count)| (limit, count.load(Relaxed)))
    }

    fn add(&self, key: RefusedKey, more: Sum) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = refused.entry(key).or_insert(Sum { count: 0, ..more });
        sum.count += more.count;
        (sum.first_at, sum.last_at) = (sum.first_at.min(more.first_at), sum.last_at.max(more.last_at));
    }

    fn usages(&self) -> MutexGuard<'_, HashMap<(Subject, Category), Usage>> {
        self.usages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn exhausted(usages: &HashMap<(Subject, Category), Usage>, sender: &Sender, category: Category, now: OffsetDateTime) -> Option<Limit> {
    sender.subjects().find_map(|(scope, subject, quota)| {
        let usage = usages.get(&(subject, category)).copied().unwrap_or_default();
        Some(Limit { scope, period: usage.exhausted(quota, now)? })
    })
}

/// Counted with key and project only if both let it through.
fn judge_one(usages: &mut HashMap<(Subject, Category), Usage>, sender: &Sender, category: Category, now: OffsetDateTime) -> Option<Limit> {
    let limit = exhausted(usages, sender, category, now);
    if limit.is_none() {
        sender.subjects().for_each(|(_, subject, _)| usages.entry((subject, category)).or_default().add(1, now));
    }
    limit
}

fn sweep(usages: &mut HashMap<(Subject, Category), Usage>, now: OffsetDateTime) {
    if usages.len() >= USAGES_SWEPT_AT && usages.len() == usages.capacity() {
        usages.retain(|_, usage| !usage.is_stale(now));
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-20 12:00:10 UTC);

    fn sender(key: &str, key_minute: Option<u32>, project_minute: Option<u32>) -> Sender {
        let own = OwnLimits { key_minute, project_minute, ..OwnLimits::default() };
        Sender::new(ProjectId(1), key, own, Defaults::default())
    }

    fn reasons(verdicts: &[Option<Limit>]) -> Vec<&'static str> {
        verdicts.iter().map(|verdict| verdict.map_or("", Limit::reason)).collect()
    }

    #[test]
    fn each_category_has_the_whole_limit_and_reports_have_none() {
        let limiter = Limiter::default();
        let one = sender("a", Some(2), None);
        let items = [Category::Error, Category::Error, Category::Error, Category::Session, Category::Internal, Category::Monitor];
        assert_eq!(reasons(&limiter.judge(&one, &items, NOW)), ["", "", "key_minute", "", "", ""]);
        assert_eq!(reasons(&limiter.judge(&one, &[Category::Internal; 3], NOW)), [""; 3]);
        let silences = limiter.silences(&one, &items, NOW);
        assert_eq!(silences.iter().map(|silence| (silence.category, silence.seconds)).collect::<Vec<_>>(), [(Category::Error, 50)]);
    }

    #[test]
    fn what_a_key_was_refused_is_not_taken_from_its_project() {
        let limiter = Limiter::default();
        let (loud, quiet) = (sender("loud", Some(3), Some(5)), sender("quiet", None, Some(5)));
        let loud_verdicts = limiter.judge(&loud, &[Category::Error; 10], NOW);
        assert_eq!(loud_verdicts.iter().filter(|verdict| verdict.is_none()).count(), 3);
        assert_eq!(reasons(&limiter.judge(&quiet, &[Category::Error; 3], NOW)), ["", "", "project_minute"]);
    }

    #[test]
    fn attachments_share_the_fate_of_their_event() {
        let limiter = Limiter::default();
        let one = sender("a", None, Some(1));
        let items = [Category::Attachment, Category::Error, Category::Attachment];
        assert_eq!(reasons(&limiter.judge(&one, &items, NOW)), ["", "", ""]);
        assert_eq!(reasons(&limiter.judge(&one, &items, NOW)), ["project_minute"; 3]);
        assert_eq!(reasons(&limiter.judge(&one, &[Category::Attachment; 2], NOW)), ["", "project_minute"]);
    }

    #[test]
    fn refusals_are_summed_and_can_be_given_back() {
        let limiter = Limiter::default();
        let one = sender("a", None, Some(1));
        (0..5).for_each(|_| limiter.note(&one, Limit::ALL[2], Category::Error, NOW));
        let taken = limiter.take_refused();
        assert_eq!(taken[&ProjectId(1)][0].count, 5);
        assert!(limiter.take_refused().is_empty());
        taken.into_iter().for_each(|(project, refused)| limiter.put_back(project, refused));
        limiter.note(&one, Limit::ALL[2], Category::Error, NOW);
        assert_eq!(limiter.take_refused()[&ProjectId(1)][0].count, 6);
        assert_eq!(limiter.refused_counts().map(|(_, count)| count).sum::<u64>(), 6);
    }
}
