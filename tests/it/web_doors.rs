//! Coming in: setup, signing in and out, forgotten passwords, invitations.

use bugle::actions::setup;
use reqwest::{Method, StatusCode};
use time::Duration;

use crate::harness::{OWNER_EMAIL, OWNER_PASSWORD, Page, TestApp};

const WRONG: [(&str, &str); 2] = [("email", OWNER_EMAIL), ("password", "not the password")];

#[tokio::test]
async fn the_setup_link_leads_to_an_owner_a_project_and_its_dsn() {
    let app = TestApp::start().await;
    let token = setup::new_link(&app.db, &app.clock).await.unwrap().expect("there is no user yet");
    let browser = app.browser();
    browser.open(&format!("/setup?token={token}")).await.assert_shows("Two minutes to your first event");

    let fields = [("token", token.as_str()), ("name", "Maya Lindqvist"), ("email", " Maya@Shop.example "), ("password", OWNER_PASSWORD)];
    let page = browser.submit("/setup", &fields).await;
    assert_eq!(page.path, "/projects/new", "{}", page.text());
    page.assert_shows("Your first project");

    let page = browser.submit("/projects/new", &[("name", "Shop Web"), ("platform", "django")]).await;
    assert_eq!(page.path, "/shop-web/setup", "{}", page.text());
    page.assert_shows("Install and configure Django");
    page.assert_shows("Waiting for your first event");
    let (key, id): (String, i64) = sqlx::query_as("SELECT public_key, project_id FROM project_keys").fetch_one(&app.db).await.unwrap();
    let dsn = bugle::domain::project::dsn(app.url(), &key, id);
    assert!(page.html.contains(&dsn), "the DSN {dsn} is on the page");

    let rules: Vec<String> = sqlx::query_scalar("SELECT kind FROM alert_rules ORDER BY id").fetch_all(&app.db).await.unwrap();
    assert_eq!(rules, ["new", "regressed", "spiking"]);
    let members: i64 = sqlx::query_scalar("SELECT count(*) FROM project_members").fetch_one(&app.db).await.unwrap();
    assert_eq!(members, 1);
}

