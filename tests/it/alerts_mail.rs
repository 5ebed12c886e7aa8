//! Who is mailed what, once.

use time::Duration;

use crate::harness::{Mood, Project, Setup, TestApp};

const WEEK: Duration = Duration::days(7);

/// A project that is no newcomer any more.
async fn old_project(app: &TestApp) -> Project {
    let project = app.project("shop").await;
    app.advance(WEEK).await;
    project
}

async fn states(app: &TestApp) -> Vec<(String, String, String)> {
    sqlx::query_as("SELECT kind, state, held_reason FROM alerts ORDER BY id").fetch_all(&app.db).await.expect("alerts are readable")
}

#[tokio::test]
async fn a_new_issue_of_a_young_project_is_mailed_at_once_and_its_repetitions_are_not() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    sdk.raise("PaymentError", "order 17 was refused", "charge").await;
    app.settle().await;
    let mails = app.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject(), "[shop] New: PaymentError in charge");
    assert_eq!(mails[0].to, ["owner@shop.example"]);
    for n in 18..25 {
        sdk.raise("PaymentError", &format!("order {n} was refused"), "charge").await;
    }
    app.live_through(Duration::minutes(15)).await;
    assert_eq!(app.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_says_where_and_links_to_the_public_address_only() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    app.sdk(&project).raise("PaymentError", "refused <b>now</b>", "charge").await;
    app.settle().await;
    let mail = &app.mails()[0];
    for part in [&mail.text, &mail.html] {
        assert!(part.contains("shop/views.py:42 in charge"), "{part}");
        assert!(part.contains("charge(request)"), "{part}");
        assert!(part.contains(&format!("{}/issues/", app.config.url)), "{part}");
    }
    assert!(mail.text.contains("refused <b>now</b>"));
    assert!(!mail.html.contains("<b>now</b>"), "event text is escaped");
    assert!(mail.html.len() < 20_000);
    let links = mail.html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    assert!(links.clone().count() >= 3);
    assert!(links.clone().all(|link| link.starts_with(&app.config.url)), "{:?}", links.collect::<Vec<_>>());
    assert!(mail.header("message-id").contains("alert-"));
    assert!(mail.header("list-unsubscribe").contains("/mute"));
}

#[tokio::test]
async fn later_alerts_wait_three_minutes_for_company() {
    let app = TestApp::start().await;
    let project = old_project(&app).await;
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.sdk(&project).raise("KeyError", "'sku'", "price").await;
    app.settle().await;
    assert!(app.mails().is_empty());
    app.live_through(Duration::minutes(4)).await;
    let mails = app.mails();
    assert_eq!(mails.len(), 1, "both in one mail");
    assert!(mails[0].subject().starts_with("[shop] 2 new issues since"), "{}", mails[0].subject());
    assert!(mails[0].text.contains("PaymentError") && mails[0].text.contains("KeyError"));
    assert!(states(&app).await.iter().all(|(_, state, _)| state == "mailed"));
}

#[tokio::test]
async fn many_new_issues_at_once_are_one_digest_with_five_in_full() {
    let app = TestApp::start().await;
    let project = old_project(&app).await;
    for name in ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"] {
        app.sdk(&project).raise(&format!("{name}Error"), "broken", name).await;
    }
    app.live_through(Duration::minutes(20)).await;
    let mails = app.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject().starts_with("[shop] 7 new issues since"), "{}", mails[0].subject());
    assert!(mails[0].text.contains("* 2 more:"), "{}", mails[0].text);
}

#[tokio::test]
async fn an_issue_that_comes_back_is_mailed_once_in_the_thread_of_its_first_mail() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    sdk.raise("PaymentError", "refused", "charge").await;
    app.settle().await;
    app.advance(WEEK).await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("one issue");
    app.sign_in_owner().await.submit(&format!("/issues/{issue}/resolve"), &[]).await;
    app.live_through(Duration::minutes(20)).await;
    sdk.raise("PaymentError", "straggler", "charge").await;
    app.live_through(Duration::minutes(60)).await;
    assert_eq!(app.mails().len(), 1, "a straggler within the hour tells nobody");
    sdk.raise("PaymentError", "refused again", "charge").await;
    sdk.raise("PaymentError", "refused again", "charge").await;
    app.live_through(Duration::minutes(15)).await;
    let mails = app.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[1].subject(), "[shop] Came back: PaymentError in charge");
    assert!(mails[1].text.contains("Resolved  27 Nov 12:00 UTC, by "), "{}", mails[1].text);
    assert_eq!(mails[1].header("in-reply-to"), mails[0].header("message-id"));
}

