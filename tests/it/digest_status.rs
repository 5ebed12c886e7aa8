//! What an event means for its issue: new, regressed, ignored, old; and who is told.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::harness::{Node, Project, TestApp, exception};

struct Story {
    app: TestApp,
    node: Node,
    project: Project,
}

impl Story {
    /// The project is `age` old.
    async fn begin(age: Duration) -> Self {
        let app = TestApp::start().await;
        let project = app.project("shop").await;
        app.clock.advance(age);
        let node = Node::start(&app);
        Self { app, node, project }
    }

    async fn happens(&self, event: Value) {
        self.node.accept(&self.project, &event).await;
        self.node.digest_all().await;
    }

    async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
    }

    async fn status(&self) -> String {
        sqlx::query_scalar("SELECT status FROM issues").fetch_one(&self.app.db).await.expect("one issue")
    }

    async fn set_status(&self, status: &str) {
        sqlx::query("UPDATE issues SET status = $1, status_at = $2")
            .bind(status)
            .bind(self.app.now())
            .execute(&self.app.db)
            .await
            .expect("the status is set");
    }

    /// What is to be mailed.
    async fn alerts(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT kind FROM alerts WHERE state = 'pending' ORDER BY id")
            .fetch_all(&self.app.db)
            .await
            .expect("alerts are readable")
    }
}

/// What was not mailed, and why.
async fn held(story: &Story) -> Vec<(String, String)> {
    sqlx::query_as("SELECT kind, held_reason FROM alerts WHERE state = 'held' ORDER BY id")
        .fetch_all(&story.app.db)
        .await
        .expect("alerts are readable")
}

fn bug() -> Value {
    exception("ValueError", "x", "pay")
}

fn bug_with(key: &str, value: impl Into<Value>) -> Value {
    let mut event = bug();
    event[key] = value.into();
    event
}

fn seconds(at: OffsetDateTime) -> i64 {
    at.unix_timestamp()
}

#[tokio::test]
async fn an_event_within_the_grace_is_counted_only_and_one_after_it_is_a_regression() {
    let story = Story::begin(Duration::days(2)).await;
    story.happens(bug()).await;
    story.set_status("resolved").await;
    story.app.clock.advance(Duration::minutes(20));
    story.happens(bug()).await;
    assert_eq!((story.status().await.as_str(), story.alerts().await.len()), ("resolved", 1));

    story.app.clock.advance(Duration::minutes(41));
    story.happens(bug_with("release", "1.4.2")).await;
    story.happens(bug()).await;
    assert_eq!(story.status().await, "unresolved");
    assert_eq!(story.alerts().await, ["new", "regressed"]);
    assert_eq!(story.number("SELECT event_count FROM issues").await, 4);
    assert_eq!(story.number("SELECT count(*) FROM activities WHERE kind = 'regressed' AND detail = '1.4.2'").await, 1);
    assert_eq!(
        story.number("SELECT (numbers->>'last60')::int8 FROM alerts WHERE kind = 'regressed'").await,
        2,
        "itself and the straggler, not the one of an hour ago"
    );
    assert_eq!(story.number("SELECT count(*) FROM issues WHERE regressed_at = status_at").await, 1);
}

#[tokio::test]
async fn in_a_project_younger_than_a_day_a_resolved_issue_reopens_at_once() {
    let story = Story::begin(Duration::hours(1)).await;
    story.happens(bug()).await;
    story.set_status("resolved").await;
    story.app.clock.advance(Duration::seconds(1));
    story.happens(bug()).await;
    assert_eq!((story.status().await.as_str(), story.alerts().await.len()), ("unresolved", 2));
}

#[tokio::test]
async fn an_ignored_issue_stays_quiet() {
    let story = Story::begin(Duration::days(2)).await;
    story.happens(bug_with("level", "warning")).await;
    story.set_status("ignored").await;
    story.app.clock.advance(Duration::hours(3));
    story.happens(bug()).await;
    assert_eq!(story.status().await, "ignored");
    assert!(story.alerts().await.is_empty());
    let reason = "its level is warning, the rule “New issues” starts at error";
    assert_eq!(held(&story).await, [("new".to_owned(), reason.to_owned())]);
}

#[tokio::test]
async fn old_events_make_the_issue_but_only_the_first_clean_one_is_told() {
    let story = Story::begin(Duration::days(2)).await;
    let old = seconds(story.app.now() - Duration::hours(2));
    story.happens(bug_with("timestamp", old)).await;
    story.happens(bug_with("timestamp", "1970-01-01T00:00:00Z")).await;
    assert!(story.alerts().await.is_empty());
    assert!(matches!(held(&story).await.as_slice(), [(_, reason)] if reason.contains("was old when it arrived")));
    assert_eq!(story.number("SELECT count(*) FROM issue_minutes").await, 0);
    assert_eq!(story.number("SELECT event_count FROM issues").await, 2);

    story.happens(bug()).await;
    story.happens(bug()).await;
    assert_eq!(story.alerts().await, ["new"]);
    assert_eq!(story.number("SELECT (numbers->>'event_count')::int8 FROM alerts WHERE state = 'pending'").await, 3);
    assert_eq!(story.number("SELECT clean_count::int8 FROM issue_minutes").await, 2);
}

