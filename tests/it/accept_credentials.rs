//! Who may send, and how each client says who it is.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::Duration;

use crate::accept_support::{AUTH, ENVELOPE, EVENT_ID, KEY, add_project, app, post, spooled};
use crate::harness::{TestApp, eventually};

/// Address, headers, body.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

const OTHER_KEY: &str = "b1b2c3d4e5f60718293a4b5c6d7e8f91";

#[tokio::test]
async fn every_carrier_of_a_key_is_understood() {
    let app = app().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{KEY}:")));
    let raven =
        format!("Sentry sentry_timestamp=1.5, sentry_client=raven-python/6.10.0, sentry_version=6, sentry_key={KEY}, sentry_secret=x");
    let lower = format!("sentry sentry_key={KEY}");
    let query = format!("/api/42/envelope/?sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.browser%2F11.12.0");
    let with_dsn = ENVELOPE.replacen('{', &format!("{{\"dsn\":\"https://{KEY}@sentry.example.test/42\","), 1);
    let cases: [Case<'_>; 8] = [
        ("/api/42/envelope/", &[("x-sentry-auth", AUTH)], ENVELOPE),
        ("/api/42/envelope/", &[("x-sentry-auth", &raven)], ENVELOPE),
        ("/api/42/envelope/", &[("x-sentry-auth", &lower)], ENVELOPE),
        ("/api/42/envelope/", &[("authorization", AUTH)], ENVELOPE),
        ("/api/42/envelope/", &[("authorization", &basic)], ENVELOPE),
        (&query, &[], ENVELOPE),
        ("/api/42/envelope/", &[], &with_dsn),
        (&query, &[("x-sentry-auth", AUTH)], &with_dsn),
    ];
    for (uri, headers, body) in cases {
        let answer = post(&app, uri, headers, body.to_owned()).await;
        assert_eq!((answer.status.as_u16(), answer.id()), (200, Some(EVENT_ID)), "{uri} {headers:?} {:?}", answer.body);
    }
    assert_eq!(spooled(&app).await.len(), cases.len());
}

#[tokio::test]
async fn the_key_of_the_project_that_started_a_trace_is_not_looked_at() {
    let app = app().await;
    let body = ENVELOPE.replacen('{', &format!("{{\"trace\":{{\"public_key\":\"{OTHER_KEY}\",\"trace_id\":\"1\"}},"), 1);
    assert_eq!(post(&app, "/api/42/envelope/", &[("x-sentry-auth", AUTH)], body.clone()).await.status, 200);
    assert_eq!(post(&app, "/api/42/envelope/", &[], body).await.status, 401);
}

#[tokio::test]
async fn without_credentials_the_answer_is_401() {
    let app = app().await;
    for (uri, body) in [("/api/42/envelope/", ENVELOPE), ("/api/42/store/", "{}"), ("/api/42/envelope/?sentry_version=7", ENVELOPE)] {
        let answer = post(&app, uri, &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (401, "missing authorization information"), "{uri}");
        assert_eq!(answer.header("x-sentry-error"), "missing authorization information");
    }
    assert_eq!(spooled(&app).await.len(), 0);
}

#[tokio::test]
async fn two_keys_that_disagree_are_401_but_the_password_of_a_proxy_is_not_a_key() {
    let app = app().await;
    let uri = format!("/api/42/envelope/?sentry_key={OTHER_KEY}");
    let answer = post(&app, &uri, &[("x-sentry-auth", AUTH)], ENVELOPE).await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (401, "multiple authorization payloads detected"));
    let with_proxy = [("authorization", "Basic dXNlcjpwYXNzd29yZA=="), ("x-sentry-auth", AUTH)];
    assert_eq!(post(&app, "/api/42/envelope/", &with_proxy, ENVELOPE).await.status, 200);
    assert_eq!(spooled(&app).await.len(), 1);
}

#[tokio::test]
async fn nobody_learns_which_projects_exist() {
    let app = app().await;
    add_project(&app, 43, OTHER_KEY).await;
    let unknown = "f".repeat(32);
    let mut answers = Vec::new();
    for (project, key) in [(42, OTHER_KEY), (42, unknown.as_str()), (44, KEY), (44, &unknown)] {
        let auth = format!("Sentry sentry_key={key}, sentry_version=7");
        let answer = post(&app, &format!("/api/{project}/envelope/"), &[("x-sentry-auth", &auth)], ENVELOPE).await;
        answers.push((answer.status.as_u16(), answer.body, answer.headers));
    }
    assert_eq!((answers[0].0, answers[0].1["detail"].as_str()), (403, Some("event submission rejected with_reason: ProjectId")));
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    assert_eq!(spooled(&app).await.len(), 0);
}

