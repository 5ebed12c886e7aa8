//! Spikes, from events at the door to one mail, on a history of two weeks.

use bugle::jobs::spikes;
use bugle::store::job_locks::{self, Job};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::harness::{Project, TestApp, eventually};

/// Usual events per hour in the histories below.
const USUAL: i32 = 1;

/// A project of 15 days with one issue that does `USUAL` events every hour, and whose new-issue mail left long ago.
async fn project_with_history(app: &TestApp) -> Project {
    let project = app.project("shop").await;
    raise(app, &project, 1, Some(0)).await;
    app.settle().await;
    app.advance(Duration::days(15)).await;
    sqlx::query(
        "INSERT INTO issue_hours (project_id, issue_id, hour, event_count, clean_count, peak15, peak60)
         SELECT i.project_id, i.id, date_trunc('hour', $1::timestamptz) - n * interval '1 hour', $2, $2, $2, $2 + 1
         FROM issues i, generate_series(0, 15 * 24 - 2) AS n ON CONFLICT DO NOTHING",
    )
    .bind(app.now())
    .bind(USUAL)
    .execute(&app.db)
    .await
    .expect("a history");
    assert_eq!(app.mails().len(), 1, "the new issue");
    project
}

/// Raises the issue `count` times; `person` gives all events one user, `None` each its own.
async fn raise(app: &TestApp, project: &Project, count: usize, person: Option<usize>) {
    let sdk = app.sdk(project);
    for n in 0..count {
        let mut event = crate::harness::exception("PaymentError", "refused", "charge");
        event["user"] = json!({ "id": format!("person {}", person.unwrap_or(1_000 + n)) });
        sdk.capture(event).await;
    }
}

fn spike_mails(app: &TestApp) -> Vec<String> {
    app.mails().iter().map(|mail| mail.subject().to_owned()).filter(|subject| subject.contains("Spiking")).collect()
}

async fn alerts(app: &TestApp) -> Vec<(String, String, String)> {
    sqlx::query_as("SELECT kind, state, held_reason FROM alerts WHERE kind <> 'new' ORDER BY id").fetch_all(&app.db).await.expect("alerts")
}

#[tokio::test]
async fn a_flood_at_fifty_times_the_usual_rate_is_one_mail() {
    let app = TestApp::start().await;
    let project = project_with_history(&app).await;
    for _ in 0..3 {
        raise(&app, &project, 20, None).await;
        app.live_through(Duration::minutes(2)).await;
    }
    app.live_through(Duration::minutes(20)).await;
    let subjects = spike_mails(&app);
    assert_eq!(subjects.len(), 1, "{subjects:?}");
    assert!(subjects[0].starts_with("[shop] Spiking: PaymentError, "), "{subjects:?}");
    let mails = app.mails();
    let text = mails.last().expect("the spike").text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("usually 1 an hour (20x)"), "{text}");
    assert!(text.contains("20 people in the last hour"), "{text}");
    assert!(text.contains("Since 5 Dec 12:00 UTC; first seen 20 Nov 12:00 UTC"), "{text}");
    let since: bool = sqlx::query_scalar("SELECT spiking_since IS NOT NULL FROM issues").fetch_one(&app.db).await.expect("the issue");
    assert!(since);
    app.live_through(Duration::minutes(150)).await;
    let since: bool = sqlx::query_scalar("SELECT spiking_since IS NOT NULL FROM issues").fetch_one(&app.db).await.expect("the issue");
    assert!(!since, "the incident ends when it is calm for an hour");
}

#[tokio::test]
async fn three_nodes_that_look_at_the_same_minutes_at_once_tell_of_a_spike_once() {
    let app = TestApp::start().await;
    let project = project_with_history(&app).await;
    for _ in 0..10 {
        raise(&app, &project, 20, None).await;
        app.clock.advance(Duration::MINUTE);
        while app.app.digest.run_once().await.expect("the digest works") > 0 {}
        let look = || spikes::run_once(&app.db, &app.clock);
        let (a, b, c) = tokio::join!(look(), look(), look());
        for done in [a, b, c] {
            done.expect("the job works");
        }
    }
    let told = alerts(&app).await;
    assert_eq!(told.iter().filter(|(kind, ..)| kind == "spiking").count(), 1, "{told:?}");
    app.live_through(Duration::minutes(10)).await;
    assert_eq!(spike_mails(&app).len(), 1);
}

