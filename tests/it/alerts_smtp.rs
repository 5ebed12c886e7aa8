//! Mail servers as they are: they ask who we are, send away for a while, hang up half-way.

use time::Duration;

use crate::harness::{Login, Mood, TestApp};

const SECRET: &str = "correct-horse-7";

/// Restarts with this mail URL.
async fn use_url(app: &mut TestApp, url: String) {
    app.config.mail.smtp_url = Some(url);
    app.restart().await;
}

async fn raise(app: &TestApp) {
    let project = app.project("shop").await;
    app.sdk(&project).raise("PaymentError", "refused", "charge").await;
    app.settle().await;
}

async fn mail(app: &TestApp) -> (String, String, i32) {
    sqlx::query_as("SELECT state, last_error, attempt_count FROM mails").fetch_one(&app.db).await.expect("one mail")
}

#[tokio::test]
async fn a_mail_server_that_asks_who_we_are_is_told_in_the_way_it_knows() {
    for mechanism in ["PLAIN", "LOGIN"] {
        let mut app = TestApp::start().await;
        app.mail_server().ask_for(Login { mechanism, credentials: ("bugle", SECRET) });
        let url = app.mail_server().url_as("bugle", SECRET);
        use_url(&mut app, url).await;
        raise(&app).await;
        assert_eq!(app.mails().len(), 1, "{mechanism}: {:?}", mail(&app).await);
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_clearly_never_shown_and_the_mail_leaves_once_it_is_right() {
    let mut app = TestApp::start().await;
    app.mail_server().ask_for(Login { mechanism: "PLAIN", credentials: ("bugle", "another") });
    let url = app.mail_server().url_as("bugle", SECRET);
    use_url(&mut app, url).await;
    raise(&app).await;
    let (state, error, _) = mail(&app).await;
    assert_eq!(state, "queued", "{error}");
    assert!(error.contains("does not accept the user name or password of BUGLE_SMTP_URL"), "{error}");
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("\0bugle\0{SECRET}"));
    let page = app.sign_in_owner().await.open("/admin/mail").await;
    page.assert_shows("does not accept the user name or password");
    for secret in [SECRET, encoded.as_str()] {
        assert!(!error.contains(secret) && !page.html.contains(secret), "{error}");
    }
    let url = app.mail_server().url_as("bugle", "another");
    use_url(&mut app, url).await;
    app.live_through(Duration::minutes(3)).await;
    assert_eq!((app.mails().len(), mail(&app).await.0.as_str()), (1, "sent"));
}

#[tokio::test]
async fn a_server_without_the_encryption_that_is_required_gets_no_mail_and_the_reason_is_clear() {
    let mut app = TestApp::start().await;
    let url = format!("{}?tls=required", app.mail_server().url());
    use_url(&mut app, url).await;
    raise(&app).await;
    let (state, error, _) = mail(&app).await;
    assert!(app.mails().is_empty());
    assert_eq!(state, "queued", "a setting can be put right: {error}");
    assert!(error.contains("offers no encryption (STARTTLS)"), "{error}");
}

#[tokio::test]
async fn a_server_that_offers_no_way_to_sign_in_is_named_as_the_reason() {
    let mut app = TestApp::start().await;
    let url = app.mail_server().url_as("bugle", SECRET);
    use_url(&mut app, url).await;
    raise(&app).await;
    let (state, error, _) = mail(&app).await;
    assert_eq!(state, "queued");
    assert!(error.contains("no way to sign in"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_up_before_answering_gets_the_same_message_id_again() {
    let app = TestApp::start().await;
    app.mail_server().set_mood(Mood::HangsUpAfterData);
    raise(&app).await;
    assert_eq!((app.mails().len(), mail(&app).await.0.as_str()), (1, "queued"));
    app.mail_server().set_mood(Mood::Open);
    app.live_through(Duration::minutes(3)).await;
    let mails = app.mails();
    assert_eq!((mails.len(), mail(&app).await.0.as_str()), (2, "sent"));
    assert_eq!(mails[0].header("message-id"), mails[1].header("message-id"), "mail programs show it once");
    assert_eq!(mails[0].header("date"), mails[1].header("date"));
}

#[tokio::test]
async fn a_server_that_sends_away_for_a_while_is_tried_again_later() {
    let app = TestApp::start().await;
    app.mail_server().set_mood(Mood::Greylists);
    raise(&app).await;
    let (state, error, _) = mail(&app).await;
    assert_eq!(state, "queued");
    assert!(error.contains("450"), "{error}");
    app.mail_server().set_mood(Mood::Open);
    app.live_through(Duration::minutes(3)).await;
    let (state, error, tries) = mail(&app).await;
    assert_eq!((state.as_str(), error.as_str(), tries), ("sent", "", 2));
}

#[tokio::test]
async fn a_mail_program_mutes_with_one_click_without_cookies() {
    let app = TestApp::start().await;
    raise(&app).await;
    let mail = &app.mails()[0];
    assert_eq!(mail.header("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
    let url = mail.header("list-unsubscribe").trim_matches(['<', '>']).to_owned();
    let path = url.strip_prefix(&app.config.url).expect("a link of ours");
    for _ in 0..2 {
        let request = app.browser().request(reqwest::Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body("List-Unsubscribe=One-Click").send().await.expect("the server answers");
        assert_eq!(answer.status().as_u16(), 200);
    }
    let muted: i64 = sqlx::query_scalar("SELECT count(*) FROM issue_mutes").fetch_one(&app.db).await.expect("mutes");
    assert_eq!(muted, 1);
    app.advance(Duration::days(15)).await;
    let page = app.browser().open(path).await;
    assert_eq!(page.status.as_u16(), 403);
    page.assert_shows("It has expired");
}
