//! Pending alerts become mails: one project, one mail at a time (`domain::pacing` decides when). The mails and the end of the alerts are one
//! transaction, so a crash neither loses nor doubles a mail. Every alert ends mailed, or held with a reason.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::mail::code::{self, Excerpt};
use super::mail::{Cx, DigestMail, IssueMail, Rendered, Told};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::alert::Kind;
use crate::domain::ids::{AlertId, IssueId, ProjectId, UserId};
use crate::domain::issue::{NEWCOMER_AGE, Status};
use crate::domain::pacing::{self, Departure, Situation};
use crate::store::alert_outbox::{self, PendingAlert, Receiver};
use crate::store::mails::{self, NewMail};
use crate::store::{self, Db, Tx, dictionaries};

/// Folds every project that has something to tell; answers how many mails were queued and alerts held back.
pub async fn run_once(db: &Db, clock: &Clock, config: &Config) -> anyhow::Result<usize> {
    let mut done = 0;
    for project in alert_outbox::waiting_projects(db).await.context("listing projects with pending alerts")? {
        done += fold_project(db, clock.now(), config, project).await.with_context(|| format!("folding the alerts of project {project}"))?;
    }
    Ok(done)
}

async fn fold_project(db: &Db, now: OffsetDateTime, config: &Config, project: ProjectId) -> anyhow::Result<usize> {
    let mut tx = store::begin(db).await?;
    let pace = alert_outbox::lock_pace(&mut tx, project).await?;
    let mut settled = usize::try_from(alert_outbox::hold_orphans(&mut tx, project, now).await?).unwrap_or(usize::MAX);
    let mut pending = alert_outbox::pending(&mut tx, project).await?;
    settled += hold_overtaken(&mut tx, project, &mut pending, now).await?;
    let traffic = alert_outbox::traffic(&mut tx, project, now).await?;
    let decided: Vec<i64> = pending.iter().map(|alert| alert.decided_at.unix_timestamp()).collect();
    let situation = Situation {
        pending: &decided,
        recent_count: usize::try_from(traffic.recent_count).unwrap_or_default(),
        mails_in_hour: traffic.mails_in_hour,
        mails_in_day: traffic.mails_in_day,
        newcomer: now - traffic.project_created_at < NEWCOMER_AGE,
    };
    let (moved, departure) = pacing::depart(pace, now.unix_timestamp(), &situation);
    let mut after = moved;
    if let Departure::Leave { over_budget, .. } = departure {
        let mailed = mail(&mut tx, config, project, pending, over_budget, now).await?;
        settled += mailed.settled_count;
        if mailed.mail_count == 0 {
            // Nobody was there to be told: the next alert must not wait for a mail that never left.
            after.last_mail = pace.last_mail;
            after.storm_digest = pace.storm_digest;
        }
    }
    alert_outbox::save_pace(&mut tx, project, &after).await?;
    tx.commit().await?;
    Ok(settled)
}

/// Holds back what people have settled while it waited for company.
async fn hold_overtaken(tx: &mut Tx, project: ProjectId, pending: &mut Vec<PendingAlert>, now: OffsetDateTime) -> anyhow::Result<usize> {
    let before = pending.len();
    let overtaken = |alert: &PendingAlert| match alert.issue.status {
        Status::Unresolved => None,
        Status::Resolved => Some("the issue was resolved before the mail left"),
        Status::Ignored => Some("the issue was ignored before the mail left"),
    };
    let mut held: HashMap<&str, Vec<AlertId>> = HashMap::new();
    for (alert, reason) in pending.iter().filter_map(|alert| Some((alert, overtaken(alert)?))) {
        held.entry(reason).or_default().push(alert.id);
    }
    for (reason, alerts) in held {
        alert_outbox::settle_held(tx, project, &alerts, reason, now).await?;
    }
    pending.retain(|alert| overtaken(alert).is_none());
    Ok(before - pending.len())
}

struct Mailed {
    mail_count: usize,
    settled_count: usize,
}

