//! Who may see and change what: projects, members, accounts, the instance.

use reqwest::{Method, StatusCode};
use time::Duration;

use crate::harness::{OWNER_EMAIL, OWNER_PASSWORD, Page, Setup, TestApp};

#[tokio::test]
async fn a_project_one_does_not_belong_to_does_not_exist() {
    let app = TestApp::start().await;
    let (mine, other) = (app.project("shop-web").await, app.project("secret").await);
    let member = app.person("tom@shop.example", "member").await;
    app.join(&mine, &member).await;
    let browser = app.sign_in(&member).await;

    let page = browser.open("/projects").await;
    page.assert_shows("shop-web");
    page.assert_hides("secret");
    for path in ["", "/setup", "/setup/first", "/setup/arrived", "/settings", "/issues", "/alerts"] {
        let theirs = browser.open(&format!("/{}{path}", other.slug)).await;
        let nobodys = browser.open(&format!("/no-such-project{path}")).await;
        assert_eq!((theirs.status, nobodys.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND), "{path}");
        assert_eq!(theirs.html, nobodys.html.replace("no-such-project", "secret"), "{path}");
    }
    for path in ["/setup/test", "/settings", "/settings/keys", "/settings/members"] {
        let page = browser.submit(&format!("/secret{path}"), &[("name", "x"), ("platform", "go"), ("user", "1")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(app.sign_in_owner().await.open("/secret/settings").await.status, StatusCode::OK, "owners see all");
}

#[tokio::test]
async fn members_and_viewers_cannot_administer() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let owner = app.owner().await;
    for role in ["member", "viewer"] {
        let person = app.person(&format!("{role}@shop.example"), role).await;
        app.join(&project, &person).await;
        let browser = app.sign_in(&person).await;
        for path in ["/projects/new", "/admin", "/admin/mail"] {
            assert_eq!(browser.open(path).await.status, StatusCode::FORBIDDEN, "{role} opens {path}");
        }
        let owner = owner.id.to_string();
        let key = format!("/shop-web/settings/keys/{}", project.key);
        let posts: [(String, &[(&str, &str)]); 11] = [
            ("/projects/new".to_owned(), &[("name", "Mine"), ("platform", "go")]),
            ("/shop-web/settings".to_owned(), &[("name", "Mine"), ("platform", "go")]),
            ("/shop-web/settings/keys".to_owned(), &[("label", "x")]),
            (key, &[("to", "off")]),
            ("/shop-web/settings/members".to_owned(), &[("user", &owner)]),
            (format!("/shop-web/settings/members/{owner}/remove"), &[]),
            ("/members/invite".to_owned(), &[("email", "x@shop.example"), ("role", "viewer")]),
            (format!("/members/{owner}/role"), &[("role", "viewer")]),
            (format!("/members/{owner}/disable"), &[]),
            ("/admin/dead-letters/drop".to_owned(), &[]),
            ("/admin/dead-letters/retry".to_owned(), &[]),
        ];
        for (path, fields) in posts {
            let page = browser.submit(&path, fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{role} posts to {path}");
            page.assert_shows("You cannot do this");
        }
    }
    let viewer = app.sign_in(&app.person("viewer@shop.example", "viewer").await).await;
    let page = viewer.submit("/shop-web/setup/test", &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "a viewer sends nothing");
    let (name, off): (String, i64) =
        sqlx::query_as("SELECT name, (SELECT count(*) FROM project_keys WHERE disabled_at IS NOT NULL) FROM projects")
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!((name.as_str(), off), ("shop-web", 0), "nothing has changed");
}

#[tokio::test]
async fn an_invitation_is_mailed_and_leads_into_the_role_and_its_projects_once() {
    let app = TestApp::start().await;
    app.project("shop-web").await;
    app.project("secret").await;
    let owner = app.sign_in_owner().await;
    let fields = [("email", "Sam@Shop.example"), ("role", "member"), ("project", "shop-web")];
    let page = owner.submit("/members/invite", &fields).await;
    page.assert_shows("The invitation is on its way.");
    page.assert_shows("valid until 27 Nov 2026");
    let text: String =
        sqlx::query_scalar("SELECT text_body FROM mails WHERE recipient = 'sam@shop.example'").fetch_one(&app.db).await.unwrap();
    let link = text.lines().find_map(|line| line.strip_prefix(app.url()).filter(|path| path.starts_with("/invite/"))).expect("a link");

    let sam = app.browser();
    sam.open(link).await.assert_shows("You were invited as sam@shop.example.");
    sam.submit(link, &[("name", "Sam"), ("password", "short")]).await.assert_shows("Use 12 characters or more.");
    let page = sam.submit(link, &[("name", "Sam <i>"), ("password", OWNER_PASSWORD)]).await;
    assert_eq!(page.path, "/projects", "{}", page.text());
    page.assert_shows("Welcome to Bugle.");
    page.assert_shows("shop-web");
    page.assert_hides("secret");
    sam.open("/projects").await.assert_hides("Welcome to Bugle.");

    let again = app.browser().submit(link, &[("name", "Eve"), ("password", "eve chooses a password")]).await;
    again.assert_shows("That invitation was used already");
    owner.submit("/members/invite", &fields).await.assert_shows("There is an account or an open invitation for sam@shop.example already.");
}

#[tokio::test]
async fn an_invitation_ends_with_time_withdrawal_or_a_newer_one() {
    let app = TestApp::start().await;
    let owner = app.sign_in_owner().await;
    let invite = async |email: &str| link_of(&owner.submit("/members/invite", &[("email", email), ("role", "viewer")]).await);
    let id_of = async |email: &str| -> i64 {
        sqlx::query_scalar("SELECT id FROM users WHERE email = $1").bind(email).fetch_one(&app.db).await.unwrap()
    };
    let first = invite("a@shop.example").await;
    let second = link_of(&owner.submit(&format!("/members/{}/renew", id_of("a@shop.example").await), &[]).await);
    app.browser().open(&first).await.assert_shows("That invitation was used already, withdrawn, or is too old.");
    app.browser().open(&second).await.assert_shows("Join Bugle");

    let withdrawn = invite("b@shop.example").await;
    owner.submit(&format!("/members/{}/withdraw", id_of("b@shop.example").await), &[]).await.assert_shows("The invitation is withdrawn");
    app.browser().open(&withdrawn).await.assert_shows("That invitation was used already, withdrawn, or is too old.");

    app.clock.advance(Duration::days(7));
    let page = app.browser().submit(&second, &[("name", "A"), ("password", OWNER_PASSWORD)]).await;
    page.assert_shows("That invitation was used already, withdrawn, or is too old.");
    let joined: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE password_hash IS NOT NULL").fetch_one(&app.db).await.unwrap();
    assert_eq!(joined, 1, "the owner alone");
}

#[tokio::test]
async fn nobody_grants_above_their_own_role_and_the_last_owner_stays() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let admin = app.person("admin@shop.example", "admin").await;
    let member = app.person("member@shop.example", "member").await;
    let by_admin = app.sign_in(&admin).await;
    let role =
        async |id: i64| -> String { sqlx::query_scalar("SELECT role FROM users WHERE id = $1").bind(id).fetch_one(&app.db).await.unwrap() };

    for id in [admin.id, member.id, owner.id] {
        let page = by_admin.submit(&format!("/members/{id}/role"), &[("role", "owner")]).await;
        page.assert_shows("You can only change people up to your own role.");
    }
    by_admin
        .submit("/members/invite", &[("email", "x@shop.example"), ("role", "owner")])
        .await
        .assert_shows("You can invite people up to your own role.");
    by_admin.submit(&format!("/members/{}/disable", owner.id), &[]).await.assert_shows("You can only change people up to your own role.");
    assert_eq!((role(admin.id).await, role(member.id).await, role(owner.id).await), ("admin".into(), "member".into(), "owner".into()));

    let by_owner = app.sign_in_owner().await;
    for (path, fields) in [("role", &[("role", "viewer")][..]), ("disable", &[][..])] {
        let page = by_owner.submit(&format!("/members/{}/{path}", owner.id), fields).await;
        page.assert_shows("The last owner cannot be removed.");
    }
    by_owner.submit(&format!("/members/{}/role", admin.id), &[("role", "owner")]).await.assert_shows("The role is Owner now.");
    by_owner.submit(&format!("/members/{}/role", owner.id), &[("role", "viewer")]).await;
    assert_eq!(role(owner.id).await, "viewer", "there is another owner now");
}

#[tokio::test]
async fn somebody_without_access_is_out_at_once() {
    let app = TestApp::start().await;
    app.owner().await;
    let member = app.person("tom@shop.example", "member").await;
    let browser = app.sign_in(&member).await;
    let owner = app.sign_in_owner().await;
    owner.submit(&format!("/members/{}/disable", member.id), &[]).await.assert_shows("They are signed out everywhere");
    assert!(browser.open("/projects").await.path.starts_with("/login"));
    let page = browser.submit("/login", &[("email", "tom@shop.example"), ("password", OWNER_PASSWORD)]).await;
    page.assert_shows("That email and password do not match.");
    owner.submit(&format!("/members/{}/enable", member.id), &[]).await.assert_shows("They can sign in again.");
    app.sign_in(&member).await;
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_every_other_session() {
    let app = TestApp::start().await;
    let (here, there) = (app.sign_in_owner().await, app.sign_in_owner().await);
    let wrong = here.submit("/account/password", &[("current", "not it at all"), ("new", "a new and long password")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.assert_shows("That is not your current password.");
    assert_eq!(there.open("/account").await.path, "/account");

    let done = here.submit("/account/password", &[("current", OWNER_PASSWORD), ("new", "a new and long password")]).await;
    done.assert_shows("Your password is changed");
    assert_eq!(here.open("/account").await.path, "/account");
    assert!(there.open("/account").await.path.starts_with("/login"));
    let old = app.browser().submit("/login", &[("email", OWNER_EMAIL), ("password", OWNER_PASSWORD)]).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_token_is_shown_once_and_only_its_owner_revokes_it() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    let page = browser.submit("/account/tokens", &[("name", "CI"), ("scope", "event:read")]).await;
    page.assert_shows("Copy it now; it is not shown again.");
    let (id, hash): (i64, Vec<u8>) = sqlx::query_as("SELECT id, token_hash FROM api_tokens").fetch_one(&app.db).await.unwrap();
    let token =
        page.html.split("value=\"").find_map(|rest| rest.split('"').next().filter(|text| text.len() == 64)).expect("the token").to_owned();
    assert_eq!(bugle::domain::token::hash(&token)[..], hash[..]);
    assert!(!browser.open("/account").await.html.contains(&token));

    let other = app.sign_in(&app.person("tom@shop.example", "admin").await).await;
    assert_eq!(other.submit(&format!("/account/tokens/{id}/revoke"), &[]).await.status, StatusCode::NOT_FOUND);
    browser.submit(&format!("/account/tokens/{id}/revoke"), &[]).await.assert_shows("The token is revoked.");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM api_tokens").fetch_one(&app.db).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_theme_is_kept_and_sent_with_the_first_byte() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    let page = browser.submit("/account/theme", &[("theme", "dark"), ("next", "/help")]).await;
    assert_eq!(page.path, "/help");
    assert!(page.html.contains("<html lang=\"en\" data-theme=\"dark\">"));
    assert!(browser.open("/no-such-page/x").await.html.contains("data-theme=\"dark\""), "error pages too");
    let page = browser.submit("/account/theme", &[("theme", "\"><script>"), ("next", "//evil.example")]).await;
    assert!(!page.html.contains("data-theme"), "anything else is automatic");
    let elsewhere = app.sign_in_owner().await;
    browser.submit("/account/profile", &[("name", "Maya"), ("theme", "light")]).await.assert_shows("Saved.");
    assert!(!elsewhere.open("/help").await.html.contains("data-theme"), "until the next sign-in");
    assert!(app.sign_in_owner().await.open("/help").await.html.contains("data-theme=\"light\""));
}

#[tokio::test]
async fn names_are_text_everywhere() {
    let app = TestApp::start().await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let browser = app.sign_in_owner().await;
    browser.submit("/account/profile", &[("name", evil), ("theme", "auto")]).await;
    let page = browser.submit("/projects/new", &[("name", evil), ("platform", evil)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let slug = page.path.trim_start_matches('/').trim_end_matches("/setup").to_owned();
    browser.submit(&format!("/{slug}/settings/keys"), &[("label", evil)]).await;
    browser.submit("/account/tokens", &[("name", evil)]).await;
    for path in
        ["/projects".to_owned(), "/members".to_owned(), "/account".to_owned(), format!("/{slug}/settings"), format!("/{slug}/setup")]
    {
        let page = browser.open(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.html.contains("<script>alert") && !page.html.contains("<img"), "{path}: {}", page.html);
        assert!(!page.html.contains("style=\"") && !page.html.contains("onclick="), "{path} holds nothing inline");
    }
}

#[tokio::test]
async fn every_page_carries_the_policy_and_is_never_cached() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    app.project("shop-web").await;
    let stranger = app.browser();
    let pages = [
        browser.open("/projects").await,
        browser.open("/shop-web/setup").await,
        browser.open("/nothing/here/at/all").await,
        browser.open("/shop-web/settings").await,
        stranger.open("/login").await,
        stranger.submit("/login", &[("email", "x"), ("password", "y")]).await,
    ];
    for page in pages {
        let header = |name: &str| page.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';") && !policy.contains("unsafe"),
            "{}",
            page.path
        );
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'") && policy.contains("form-action 'self'"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-store", "{}", page.path);
    }
}

#[tokio::test]
async fn static_files_are_cached_for_a_year_under_the_name_of_their_content() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let page = browser.open("/login").await;
    let css =
        page.html.split("href=\"").find_map(|rest| rest.split('"').next().filter(|path| path.ends_with(".css"))).expect("a style sheet");
    let file = browser.open(css).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(file.headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(browser.open("/static/bugle.000000000000.css").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.open("/static/..%2f..%2fCargo.toml").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_the_database_the_page_says_so_and_names_a_way_on() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    app.db.close().await;
    let page = browser.open("/projects").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    page.assert_shows("Back in a moment");
    page.assert_shows("Reference");
    assert_eq!(page.headers["retry-after"], "10");
    assert!(!page.html.contains("sqlx") && !page.html.contains("connection pool"), "no internal text: {}", page.text());
}

#[tokio::test]
async fn a_key_is_made_turned_off_and_on() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    browser.submit("/shop-web/settings/keys", &[("label", "Load tests")]).await.assert_shows("Load tests");
    let path = format!("/shop-web/settings/keys/{}", project.key);
    browser.submit(&path, &[("to", "off")]).await.assert_shows("The key is off.");
    let off: Vec<String> =
        sqlx::query_scalar("SELECT public_key FROM project_keys WHERE disabled_at IS NOT NULL").fetch_all(&app.db).await.unwrap();
    assert_eq!(off, std::slice::from_ref(&project.key));
    assert!(!browser.open("/shop-web/setup").await.html.contains(&project.key), "the DSN shown is of a key that works");
    browser.submit(&path, &[("to", "on")]).await.assert_shows("The key works again.");
    let other = app.project("other").await;
    let page = browser.submit(&format!("/shop-web/settings/keys/{}", other.key), &[("to", "off")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "a key of another project");
}

#[tokio::test]
async fn one_person_at_a_time_becomes_the_first_owner() {
    let app = TestApp::start_with(Setup { with_mail: false, ..Setup::default() }).await;
    let token = bugle::actions::setup::new_link(&app.db, &app.clock).await.unwrap().unwrap();
    let attempt = async |email: &str| {
        let fields = [("token", token.as_str()), ("name", ""), ("email", email), ("password", OWNER_PASSWORD)];
        app.browser().submit("/setup", &fields).await.status
    };
    let answers = tokio::join!(attempt("a@shop.example"), attempt("b@shop.example"), attempt("c@shop.example"));
    let mut answers = [answers.0.as_u16(), answers.1.as_u16(), answers.2.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [200, 404, 404]);
    let owners: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&app.db).await.unwrap();
    assert_eq!(owners, 1);
}

#[tokio::test]
async fn a_test_event_takes_the_way_of_all_events_and_the_waiting_page_turns_into_it() {
    let app = TestApp::start().await;
    app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    assert_eq!(browser.open("/").await.path, "/shop-web/setup", "an only project that waits");
    assert_eq!(browser.open("/shop-web/setup/arrived").await.status, StatusCode::NO_CONTENT);
    assert_eq!(browser.open("/shop-web/setup/first").await.path, "/shop-web/setup");
    browser.submit("/shop-web/setup/test", &[]).await.assert_shows("A test event is on its way.");
    app.settle().await;
    assert_eq!(browser.open("/shop-web/setup/arrived").await.status, StatusCode::OK);
    let plain = browser.request(Method::GET, "/shop-web/setup/first").send().await.unwrap();
    assert!(plain.url().path().starts_with("/issues/"), "{}", plain.url());
    browser.open("/shop-web/setup").await.assert_shows("Your first event arrived");
}

/// The one-time link the page shows, as a path.
fn link_of(page: &Page) -> String {
    let start = page.html.find("/invite/").unwrap_or_else(|| panic!("no link on {}:\n{}", page.path, page.text()));
    page.html[start..].split('"').next().expect("split yields something").to_owned()
}