#[tokio::test]
async fn a_rule_about_production_is_told_when_the_bug_reaches_production() {
    let story = Story::begin(Duration::days(2)).await;
    sqlx::query("UPDATE alert_rules SET environment = 'production'").execute(&story.app.db).await.expect("the rules are changed");
    story.happens(bug_with("environment", "staging")).await;
    assert!(story.alerts().await.is_empty());
    story.app.clock.advance(Duration::hours(5));
    story.happens(bug_with("environment", "production")).await;
    story.happens(bug_with("environment", "production")).await;
    assert_eq!(story.alerts().await, ["new"]);
}

#[tokio::test]
async fn levels_below_the_rule_are_not_told_until_the_issue_reaches_it() {
    let story = Story::begin(Duration::days(2)).await;
    story.happens(bug_with("level", "warning")).await;
    assert!(story.alerts().await.is_empty());
    story.happens(bug_with("level", "fatal")).await;
    story.happens(bug_with("level", "error")).await;
    assert_eq!(story.alerts().await, ["new"]);
    sqlx::query("UPDATE alert_rules SET enabled = false").execute(&story.app.db).await.expect("the rules are changed");
    story.happens(exception("KeyError", "y", "other")).await;
    assert_eq!(story.alerts().await.len(), 1, "a rule that is off tells nothing");
    assert_eq!(held(&story).await, [("new".to_owned(), "the rule “New issues” is off".to_owned())]);
}

#[tokio::test]
async fn what_is_not_mailed_leaves_one_reason_and_its_repetitions_none() {
    let story = Story::begin(Duration::days(2)).await;
    sqlx::query("UPDATE alert_rules SET environment = 'production' WHERE kind = 'new'").execute(&story.app.db).await.expect("narrowed");
    sqlx::query("UPDATE alert_rules SET enabled = false WHERE kind = 'regressed'").execute(&story.app.db).await.expect("off");
    for _ in 0..20 {
        story.node.accept(&story.project, &bug_with("environment", "staging")).await;
        story.node.accept(&story.project, &bug_with("timestamp", 1_000_000)).await;
    }
    story.node.digest_all().await;
    story.set_status("resolved").await;
    story.app.clock.advance(Duration::hours(2));
    for _ in 0..20 {
        story.happens(bug()).await;
    }
    assert!(story.alerts().await.is_empty());
    let reasons = ["not in production, the only environment of the rule “New issues”", "the rule “Regressions” is off"];
    let expected = [("new", reasons[0]), ("regressed", reasons[1])].map(|(kind, reason)| (kind.to_owned(), reason.to_owned()));
    assert_eq!(held(&story).await, expected);
}

#[tokio::test]
async fn a_project_without_a_rule_says_so() {
    let story = Story::begin(Duration::days(2)).await;
    sqlx::query("DELETE FROM alert_rules").execute(&story.app.db).await.expect("deleted");
    story.happens(bug()).await;
    assert_eq!(held(&story).await, [("new".to_owned(), "the project has no rule for it".to_owned())]);
}

#[tokio::test]
async fn one_person_counts_at_most_five_times_per_quarter_of_an_hour() {
    let story = Story::begin(Duration::days(2)).await;
    for batch in 0..3 {
        for n in 0..4 {
            story.node.accept(&story.project, &bug_with("user", json!({ "id": "the same" }))).await;
            story.node.accept(&story.project, &bug_with("user", json!({ "id": format!("{batch} {n}") }))).await;
        }
        story.node.digest_all().await;
    }
    assert_eq!(story.number("SELECT sum(clean_count)::int8 FROM issue_minutes").await, 24);
    assert_eq!(story.number("SELECT sum(capped_count)::int8 FROM issue_minutes").await, 12 + 5);
    assert_eq!(story.number("SELECT user_count FROM issues").await, 13);
    story.app.clock.advance(Duration::minutes(15));
    story.happens(bug_with("user", json!({ "id": "the same" }))).await;
    assert_eq!(story.number("SELECT sum(capped_count)::int8 FROM issue_minutes").await, 12 + 5 + 1);
    assert_eq!(story.number("SELECT user_count FROM issues").await, 13);
}

#[tokio::test]
async fn the_issue_shows_the_latest_event_by_when_it_happened() {
    let story = Story::begin(Duration::days(2)).await;
    let now = story.app.now();
    let at = |minutes: i64, level: &str, release: Option<&str>| {
        let mut event = bug_with("timestamp", seconds(now - Duration::minutes(minutes)));
        event["level"] = json!(level);
        event["release"] = json!(release);
        event
    };
    story.happens(at(5, "error", Some("2"))).await;
    story.happens(at(2, "fatal", None)).await;
    story.happens(at(300, "warning", Some("1"))).await;
    assert_eq!(story.number("SELECT level::int8 FROM issues").await, 50);
    assert_eq!(story.number("SELECT count(*) FROM issues WHERE last_release = '2' AND first_release = '2'").await, 1);
    assert_eq!(story.number("SELECT extract(epoch FROM last_seen_at - first_seen_at)::int8 FROM issues").await, 298 * 60);
    assert_eq!(
        story.number("SELECT count(*) FROM issue_hours WHERE event_count = 1").await,
        1,
        "the old one is in the hour it happened in"
    );
}