/// Queues one mail per receiver with everything pending that concerns them, and settles every alert.
async fn mail(
    tx: &mut Tx,
    config: &Config,
    project: ProjectId,
    pending: Vec<PendingAlert>,
    over_budget: bool,
    now: OffsetDateTime,
) -> anyhow::Result<Mailed> {
    let slug = alert_outbox::slug(tx, project).await?;
    let receivers = alert_outbox::receivers(tx, project).await?;
    let issues: Vec<IssueId> = pending.iter().map(|alert| alert.issue.id).collect();
    let mutes = alert_outbox::mutes(tx, project, &issues).await?;
    let ids: Vec<AlertId> = pending.iter().map(|alert| alert.id).collect();
    let full = full(tx, &receivers, now).await?;
    let audience = Audience::of(&pending, &receivers, &mutes, &full);
    let told = gather(tx, project, one_per_issue(pending, &audience.told), now).await?;
    let reference = format!("alert-{}", ids.first().map_or(0, |id| id.0));
    let mut mail_count = 0;
    for receiver in &receivers {
        let theirs: Vec<Told> = told.iter().filter(|one| audience.told[&one.alert.id].contains(&receiver.id)).cloned().collect();
        if theirs.is_empty() {
            continue;
        }
        let cx = Cx { project: &slug, base_url: &config.url, key: &config.secret_key.0, receiver, now };
        mail_count += usize::from(enqueue(tx, project, &cx, &theirs, over_budget, &reference).await?);
    }
    settle(tx, project, &ids, &audience, &reference, now).await?;
    info!(
        project.id = project.0,
        mail.queued_count = mail_count,
        alert.count = ids.len(),
        "alerts of {slug} settled: {}, mails queued: {mail_count}",
        ids.len()
    );
    Ok(Mailed { mail_count, settled_count: ids.len() })
}

/// Who is told of each alert, and who would be, had they not got too many mails already.
struct Audience {
    told: HashMap<AlertId, HashSet<UserId>>,
    spared: HashMap<AlertId, usize>,
}

impl Audience {
    fn of(pending: &[PendingAlert], receivers: &[Receiver], mutes: &HashSet<(IssueId, UserId)>, full: &HashSet<UserId>) -> Self {
        let mut audience = Self { told: HashMap::new(), spared: HashMap::new() };
        for alert in pending {
            let wanted = |user: &UserId| alert.rule.as_ref().is_some_and(|(_, _, recipients)| recipients.include(*user));
            let concerned =
                receivers.iter().map(|receiver| receiver.id).filter(wanted).filter(|id| !mutes.contains(&(alert.issue.id, *id)));
            let (spared, told): (HashSet<UserId>, HashSet<UserId>) = concerned.partition(|id| full.contains(id));
            audience.spared.insert(alert.id, spared.len());
            audience.told.insert(alert.id, told);
        }
        audience
    }
}

/// Who got so many mails within a day that this one does not go to them.
async fn full(tx: &mut Tx, receivers: &[Receiver], now: OffsetDateTime) -> anyhow::Result<HashSet<UserId>> {
    let ids: Vec<UserId> = receivers.iter().map(|receiver| receiver.id).collect();
    let received = mails::received(tx, &ids, now - Duration::DAY).await.context("counting what people got")?;
    let may = |one: &mails::Received| pacing::may_receive(one.count, one.last_at.unix_timestamp(), now.unix_timestamp());
    Ok(received.into_iter().filter(|one| !may(one)).map(|one| one.user_id).collect())
}

/// A mail has one line per issue: the weightiest of its alerts that has an audience.
fn one_per_issue(pending: Vec<PendingAlert>, audience: &HashMap<AlertId, HashSet<UserId>>) -> Vec<PendingAlert> {
    let weight = |kind: Kind| match kind {
        Kind::Escalated => 3,
        Kind::Spiking => 2,
        Kind::Regressed => 1,
        Kind::New => 0,
    };
    let mut chosen: Vec<PendingAlert> = Vec::new();
    for alert in pending.into_iter().filter(|alert| !audience[&alert.id].is_empty()) {
        match chosen.iter_mut().find(|one| one.issue.id == alert.issue.id) {
            Some(one) if weight(alert.kind) > weight(one.kind) => *one = alert,
            Some(_) => {}
            None => chosen.push(alert),
        }
    }
    chosen
}