#[tokio::test]
async fn only_members_who_accepted_and_are_not_disabled_get_mail() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    for (email, change) in
        [("ann@shop.example", "name = name"), ("bob@shop.example", "disabled_at = now()"), ("cleo@shop.example", "password_hash = NULL")]
    {
        let person = app.person(email, "member").await;
        app.join(&project, &person).await;
        sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE users SET {change} WHERE id = {}", person.id)))
            .execute(&app.db)
            .await
            .expect("changed");
    }
    app.person("dora@shop.example", "admin").await;
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.settle().await;
    let mut told: Vec<String> = app.mails().iter().flat_map(|mail| mail.to.clone()).collect();
    told.sort();
    assert_eq!(told, ["ann@shop.example", "owner@shop.example"]);
}

#[tokio::test]
async fn a_project_without_anybody_to_tell_holds_the_alert_with_the_reason() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    sqlx::query("DELETE FROM project_members").execute(&app.db).await.expect("deleted");
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.settle().await;
    assert!(app.mails().is_empty());
    let states = states(&app).await;
    assert_eq!((states.len(), states[0].1.as_str()), (1, "held"));
    assert!(states[0].2.contains("nobody to tell"), "{states:?}");
}

#[tokio::test]
async fn an_issue_resolved_while_its_mail_waited_is_not_mailed() {
    let app = TestApp::start().await;
    let project = old_project(&app).await;
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.settle().await;
    sqlx::query("UPDATE issues SET status = 'resolved'").execute(&app.db).await.expect("resolved");
    app.live_through(Duration::minutes(15)).await;
    assert!(app.mails().is_empty());
    assert_eq!(states(&app).await[0].2, "the issue was resolved before the mail left");
}

#[tokio::test]
async fn a_mail_server_that_is_away_delays_a_mail_and_never_doubles_it() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    app.mail_server().set_mood(Mood::Busy);
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.live_through(Duration::minutes(10)).await;
    assert!(app.mails().is_empty());
    app.mail_server().set_mood(Mood::Open);
    app.live_through(Duration::minutes(60)).await;
    assert_eq!(app.mails().len(), 1);
    let (state, tries): (String, i32) =
        sqlx::query_as("SELECT state, attempt_count FROM mails").fetch_one(&app.db).await.expect("one mail");
    assert_eq!(state, "sent");
    assert!(tries > 1);
}

#[tokio::test]
async fn a_refused_recipient_is_given_up_at_once_with_the_answer() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    app.mail_server().set_mood(Mood::RefusesRecipients);
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.settle().await;
    let (state, error): (String, String) =
        sqlx::query_as("SELECT state, last_error FROM mails").fetch_one(&app.db).await.expect("one mail");
    assert_eq!(state, "failed");
    assert!(error.contains("550"), "{error}");
}

#[tokio::test]
async fn without_a_mail_server_mails_are_kept_and_shown_and_not_sent_later() {
    let mut app = TestApp::start_with(Setup { with_mail: false, ..Setup::default() }).await;
    let project = app.project("shop").await;
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.settle().await;
    let browser = app.sign_in_owner().await;
    let page = browser.open("/admin/mail").await;
    page.assert_shows("No mail server is configured");
    page.assert_shows("[shop] New: PaymentError in charge");
    let id: i64 = sqlx::query_scalar("SELECT id FROM mails").fetch_one(&app.db).await.expect("one mail");
    browser.open(&format!("/admin/mail/{id}")).await.assert_shows("shop/views.py:42 in charge");
    app.config.mail.smtp_url = Some(app.mail_server().url());
    app.restart().await;
    app.live_through(Duration::minutes(5)).await;
    assert!(app.mails().is_empty(), "only new mails leave");
}