#[tokio::test]
async fn setup_does_not_exist_without_its_link_or_once_there_is_a_user() {
    let app = TestApp::start().await;
    let first = setup::new_link(&app.db, &app.clock).await.unwrap().unwrap();
    let second = setup::new_link(&app.db, &app.clock).await.unwrap().unwrap();
    let browser = app.browser();
    for path in ["/setup".to_owned(), "/setup?token=guess".to_owned(), format!("/setup?token={first}")] {
        assert_eq!(browser.open(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let fields = |token: &'static str| [("token", token), ("name", "M"), ("email", "m@shop.example"), ("password", OWNER_PASSWORD)];
    assert_eq!(browser.submit("/setup", &fields("guess")).await.status, StatusCode::NOT_FOUND);

    app.owner().await;
    assert_eq!(browser.open(&format!("/setup?token={second}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(setup::new_link(&app.db, &app.clock).await.unwrap(), None);
}

#[tokio::test]
async fn setup_says_what_is_wrong_with_the_form_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    let token = setup::new_link(&app.db, &app.clock).await.unwrap().unwrap();
    let page = app
        .browser()
        .submit("/setup", &[("token", &token), ("name", "Maya <b>"), ("email", "maya@shop.example"), ("password", "short")])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows("Use 12 characters or more.");
    assert!(page.html.contains("value=\"Maya &#60;b&#62;\""), "{}", page.html);
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&app.db).await.unwrap();
    assert_eq!(users, 0);
}

#[tokio::test]
async fn a_session_cookie_is_out_of_reach_for_scripts_and_other_sites() {
    let app = TestApp::start_with(crate::harness::Setup {
        configure: |config| config.url = "https://bugle.example".to_owned(),
        ..Default::default()
    })
    .await;
    app.owner().await;
    let answer = plain(&app, Method::POST, "/login").form(&[("email", OWNER_EMAIL), ("password", OWNER_PASSWORD)]).send().await.unwrap();
    let cookie =
        answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).find(|c| c.starts_with("bugle_session="));
    let cookie = cookie.expect("a session cookie is set");
    for flag in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=2592000"] {
        assert!(cookie.contains(flag), "{flag} in {cookie}");
    }
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT token_hash FROM sessions").fetch_all(&app.db).await.unwrap();
    assert_eq!((kept.len(), kept[0].len()), (1, 32), "the table holds the hash alone");
}

#[tokio::test]
async fn signing_in_leads_to_the_wanted_page_and_never_to_another_site() {
    let app = TestApp::start().await;
    app.owner().await;
    let browser = app.browser();
    let page = browser.open("/help?x=1&y=2").await;
    assert_eq!(page.path, "/login?next=/help%3Fx%3D1%26y%3D2");
    let good = [("email", OWNER_EMAIL), ("password", OWNER_PASSWORD), ("next", "/help?x=1&y=2")];
    assert_eq!(browser.submit("/login", &good).await.path, "/help?x=1&y=2");

    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let form = [("email", OWNER_EMAIL), ("password", OWNER_PASSWORD), ("next", elsewhere)];
        let answer = plain(&app, Method::POST, "/login").form(&form).send().await.unwrap();
        assert_eq!(answer.headers()["location"], "/", "{elsewhere}");
        let answer = app.browser().open(&format!("/login?next={elsewhere}")).await;
        assert!(!answer.html.contains("evil.example") && !answer.html.contains("javascript:"), "{elsewhere}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let app = TestApp::start().await;
    app.owner().await;
    let disabled = app.person("gone@shop.example", "member").await;
    sqlx::query("UPDATE users SET disabled_at = now() WHERE id = $1").bind(disabled.id).execute(&app.db).await.unwrap();

    let known = app.browser().submit("/login", &WRONG).await;
    let unknown = app.browser().submit("/login", &[("email", "nobody@shop.example"), ("password", "not the password")]).await;
    let gone = app.browser().submit("/login", &[("email", "gone@shop.example"), ("password", OWNER_PASSWORD)]).await;
    known.assert_shows("That email and password do not match. 4 tries left.");
    let same = |page: &Page, email: &str| (page.status, page.html.replace(email, ""));
    assert_eq!(same(&known, OWNER_EMAIL), same(&unknown, "nobody@shop.example"));
    assert_eq!(same(&known, OWNER_EMAIL), same(&gone, "gone@shop.example"));
}

#[tokio::test]
async fn after_five_wrong_passwords_one_has_to_wait_even_with_the_right_one() {
    let app = TestApp::start().await;
    app.owner().await;
    let browser = app.browser();
    for left in ["4 tries left", "3 tries left", "2 tries left", "1 try left", "has to wait"] {
        browser.submit("/login", &WRONG).await.assert_shows(left);
    }
    let right = [("email", OWNER_EMAIL), ("password", OWNER_PASSWORD)];
    let page = browser.submit("/login", &right).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    page.assert_shows("Too many tries. Wait 15 min and try again.");

    app.clock.advance(Duration::minutes(16));
    let page = browser.submit("/login", &right).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let counted: i64 =
        sqlx::query_scalar("SELECT count(*) FROM login_failures WHERE subject LIKE 'pair:%'").fetch_one(&app.db).await.unwrap();
    assert_eq!(counted, 0, "who got in starts afresh");
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    browser.open("/help").await.assert_shows("Keyboard and search help");
    let page = browser.submit("/logout", &[]).await;
    assert_eq!(page.path, "/login");
    let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&app.db).await.unwrap();
    assert_eq!(sessions, 0);
    assert!(browser.open("/help").await.path.starts_with("/login"));
}

#[tokio::test]
async fn a_session_lasts_thirty_days_from_its_last_use() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    app.clock.advance(Duration::days(29));
    let page = browser.open("/help").await;
    assert_eq!(page.path, "/help");
    let again = page.headers.get_all("set-cookie").iter().any(|value| value.to_str().unwrap().starts_with("bugle_session="));
    assert!(again, "the cookie lives on like the session");
    app.clock.advance(Duration::days(29));
    assert_eq!(browser.open("/help").await.path, "/help", "used 29 days ago");
    app.clock.advance(Duration::days(31));
    assert_eq!(browser.open("/help").await.path, "/login?next=/help");
}

#[tokio::test]
async fn signing_in_again_ends_the_session_the_browser_had() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    browser.submit("/login", &[("email", OWNER_EMAIL), ("password", OWNER_PASSWORD)]).await;
    let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&app.db).await.unwrap();
    assert_eq!(sessions, 1);
}