async fn gather(tx: &mut Tx, project: ProjectId, alerts: Vec<PendingAlert>, now: OffsetDateTime) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::with_capacity(alerts.len());
    for alert in alerts {
        let latest = alert_outbox::latest_event(tx, project, alert.issue.id).await?;
        let excerpt = match &latest {
            Some(event) => excerpt(tx, project, event.dictionary_id, &event.payload).await,
            None => Excerpt::default(),
        };
        let spike = matches!(alert.kind, Kind::Spiking | Kind::Escalated);
        let last_day = if spike { alert_outbox::last_day(tx, project, alert.issue.id, now).await? } else { Vec::new() };
        let (environment, transaction) = latest.map_or((None, None), |event| (event.environment, event.transaction));
        told.push(Told { alert, environment, transaction, excerpt, last_day });
    }
    Ok(told)
}

/// A mail without code is better than none.
async fn excerpt(tx: &mut Tx, project: ProjectId, dictionary_id: i32, stored: &[u8]) -> Excerpt {
    match dictionaries::open(&mut **tx, project, dictionary_id, stored).await {
        Ok(json) => code::excerpt(&json),
        Err(problem) => {
            warn!("the latest event of an alert cannot be read: {problem:#}");
            Excerpt::default()
        }
    }
}

async fn enqueue(tx: &mut Tx, project: ProjectId, cx: &Cx<'_>, told: &[Told], over_budget: bool, reference: &str) -> anyhow::Result<bool> {
    let message_id = format!("{reference}-{}", cx.receiver.id);
    let (rendered, unsubscribe_url, in_reply_to): (Rendered, String, String) = match told {
        [one] => {
            let mail = IssueMail::new(cx, one);
            let first = alert_outbox::first_mail_ref(tx, project, one.alert.issue.id).await?;
            let thread = first.map(|first| format!("{first}-{}", cx.receiver.id)).unwrap_or_default();
            (mail.render()?, mail.mute_url().to_owned(), thread)
        }
        several => (DigestMail::new(cx, several, over_budget).render()?, String::new(), String::new()),
    };
    let mail = NewMail {
        project_id: Some(project),
        user_id: Some(cx.receiver.id),
        recipient: &cx.receiver.email,
        subject: &rendered.subject,
        text_body: &rendered.text,
        html_body: &rendered.html,
        message_id: &message_id,
        in_reply_to: &in_reply_to,
        unsubscribe_url: &unsubscribe_url,
    };
    Ok(mails::enqueue(tx, &mail, cx.now).await?)
}

async fn settle(
    tx: &mut Tx,
    project: ProjectId,
    alerts: &[AlertId],
    audience: &Audience,
    reference: &str,
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    let (mailed, untold): (Vec<AlertId>, Vec<AlertId>) = alerts.iter().partition(|id| !audience.told[id].is_empty());
    alert_outbox::settle_mailed(tx, project, &mailed, reference, now).await?;
    let partly: Vec<AlertId> = mailed.into_iter().filter(|id| audience.spared[id] > 0).collect();
    alert_outbox::note_untold(tx, project, &partly, "not to everybody: some had got 40 mails within a day").await?;
    let (unheard, spared): (Vec<AlertId>, Vec<AlertId>) = untold.iter().partition(|id| audience.spared[id] == 0);
    let reason = "nobody to tell: no member gets this rule's mail, or all muted the issue";
    alert_outbox::settle_held(tx, project, &unheard, reason, now).await?;
    let reason = "whom it concerns had got 40 mails within a day; after that one mail an hour leaves";
    alert_outbox::settle_held(tx, project, &spared, reason, now).await?;
    Ok(())
}