#[tokio::test]
async fn one_person_with_many_events_is_no_spike() {
    let app = TestApp::start().await;
    let project = project_with_history(&app).await;
    raise(&app, &project, 150, Some(7)).await;
    app.live_through(Duration::minutes(20)).await;
    assert!(alerts(&app).await.is_empty());
}

#[tokio::test]
async fn a_restart_in_the_middle_sends_no_second_mail() {
    let mut app = TestApp::start().await;
    let project = project_with_history(&app).await;
    raise(&app, &project, 40, None).await;
    app.live_through(Duration::minutes(2)).await;
    app.restart().await;
    raise(&app, &project, 40, None).await;
    app.live_through(Duration::minutes(10)).await;
    app.restart().await;
    app.live_through(Duration::minutes(10)).await;
    assert_eq!(spike_mails(&app).len(), 1);
}

#[tokio::test]
async fn a_paused_rule_holds_the_spike_and_says_so() {
    let app = TestApp::start().await;
    let project = project_with_history(&app).await;
    sqlx::query("UPDATE alert_rules SET enabled = false WHERE kind = 'spiking'").execute(&app.db).await.expect("paused");
    raise(&app, &project, 60, None).await;
    app.live_through(Duration::minutes(20)).await;
    assert!(spike_mails(&app).is_empty());
    assert_eq!(alerts(&app).await, [("spiking".to_owned(), "held".to_owned(), "the rule “Spikes” is off".to_owned())]);
    app.sign_in_owner().await.open("/shop/alerts").await.assert_shows("the rule “Spikes” is off");
}

#[tokio::test]
async fn an_issue_ignored_until_it_escalates_is_told_and_open_again() {
    let app = TestApp::start().await;
    let project = project_with_history(&app).await;
    sqlx::query("UPDATE issues SET status = 'ignored', ignore_until = 'escalates'").execute(&app.db).await.expect("ignored");
    raise(&app, &project, 60, None).await;
    app.live_through(Duration::minutes(20)).await;
    assert_eq!(spike_mails(&app).len(), 1);
    let status: String = sqlx::query_scalar("SELECT status FROM issues").fetch_one(&app.db).await.expect("the issue");
    assert_eq!(status, "unresolved");
}

#[tokio::test]
async fn an_issue_ignored_for_ever_tells_nothing() {
    let app = TestApp::start().await;
    let project = project_with_history(&app).await;
    sqlx::query("UPDATE issues SET status = 'ignored', ignore_until = 'forever'").execute(&app.db).await.expect("ignored");
    raise(&app, &project, 60, None).await;
    app.live_through(Duration::minutes(20)).await;
    assert!(spike_mails(&app).is_empty());
}

#[tokio::test]
async fn events_that_waited_in_the_spool_while_their_minutes_were_swept_are_looked_at_again_after_a_restart() {
    let mut app = TestApp::start().await;
    let project = project_with_history(&app).await;
    raise(&app, &project, 60, None).await;
    let raised_at = app.now();
    for _ in 0..10 {
        app.clock.advance(Duration::MINUTE);
        assert_eq!(spikes::run_once(&app.db, &app.clock).await.expect("the sweep works"), 1, "nothing is counted, every minute looks calm");
    }
    assert!(alerts(&app).await.is_empty());
    app.restart().await;
    app.live_through(Duration::minutes(5)).await;
    assert_eq!(spike_mails(&app).len(), 1);
    let since: OffsetDateTime =
        sqlx::query_scalar("SELECT since FROM alerts WHERE kind = 'spiking'").fetch_one(&app.db).await.expect("the spike");
    assert_eq!(since, raised_at, "told by the clock of the events, not of the digest");
    app.live_through(Duration::minutes(20)).await;
    assert_eq!(spike_mails(&app).len(), 1);
}

#[tokio::test]
async fn a_sweep_waits_for_its_turn_and_does_not_take_it_for_idleness() {
    let app = TestApp::start().await;
    app.settle().await;
    app.clock.advance(Duration::MINUTE);
    let held = job_locks::hold(&app.db, Job::Spikes).await.expect("nobody holds it");
    let (db, clock) = (app.db.clone(), app.clock.clone());
    let sweep = tokio::spawn(async move { spikes::run_once(&db, &clock).await });
    eventually("the sweep waits", async || {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_one(&app.db)
        .await
        .expect("locks are readable");
        (waiting == 1).then_some(())
    })
    .await;
    held.rollback().await.expect("the lock is gone");
    assert_eq!(sweep.await.expect("no panic").expect("the sweep works"), 1);
    assert_eq!(spikes::run_once(&app.db, &app.clock).await.expect("the sweep works"), 0);
}
