//! Who may read what through the Web API, and how it refuses.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Project, TestApp};

const ALL: &[&str] = &["org:read", "project:read", "event:read"];

/// An installation with one issue in each of two projects; the ids of the issues and of their events.
async fn two_projects(app: &TestApp) -> [(Project, String, String); 2] {
    let mut found = Vec::new();
    for slug in ["shop-web", "billing"] {
        let project = app.project(slug).await;
        let event = app.sdk(&project).raise("ValueError", slug, "pay").await;
        app.settle().await;
        let issue: i64 =
            sqlx::query_scalar("SELECT id FROM issues WHERE project_id = $1").bind(project.id).fetch_one(&app.db).await.expect("one issue");
        found.push((project, issue.to_string(), event));
    }
    found.try_into().expect("two projects")
}

#[tokio::test]
async fn missing_wrong_and_revoked_tokens_are_refused_alike() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let token = app.token(&owner, ALL).await;
    assert_eq!(app.api(&token).get("/api/0/organizations/").await.status, StatusCode::OK);
    sqlx::query("DELETE FROM api_tokens").execute(&app.db).await.unwrap();

    let bare = reqwest::Client::new().get(format!("{}/api/0/organizations/", app.url()));
    let answers = [
        app.api(&token).get("/api/0/organizations/").await,
        app.api("nonsense").get("/api/0/organizations/").await,
        app.api("").send(bare).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.json, json!({ "detail": "Invalid token" }));
        assert_eq!(answer.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn a_disabled_persons_token_stops_working_and_a_browsers_session_is_no_token() {
    let app = TestApp::start().await;
    let person = app.person("ann@shop.example", "admin").await;
    let token = app.token(&person, ALL).await;
    sqlx::query("UPDATE users SET disabled_at = now() WHERE id = $1").bind(person.id).execute(&app.db).await.unwrap();
    assert_eq!(app.api(&token).get("/api/0/projects/").await.status, StatusCode::UNAUTHORIZED);

    let browser = app.sign_in_owner().await;
    assert_eq!(browser.open("/api/0/projects/").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_address_asks_for_its_scope() {
    let app = TestApp::start().await;
    let [(_, issue, event), _] = two_projects(&app).await;
    let owner = app.owner().await;
    let addresses = [
        ("org:read", "organizations/".to_owned()),
        ("org:read", "organizations/bugle/".to_owned()),
        ("project:read", "projects/".to_owned()),
        ("project:read", "organizations/bugle/projects/".to_owned()),
        ("project:read", "projects/bugle/shop-web/".to_owned()),
        ("project:read", "projects/bugle/shop-web/keys/".to_owned()),
        ("event:read", "projects/bugle/shop-web/issues/".to_owned()),
        ("event:read", "projects/bugle/shop-web/events/".to_owned()),
        ("event:read", format!("projects/bugle/shop-web/events/{event}/")),
        ("event:read", "organizations/bugle/issues/".to_owned()),
        ("event:read", format!("organizations/bugle/issues/{issue}/")),
        ("event:read", format!("organizations/bugle/issues/{issue}/events/")),
        ("event:read", format!("organizations/bugle/issues/{issue}/events/latest/")),
        ("event:read", format!("issues/{issue}/")),
        ("event:read", format!("issues/{issue}/events/")),
        ("event:read", format!("issues/{issue}/events/oldest/")),
        ("event:read", format!("organizations/bugle/eventids/{event}/")),
        ("event:read", format!("organizations/bugle/shortids/SHOP-{issue}/")),
    ];
    for (scope, address) in addresses {
        let granted = app.api(&app.token(&owner, &[scope]).await);
        let others: Vec<&str> = ALL.iter().copied().filter(|other| *other != scope).collect();
        let refused = app.api(&app.token(&owner, &others).await);
        for address in [format!("/api/0/{address}"), format!("/api/0/{}", address.trim_end_matches('/'))] {
            assert_eq!(granted.get(&address).await.status, StatusCode::OK, "{address}");
            let answer = refused.get(&address).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{address}");
            assert_eq!(answer.json["detail"], "You do not have permission to perform this action.");
        }
    }
}

#[tokio::test]
async fn members_see_their_projects_and_nothing_of_the_others() {
    let app = TestApp::start().await;
    let [(shop, shop_issue, shop_event), (_, billing_issue, billing_event)] = two_projects(&app).await;
    let member = app.person("ann@shop.example", "member").await;
    app.join(&shop, &member).await;
    let api = app.api(&app.token(&member, ALL).await);
    let slugs = |list: &Value| list.as_array().expect("a list").iter().map(|item| item["slug"].clone()).collect::<Vec<_>>();

    assert_eq!(slugs(&api.get("/api/0/projects/").await.json), ["shop-web"]);
    assert_eq!(slugs(&api.get("/api/0/organizations/bugle/").await.json["projects"]), ["shop-web"]);
    let issues = api.get("/api/0/organizations/bugle/issues/?query=").await;
    assert_eq!(issues.json.as_array().map(Vec::len), Some(1));
    assert_eq!((issues.json[0]["id"].as_str(), issues.headers["x-hits"].to_str().ok()), (Some(shop_issue.as_str()), Some("1")));
    assert_eq!(api.get(&format!("/api/0/organizations/bugle/eventids/{shop_event}/")).await.status, StatusCode::OK);

    for address in [
        "projects/bugle/billing/".to_owned(),
        "projects/bugle/billing/keys/".to_owned(),
        "projects/bugle/billing/issues/".to_owned(),
        "projects/bugle/billing/events/".to_owned(),
        format!("projects/bugle/billing/events/{billing_event}/"),
        format!("projects/bugle/shop-web/events/{billing_event}/"),
        "organizations/bugle/issues/?project=billing".to_owned(),
        format!("organizations/bugle/issues/{billing_issue}/"),
        format!("issues/{billing_issue}/"),
        format!("issues/{billing_issue}/events/"),
        format!("issues/{billing_issue}/events/latest/"),
        format!("issues/{shop_issue}/events/{billing_event}/"),
        format!("organizations/bugle/eventids/{billing_event}/"),
        format!("organizations/bugle/shortids/BILLING-{billing_issue}/"),
    ] {
        let answer = api.get(&format!("/api/0/{address}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
        assert_eq!(answer.json, json!({ "detail": "The requested resource does not exist" }));
    }

    let admin = app.person("admin@shop.example", "admin").await;
    let seen = app.api(&app.token(&admin, ALL).await).get("/api/0/projects/").await;
    assert_eq!(slugs(&seen.json), ["billing", "shop-web"]);
    assert_eq!(seen.json[0]["isMember"], false);
}

#[tokio::test]
async fn what_does_not_exist_is_json_too() {
    let app = TestApp::start().await;
    app.project("shop-web").await;
    let api = app.api(&app.token(&app.owner().await, ALL).await);
    for address in [
        "nothing/",
        "organizations/acme/",
        "projects/acme/shop-web/",
        "projects/bugle/nothing/",
        "projects/bugle/99/",
        "projects/bugle/%00/",
        "issues/0/",
        "issues/x/",
        "issues/99999999999999999999/",
        "issues/SHOP-1/",
        "projects/bugle/shop-web/events/zzz/",
        "organizations/bugle/shortids/7/",
        "organizations/bugle/eventids/9ec79c33ec9942ab8353589fcb2e04dc/",
    ] {
        let answer = api.get(&format!("/api/0/{address}")).await;
        assert_eq!(
            (answer.status, answer.headers["content-type"].to_str().ok()),
            (StatusCode::NOT_FOUND, Some("application/json")),
            "{address}"
        );
    }
    let answer = api.send(api.request(Method::PUT, "/api/0/organizations/bugle/")).await;
    assert_eq!((answer.status, answer.json["detail"].as_str()), (StatusCode::METHOD_NOT_ALLOWED, Some("Method \"PUT\" not allowed.")));
    for query in ["cursor=x", "cursor=1:2", "per_page=0", "per_page=x", "statsPeriod=1y", "query=level:wrong"] {
        let answer = api.get(&format!("/api/0/organizations/bugle/issues/?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.json["detail"].is_string(), "{query}");
    }
}

#[tokio::test]
async fn the_root_says_whose_token_it_is() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let answer = app.api(&app.token(&owner, ALL).await).get("/api/0/").await;
    assert_eq!(answer.json["version"], "0");
    assert_eq!(answer.json["auth"]["scopes"], json!(ALL));
    assert_eq!(
        (answer.json["user"]["id"].as_str(), answer.json["user"]["email"].as_str()),
        (Some(owner.id.to_string().as_str()), Some(owner.email.as_str()))
    );

    let anonymous = reqwest::Client::new().get(format!("{}/api/0/", app.url()));
    let answer = app.api("").send(anonymous).await;
    assert_eq!((answer.status, answer.json), (StatusCode::OK, json!({ "version": "0", "auth": null, "user": null })));
    assert_eq!(app.api("wrong").get("/api/0/").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_made_token_works_is_noted_and_can_be_revoked() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let user = bugle::domain::ids::UserId(owner.id);
    let token = bugle::actions::tokens::create(&app.db, &app.clock, user, "deploy", &[]).await.expect("a token");
    assert!(token.len() == 64 && token.chars().all(|c| c.is_ascii_hexdigit()));

    let read = |api: crate::harness::Api| async move { api.get("/api/0/projects/").await.status };
    assert_eq!(read(app.api(&token)).await, StatusCode::OK);
    assert_eq!(read(app.api(&format!("sntryu_{token}"))).await, StatusCode::OK);
    let used = bugle::store::tokens::list(&app.db, user).await.unwrap();
    assert_eq!((used.len(), used[0].last_used_at), (1, Some(app.now())));

    let first_use = app.now();
    app.clock.advance(Duration::MINUTE);
    read(app.api(&token)).await;
    assert_eq!(bugle::store::tokens::list(&app.db, user).await.unwrap()[0].last_used_at, Some(first_use), "a minute later is not noted");
    app.clock.advance(Duration::HOUR);
    read(app.api(&token)).await;
    assert_eq!(bugle::store::tokens::list(&app.db, user).await.unwrap()[0].last_used_at, Some(app.now()));

    assert!(bugle::actions::tokens::revoke(&app.db, user, used[0].id).await.unwrap());
    assert!(!bugle::actions::tokens::revoke(&app.db, user, used[0].id).await.unwrap());
    assert_eq!(read(app.api(&token)).await, StatusCode::UNAUTHORIZED);
}