#[tokio::test]
async fn the_links_of_a_mail_act_signed_out_and_only_when_posted() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.settle().await;
    let text = app.mails()[0].text.clone();
    let path = |word: &str| {
        let url =
            text.lines().find(|line| line.starts_with(word)).and_then(|line| line.split_whitespace().last()).expect("the link is there");
        url.strip_prefix(&app.config.url).expect("a link of ours").to_owned()
    };
    let status = || async { sqlx::query_scalar::<_, String>("SELECT status FROM issues").fetch_one(&app.db).await.expect("one issue") };
    let browser = app.browser();
    let page = browser.open(&path("Resolve")).await;
    assert!(page.html.contains("<form method=\"post\""), "{}", page.html);
    assert_eq!(status().await, "unresolved", "mail scanners follow links");
    browser.submit(&path("Resolve"), &[]).await.assert_shows("is resolved");
    assert_eq!(status().await, "resolved");
    browser.submit(&path("Mute this issue"), &[]).await.assert_shows("muted for you");
    let muted: i64 = sqlx::query_scalar("SELECT count(*) FROM issue_mutes").fetch_one(&app.db).await.expect("mutes");
    assert_eq!(muted, 1);
    let forged = path("Resolve").replacen("/a/1-", "/a/2-", 1);
    assert_eq!(browser.submit(&forged, &[]).await.status.as_u16(), 403);
    app.advance(Duration::days(15)).await;
    assert_eq!(browser.submit(&path("Resolve"), &[]).await.status.as_u16(), 403, "links expire");
}

#[tokio::test]
async fn rules_are_listed_changed_and_paused() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let owner = app.owner().await;
    let browser = app.sign_in_owner().await;
    let page = browser.open("/shop/alerts").await;
    page.assert_shows("New issues");
    page.assert_shows("Nothing to tell so far");
    let id: i64 = sqlx::query_scalar("SELECT id FROM alert_rules WHERE kind = 'spiking'").fetch_one(&app.db).await.expect("the rule");
    browser.open(&format!("/alerts/{id}")).await.assert_shows("Sensitivity");
    let owner_id = owner.id.to_string();
    let fields = [
        ("name", "Big spikes"),
        ("min_level", "fatal"),
        ("environment", ""),
        ("who", "these"),
        ("to", owner_id.as_str()),
        ("sensitivity", "low"),
        ("enabled", "on"),
    ];
    let page = browser.submit(&format!("/alerts/{id}"), &fields).await;
    page.assert_shows("Big spikes");
    page.assert_shows("Spike, level fatal or above, only big ones");
    browser.submit(&format!("/alerts/{id}/pause"), &[("enabled", "false")]).await.assert_shows("Paused");
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.settle().await;
    let page = browser.open("/shop/alerts").await;
    page.assert_shows("Mailed");
    let alert: i64 = sqlx::query_scalar("SELECT id FROM alerts").fetch_one(&app.db).await.expect("one alert");
    browser.open(&format!("/alerts/sent/{alert}")).await.assert_shows("was seen for the first time");
}

#[tokio::test]
async fn a_stranger_sees_no_rule_and_a_viewer_changes_none() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let id: i64 = sqlx::query_scalar("SELECT min(id) FROM alert_rules").fetch_one(&app.db).await.expect("a rule");
    let stranger = app.person("eve@shop.example", "member").await;
    let browser = app.sign_in(&stranger).await;
    assert_eq!(browser.open(&format!("/alerts/{id}")).await.status.as_u16(), 404);
    assert_eq!(browser.submit(&format!("/alerts/{id}/pause"), &[("enabled", "false")]).await.status.as_u16(), 404);
    assert_eq!(browser.open("/admin/mail").await.status.as_u16(), 403);
    let viewer = app.person("vic@shop.example", "viewer").await;
    app.join(&project, &viewer).await;
    let browser = app.sign_in(&viewer).await;
    assert_eq!(browser.submit(&format!("/alerts/{id}/pause"), &[("enabled", "false")]).await.status.as_u16(), 403);
}
