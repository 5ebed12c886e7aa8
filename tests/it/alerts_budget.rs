//! How much mail is too much, for a project and for a person.

use time::Duration;

use crate::harness::{Project, TestApp};

async fn old_project(app: &TestApp, name: &str) -> Project {
    let project = app.project(name).await;
    app.advance(Duration::days(2)).await;
    project
}

/// A new issue of its own.
async fn raise(app: &TestApp, project: &Project, n: usize) {
    let name: String = std::iter::successors(Some(n), |n| (*n > 25).then_some(n / 26)).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    app.sdk(project).raise(&format!("{name}Error"), "broken", &name).await;
    app.settle().await;
}

async fn held(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("SELECT held_reason FROM alerts WHERE state = 'held' ORDER BY id").fetch_all(&app.db).await.expect("alerts")
}

#[tokio::test]
async fn a_project_that_has_used_up_its_thirty_mails_a_day_gets_one_an_hour_that_says_so() {
    let app = TestApp::start().await;
    let project = old_project(&app, "shop").await;
    for n in 0..30 {
        raise(&app, &project, n).await;
        app.advance(Duration::minutes(10)).await;
    }
    assert_eq!(app.mails().len(), 30);
    for n in 30..36 {
        raise(&app, &project, n).await;
        app.advance(Duration::minutes(10)).await;
    }
    assert_eq!(app.mails().len(), 31, "one an hour");
    raise(&app, &project, 36).await;
    app.live_through(Duration::minutes(50)).await;
    assert_eq!(app.mails().len(), 31);
    app.live_through(Duration::minutes(11)).await;
    let mails = app.mails();
    assert_eq!(mails.len(), 32);
    assert!(mails.iter().skip(30).any(|mail| mail.text.contains("used up its mails")), "{}", mails[31].text);
    assert!(held(&app).await.is_empty(), "late, not lost");
    let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM alerts WHERE state = 'pending'").fetch_one(&app.db).await.expect("alerts");
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn a_person_who_got_forty_mails_within_a_day_is_spared_with_the_reason_but_for_one_an_hour() {
    let app = TestApp::start().await;
    let project = old_project(&app, "shop").await;
    sqlx::query(
        "INSERT INTO mails (project_id, user_id, recipient, subject, text_body, html_body, message_id, created_at, next_try_at, state)
         SELECT $1, u.id, u.email, 's', 't', 'h', 'before-' || n, $2, $2, 'sent' FROM users u, generate_series(1, 40) AS n",
    )
    .bind(project.id)
    .bind(app.now() - Duration::minutes(5))
    .execute(&app.db)
    .await
    .expect("a busy day");
    raise(&app, &project, 1).await;
    app.live_through(Duration::minutes(5)).await;
    assert!(app.mails().is_empty());
    assert!(held(&app).await[0].contains("40 mails within a day"), "{:?}", held(&app).await);

    let ann = app.person("ann@shop.example", "member").await;
    app.join(&project, &ann).await;
    raise(&app, &project, 2).await;
    app.live_through(Duration::minutes(5)).await;
    assert_eq!(app.mails().iter().flat_map(|mail| mail.to.clone()).collect::<Vec<_>>(), ["ann@shop.example"]);
    let alert: i64 = sqlx::query_scalar("SELECT max(id) FROM alerts").fetch_one(&app.db).await.expect("the alert");
    app.sign_in_owner().await.open(&format!("/alerts/sent/{alert}")).await.assert_shows("some had got 40 mails within a day");

    app.live_through(Duration::minutes(60)).await;
    raise(&app, &project, 3).await;
    app.live_through(Duration::minutes(10)).await;
    assert_eq!(app.mails().len(), 3, "one to each: after an hour one leaves");
}
