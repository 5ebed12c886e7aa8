//! People who want more than they have: invitations and links used late or twice, roles above one's own, accounts that were taken away.

use bugle::config::Config;
use reqwest::{Method, StatusCode};
use time::Duration;

use crate::harness::{OWNER_EMAIL, OWNER_PASSWORD, Page, Setup, TestApp};

/// A password of the right length that nobody has.
const NEW_PASSWORD: &str = "an entirely new password";

/// The one-time path in the last mail to somebody.
async fn link_to(app: &TestApp, recipient: &str) -> String {
    let text: String = sqlx::query_scalar("SELECT text_body FROM mails WHERE recipient = $1 ORDER BY id DESC LIMIT 1")
        .bind(recipient)
        .fetch_one(&app.db)
        .await
        .expect("a mail was queued");
    let link = text.split_whitespace().find(|word| word.contains("/invite/") || word.contains("/reset/")).expect("the mail has a link");
    link.strip_prefix(&app.config.url).expect("a link of ours").to_owned()
}

async fn login(app: &TestApp, email: &str, password: &str) -> StatusCode {
    app.browser().submit("/login", &[("email", email), ("password", password)]).await.status
}

#[tokio::test]
async fn an_open_invitation_is_no_account() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let owner = app.sign_in_owner().await;
    owner.submit("/members/invite", &[("email", "new@shop.example"), ("role", "member"), ("project", "shop-web")]).await;
    for password in ["", NEW_PASSWORD, OWNER_PASSWORD] {
        assert_eq!(login(&app, "new@shop.example", password).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    app.browser().submit("/reset", &[("email", "new@shop.example")]).await;
    app.sdk(&project).raise("ValueError", "x", "pay").await;
    app.settle().await;
    let told: Vec<String> =
        sqlx::query_scalar("SELECT subject FROM mails WHERE recipient = 'new@shop.example'").fetch_all(&app.db).await.expect("mails");
    assert_eq!(told.len(), 1, "only the invitation: {told:?}");
    let links: i64 =
        sqlx::query_scalar("SELECT count(*) FROM one_time_links WHERE purpose = 'reset'").fetch_one(&app.db).await.expect("a count");
    assert_eq!(links, 0, "a reset would outlive the invitation");
}

#[tokio::test]
async fn a_reset_link_ends_after_a_day_with_a_newer_password_and_with_the_account() {
    let app = TestApp::start().await;
    let owner = app.sign_in_owner().await;
    let person = app.person("ann@shop.example", "member").await;
    let ask = async || {
        app.browser().submit("/reset", &[("email", "ann@shop.example")]).await;
        link_to(&app, "ann@shop.example").await
    };
    let refused = async |link: &str| {
        app.browser().submit(link, &[("password", NEW_PASSWORD)]).await.assert_shows("That link was used already, or is too old");
    };
    let late = ask().await;
    app.clock.advance(Duration::hours(24));
    refused(&late).await;

    let first = ask().await;
    let second = ask().await;
    assert_eq!(app.browser().submit(&second, &[("password", "the second long password")]).await.status, StatusCode::OK);
    refused(&first).await;

    let of_disabled = ask().await;
    owner.submit(&format!("/members/{}/disable", person.id), &[]).await;
    refused(&of_disabled).await;
    let before: i64 = sqlx::query_scalar("SELECT count(*) FROM mails").fetch_one(&app.db).await.expect("a count");
    app.browser().submit("/reset", &[("email", "ann@shop.example")]).await;
    let after: i64 = sqlx::query_scalar("SELECT count(*) FROM mails").fetch_one(&app.db).await.expect("a count");
    assert_eq!(before, after, "no mail to a disabled account");
    let invite_as_reset = late.replace("/reset/", "/invite/");
    app.browser().submit(&invite_as_reset, &[("password", NEW_PASSWORD)]).await.assert_shows("That invitation was used already");
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once_everywhere() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let person = app.person("ann@shop.example", "admin").await;
    app.join(&project, &person).await;
    app.sdk(&project).raise("ValueError", "x", "pay").await;
    app.settle().await;
    let mail = app.mails().into_iter().find(|mail| mail.to == ["ann@shop.example"]).expect("they were told");
    let link = mail.text.split_whitespace().find(|word| word.ends_with("/resolve")).expect("a link that acts");
    let link = link.strip_prefix(&app.config.url).expect("a link of ours").to_owned();
    let browser = app.sign_in(&person).await;
    let token = app.token(&person, &["project:read"]).await;
    let owner = app.sign_in_owner().await;
    owner.submit(&format!("/members/{}/disable", person.id), &[]).await;

    assert!(browser.open("/issues").await.path.starts_with("/login"));
    assert_eq!(app.api(&token).get("/api/0/projects/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(login(&app, "ann@shop.example", OWNER_PASSWORD).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.browser().submit(&link, &[]).await.status, StatusCode::NOT_FOUND);
    let open: i64 =
        sqlx::query_scalar("SELECT count(*) FROM issues WHERE status = 'unresolved'").fetch_one(&app.db).await.expect("a count");
    assert_eq!(open, 1);
    owner.submit(&format!("/members/{}/enable", person.id), &[]).await;
    assert!(browser.open("/issues").await.path.starts_with("/login"), "the old session stays dead");
}

#[tokio::test]
async fn a_role_that_was_taken_away_is_gone_with_the_next_request() {
    let app = TestApp::start().await;
    let admin = app.person("admin@shop.example", "admin").await;
    let browser = app.sign_in(&admin).await;
    let page = browser.submit(&format!("/members/{}/role", admin.id), &[("role", "emperor")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    app.sign_in_owner().await.submit(&format!("/members/{}/role", admin.id), &[("role", "viewer")]).await;
    assert_eq!(browser.open("/admin").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.submit(&format!("/members/{}/role", admin.id), &[("role", "admin")]).await.status, StatusCode::FORBIDDEN);
    let role: String =
        sqlx::query_scalar("SELECT role FROM users WHERE id = $1").bind(admin.id).fetch_one(&app.db).await.expect("they are there");
    assert_eq!(role, "viewer");
}

#[tokio::test]
async fn mails_with_one_time_links_are_for_owners_alone() {
    let app = TestApp::start().await;
    app.owner().await;
    app.browser().submit("/reset", &[("email", OWNER_EMAIL)]).await;
    let token = link_to(&app, OWNER_EMAIL).await.replace("/reset/", "");
    let id: i64 = sqlx::query_scalar("SELECT id FROM mails").fetch_one(&app.db).await.expect("a mail");
    let admin = app.person("admin@shop.example", "admin").await;
    let browser = app.sign_in(&admin).await;
    for path in ["/admin/mail".to_owned(), format!("/admin/mail/{id}")] {
        let page = browser.open(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.html.contains(&token), "{path} shows an admin how to become owner");
    }
    let hashes: i64 = sqlx::query_scalar("SELECT count(*) FROM one_time_links WHERE encode(token_hash, 'escape') LIKE '%' || $1 || '%'")
        .bind(&token)
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(hashes, 0, "only the hash is kept");
}

#[tokio::test]
async fn what_was_undone_by_a_removal_cannot_be_undone_by_the_removed() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let member = app.person("mia@shop.example", "member").await;
    app.join(&project, &member).await;
    app.sdk(&project).raise("ValueError", "x", "pay").await;
    app.settle().await;
    let browser = app.sign_in(&member).await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("an issue");
    browser.submit(&format!("/issues/{issue}/resolve"), &[]).await.assert_shows("is resolved");
    let owner = app.sign_in_owner().await;
    owner.submit(&format!("/shop-web/settings/members/{}/remove", member.id), &[]).await;
    let at = app.now().unix_timestamp_nanos() / 1_000;
    browser.submit(&format!("/issues/undo/{at}"), &[]).await;
    let status: String = sqlx::query_scalar("SELECT status FROM issues").fetch_one(&app.db).await.expect("an issue");
    assert_eq!(status, "resolved");
}

#[tokio::test]
async fn long_passwords_are_refused_before_they_cost_anything() {
    let app = TestApp::start().await;
    app.owner().await;
    let long = "p".repeat(200_000);
    assert_eq!(login(&app, OWNER_EMAIL, &long).await, StatusCode::UNPROCESSABLE_ENTITY);
    let browser = app.sign_in_owner().await;
    let page = browser.submit("/account/password", &[("current", OWNER_PASSWORD), ("new", &long)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = browser.submit("/account/password", &[("current", &long), ("new", NEW_PASSWORD)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(login(&app, OWNER_EMAIL, OWNER_PASSWORD).await, StatusCode::OK, "nothing changed");
}

#[tokio::test]
async fn a_stolen_session_does_not_try_passwords_for_ever() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    for _ in 0..5 {
        let page = browser.submit("/account/password", &[("current", "not the password"), ("new", NEW_PASSWORD)]).await;
        page.assert_shows("That is not your current password.");
    }
    let page = browser.submit("/account/password", &[("current", OWNER_PASSWORD), ("new", NEW_PASSWORD)]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    page.assert_shows("Too many tries");
    app.clock.advance(Duration::minutes(16));
    browser
        .submit("/account/password", &[("current", OWNER_PASSWORD), ("new", NEW_PASSWORD)])
        .await
        .assert_shows("Your password is changed");
}

#[tokio::test]
async fn forwarded_headers_of_strangers_change_nothing() {
    let app = TestApp::start().await;
    app.owner().await;
    let browser = app.browser();
    for n in 0..6 {
        let request = browser.request(Method::POST, "/login").header("x-forwarded-for", format!("198.51.100.{n}"));
        let request = request.header("forwarded", format!("for=198.51.100.{n}")).header("x-real-ip", format!("198.51.100.{n}"));
        let page = Page::read(request.form(&[("email", OWNER_EMAIL), ("password", "wrong")]).send().await.expect("an answer")).await;
        let wanted = if n < 5 { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(page.status, wanted, "try {n}");
    }
    let request = browser.request(Method::POST, "/reset").header("x-forwarded-host", "evil.example").header("x-forwarded-proto", "https");
    request.header("host", "evil.example").form(&[("email", OWNER_EMAIL)]).send().await.expect("an answer");
    let text: String = sqlx::query_scalar("SELECT text_body FROM mails").fetch_one(&app.db).await.expect("a mail");
    assert!(!text.contains("evil.example") && text.contains(app.url()));
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let answer = client.get(format!("{}/issues", app.url())).header("host", "evil.example").send().await.expect("an answer");
    let location = answer.headers()["location"].to_str().expect("ASCII");
    assert!(location.starts_with("/login"), "{location}");
}

#[tokio::test]
async fn a_trusted_proxy_vouches_for_its_clients_only() {
    fn trusting(config: &mut Config) {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    }
    let app = TestApp::start_with(Setup { configure: trusting, ..Setup::default() }).await;
    app.owner().await;
    let browser = app.browser();
    let attempt = async |forwarded: &str| {
        let request = browser.request(Method::POST, "/login").header("x-forwarded-for", forwarded);
        request.form(&[("email", OWNER_EMAIL), ("password", "wrong")]).send().await.expect("an answer").status()
    };
    for n in 0..5 {
        // What the client itself wrote stands before what the proxy adds, and is not believed.
        assert_eq!(attempt(&format!("192.0.2.{n}, 198.51.100.7")).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(attempt("192.0.2.99, 198.51.100.7").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(attempt("198.51.100.8").await, StatusCode::UNPROCESSABLE_ENTITY, "another client is not held up");
}