#[tokio::test]
async fn an_envelope_whose_dsn_says_something_else_is_refused() {
    let app = app().await;
    add_project(&app, 43, OTHER_KEY).await;
    for dsn in [format!("https://{OTHER_KEY}@h/43"), format!("https://{KEY}@h/43"), format!("https://{OTHER_KEY}@h/42")] {
        let body = ENVELOPE.replacen('{', &format!("{{\"dsn\":\"{dsn}\","), 1);
        for headers in [&[("x-sentry-auth", AUTH)][..], &[]] {
            let answer = post(&app, "/api/42/envelope/", headers, body.clone()).await;
            assert!(matches!(answer.status.as_u16(), 401 | 403), "{dsn} {headers:?}: {} {}", answer.status, answer.body);
        }
    }
    assert_eq!(spooled(&app).await.len(), 0);
}

#[tokio::test]
async fn a_path_that_names_no_project_is_400() {
    let app = app().await;
    for project in ["shop", "-42", "+42", "42x", "9999999999999999999999", "%00", "%ff"] {
        let answer = post(&app, &format!("/api/{project}/envelope/"), &[("x-sentry-auth", AUTH)], ENVELOPE).await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (400, "invalid project id in the address"), "{project}");
    }
}

#[tokio::test]
async fn a_protocol_version_of_the_future_is_400() {
    let app = app().await;
    let auth = AUTH.replace("sentry_version=7", "sentry_version=9");
    assert_eq!(post(&app, "/api/42/envelope/", &[("x-sentry-auth", &auth)], ENVELOPE).await.status, 400);
}

#[tokio::test]
async fn a_new_key_works_at_once_and_a_disabled_one_stops_within_seconds() {
    let app = app().await;
    assert_eq!(send(&app, 42, KEY).await, 200);
    add_project(&app, 43, OTHER_KEY).await;
    assert_eq!(send(&app, 43, OTHER_KEY).await, 200);
    sqlx::query("UPDATE project_keys SET disabled_at = now() WHERE public_key = $1")
        .bind(OTHER_KEY)
        .execute(&app.db)
        .await
        .expect("stored");
    app.clock.advance(Duration::seconds(5));
    assert_eq!(send(&app, 43, OTHER_KEY).await, 403);
    assert_eq!(send(&app, 42, KEY).await, 200);
}

#[tokio::test]
async fn a_new_key_works_while_others_are_guessed_and_the_guesses_are_refused_as_such() {
    let app = Arc::new(app().await);
    let guesses = async |round: u32| {
        let tries = (0..150).map(|n| (app.clone(), format!("{round:016x}{n:016x}")));
        let tries = tries.map(|(app, key)| tokio::spawn(async move { send(&app, 42, &key).await })).collect::<Vec<_>>();
        let mut answers = Vec::new();
        for one in tries {
            answers.push(one.await.expect("it is answered"));
        }
        answers
    };
    assert_eq!(guesses(1).await, [403; 150], "more than are looked up one by one");
    add_project(&app, 44, OTHER_KEY).await;
    assert_eq!(send(&app, 44, OTHER_KEY).await, 200);
}

#[tokio::test]
async fn known_keys_work_while_postgres_is_away() {
    let app = app().await;
    assert_eq!(send(&app, 42, KEY).await, 200);
    app.db.close().await;
    app.clock.advance(Duration::hours(1));
    assert_eq!(send(&app, 42, KEY).await, 200);
    assert_eq!(send(&app, 43, OTHER_KEY).await, 503, "nobody can say whether this key is good");
    assert_eq!(spooled(&app).await.len(), 2);
}

#[tokio::test]
async fn after_a_restart_without_postgres_the_keys_of_the_last_life_work_and_disabled_ones_do_not() {
    let mut app = app().await;
    add_project(&app, 43, OTHER_KEY).await;
    assert_eq!((send(&app, 42, KEY).await, send(&app, 43, OTHER_KEY).await), (200, 200));
    sqlx::query("UPDATE project_keys SET disabled_at = now() WHERE public_key = $1")
        .bind(OTHER_KEY)
        .execute(&app.db)
        .await
        .expect("stored");
    app.clock.advance(Duration::seconds(5));
    assert_eq!(send(&app, 43, OTHER_KEY).await, 403);
    let file = app.data_dir().join("keys");
    eventually("the file to hold one key", async || {
        let text = std::fs::read_to_string(&file).ok()?;
        (text.contains(KEY) && !text.contains(OTHER_KEY)).then_some(())
    })
    .await;
    app.db.close().await;
    app.restart().await;
    assert_eq!(send(&app, 42, KEY).await, 200);
    assert_eq!(send(&app, 43, OTHER_KEY).await, 503, "nobody can say whether this key is good");
    assert_eq!(app.browser().open("/readyz").await.status.as_u16(), 200);
}

async fn send(app: &TestApp, project: i64, key: &str) -> u16 {
    let auth = format!("Sentry sentry_key={key}, sentry_version=7");
    post(app, &format!("/api/{project}/envelope/"), &[("x-sentry-auth", &auth)], ENVELOPE).await.status.as_u16()
}