#[tokio::test]
async fn forms_from_other_sites_are_refused() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    for path in ["/logout", "/projects/new", "/account/theme"] {
        for (header, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")] {
            let request = browser.request(Method::POST, path).header(header, value).form(&[("name", "x"), ("theme", "dark")]);
            let page = Page::read(request.send().await.unwrap()).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} with {header}: {value}");
            page.assert_shows("This request came from another site");
        }
    }
    assert_eq!(browser.open("/help").await.path, "/help", "still signed in");
}

#[tokio::test]
async fn a_reset_link_works_once_and_signs_out_everywhere() {
    let app = TestApp::start().await;
    let elsewhere = app.sign_in_owner().await;
    let link = bugle::actions::resets::link_for(&app.db, &app.clock, app.url(), OWNER_EMAIL).await.unwrap().expect("a link");
    let path = link.strip_prefix(app.url()).unwrap();

    let browser = app.browser();
    browser.open(path).await.assert_shows("Choose a new password");
    let page = browser.submit(path, &[("password", "too short")]).await;
    page.assert_shows("Use 12 characters or more.");
    let page = browser.submit(path, &[("password", "a new and long password")]).await;
    page.assert_shows("Your password is changed");
    assert!(elsewhere.open("/help").await.path.starts_with("/login"), "the old session is dead");

    let page = app.browser().submit(path, &[("password", "another long password")]).await;
    page.assert_shows("That link was used already, or is too old.");
    let page = app.browser().submit("/login", &[("email", OWNER_EMAIL), ("password", "a new and long password")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
}

#[tokio::test]
async fn asking_for_a_reset_says_the_same_to_everybody_and_mails_only_who_exists() {
    let app = TestApp::start().await;
    app.owner().await;
    let known = app.browser().submit("/reset", &[("email", OWNER_EMAIL)]).await;
    let unknown = app.browser().submit("/reset", &[("email", "nobody@shop.example")]).await;
    known.assert_shows("If this address has an account, a link is on its way.");
    assert_eq!(known.html, unknown.html);
    for _ in 0..5 {
        app.browser().submit("/reset", &[("email", OWNER_EMAIL)]).await;
    }
    let mails: Vec<(String, String)> = sqlx::query_as("SELECT recipient, text_body FROM mails").fetch_all(&app.db).await.unwrap();
    assert_eq!(mails.len(), 3, "at most three an hour");
    assert!(mails.iter().all(|(to, text)| to == OWNER_EMAIL && text.contains(&format!("{}/reset/", app.url()))));
}

#[tokio::test]
async fn links_in_mail_ignore_the_host_header() {
    let app = TestApp::start().await;
    app.owner().await;
    plain(&app, Method::POST, "/reset").header("host", "evil.example").form(&[("email", OWNER_EMAIL)]).send().await.unwrap();
    let text: String = sqlx::query_scalar("SELECT text_body FROM mails").fetch_one(&app.db).await.unwrap();
    assert!(!text.contains("evil.example") && text.contains(app.url()));
}

/// A request that neither follows redirects nor says where it comes from, like a script.
fn plain(app: &TestApp, method: Method, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    client.request(method, format!("{}{path}", app.url()))
}
