//! Projects and issues through the Web API: their shape, searching, and paging to the end.

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Answer, Api, Project, TestApp, exception};

const SCOPES: &[&str] = &["org:read", "project:read", "event:read"];

async fn start() -> (TestApp, Project, Api) {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let api = app.api(&app.token(&app.owner().await, SCOPES).await);
    (app, project, api)
}

/// An event like [`exception`] with more fields.
async fn capture(app: &TestApp, project: &Project, function: &str, more: Value) -> String {
    let mut event = exception("ValueError", &format!("no {function}"), function);
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    let id = app.sdk(project).capture(event).await;
    app.settle().await;
    id
}

fn titles(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    answer.json.as_array().expect("a list").iter().map(|issue| issue["title"].as_str().expect("a title")).collect()
}

/// The cursor of a direction, if that has results.
fn cursor<'a>(answer: &'a Answer, rel: &str) -> Option<&'a str> {
    let link = answer.headers["link"].to_str().expect("ASCII");
    let entry = link.split(", <").find(|entry| entry.contains(&format!("rel=\"{rel}\""))).expect("both directions are there");
    entry.contains("results=\"true\"").then(|| entry.split("cursor=\"").nth(1).expect("a cursor").trim_end_matches('"'))
}

#[tokio::test]
async fn organizations_projects_and_keys_have_what_sentry_cli_needs() {
    let (app, project, api) = start().await;
    let organizations = api.get("/api/0/organizations/?cursor=").await;
    for field in ["id", "slug", "name", "dateCreated", "isEarlyAdopter", "require2FA"] {
        assert!(!organizations.json[0][field].is_null(), "{field}");
    }
    assert_eq!((organizations.json[0]["slug"].as_str(), cursor(&organizations, "next")), (Some("bugle"), None));

    let projects = api.get("/api/0/organizations/bugle/projects/?cursor=").await;
    assert_eq!(projects.json[0]["id"], project.id.to_string());
    assert_eq!((projects.json[0]["slug"].as_str(), projects.json[0]["platform"].as_str()), (Some("shop-web"), Some("django")));
    assert_eq!(projects.json[0]["firstEvent"], Value::Null);
    capture(&app, &project, "pay", json!({})).await;
    for name in ["shop-web", &project.id.to_string()] {
        let shown = api.get(&format!("/api/0/projects/bugle/{name}/")).await.json;
        assert_eq!(shown["firstEvent"], "2026-11-20T12:00:00.000000Z");
    }

    let keys = api.get("/api/0/projects/bugle/shop-web/keys/").await.json;
    assert_eq!(keys[0]["dsn"]["public"], project.dsn);
    assert_eq!((keys[0]["public"].as_str(), keys[0]["isActive"].as_bool()), (Some(project.key.as_str()), Some(true)));
}

#[tokio::test]
async fn an_issue_has_sentrys_fields_and_exact_counts() {
    let (app, project, api) = start().await;
    let more = |user: &str| json!({ "release": "shop@3.2.0", "environment": "production", "user": { "id": user } });
    capture(&app, &project, "pay", more("1")).await;
    app.clock.advance(Duration::minutes(5));
    capture(&app, &project, "pay", more("2")).await;
    capture(&app, &project, "pay", more("2")).await;

    let list = api.get("/api/0/projects/bugle/shop-web/issues/").await;
    let issue = &list.json[0];
    assert_eq!((list.json.as_array().map(Vec::len), issue["count"].as_str(), issue["userCount"].as_i64()), (Some(1), Some("3"), Some(2)));
    assert_eq!(
        (issue["firstSeen"].as_str(), issue["lastSeen"].as_str()),
        (Some("2026-11-20T12:00:00.000000Z"), Some("2026-11-20T12:05:00.000000Z"))
    );
    assert_eq!(
        (issue["status"].as_str(), issue["substatus"].as_str(), issue["level"].as_str()),
        (Some("unresolved"), Some("new"), Some("error"))
    );
    assert_eq!(issue["metadata"], json!({ "type": "ValueError", "value": "no pay", "filename": "shop/views.py", "function": "pay" }));
    assert_eq!(issue["project"]["slug"], "shop-web");
    assert_eq!(issue["stats"]["24h"].as_array().and_then(|points| points.last()).map(|point| point[1].clone()), Some(json!(3)));
    let id = issue["id"].as_str().expect("ids are strings");
    assert_eq!(
        (issue["shortId"].clone(), issue["permalink"].clone()),
        (json!(format!("SHOP-{id}")), json!(format!("{}/issues/{id}", app.url())))
    );

    for address in [format!("issues/{id}/"), format!("organizations/bugle/issues/{id}/"), format!("issues/SHOP-{id}/")] {
        let shown = api.get(&format!("/api/0/{address}")).await.json;
        assert_eq!((shown["id"].as_str(), shown["firstRelease"]["version"].as_str()), (Some(id), Some("shop@3.2.0")), "{address}");
    }
    let resolved = api.get(&format!("/api/0/organizations/bugle/shortids/shop-{id}/")).await.json;
    assert_eq!(
        (resolved["groupId"].as_str(), resolved["group"]["id"].as_str(), resolved["projectSlug"].as_str()),
        (Some(id), Some(id), Some("shop-web"))
    );
}

#[tokio::test]
async fn lists_are_searched_as_in_the_browser() {
    let (app, project, api) = start().await;
    capture(&app, &project, "pay", json!({ "environment": "production", "release": "1.0" })).await;
    app.clock.advance(Duration::hours(30));
    capture(&app, &project, "ship", json!({ "environment": "staging", "level": "warning" })).await;
    capture(&app, &project, "refund", json!({ "environment": "production", "release": "2.0" })).await;
    sqlx::query("UPDATE issues SET status = 'resolved' WHERE value = 'no refund'").execute(&app.db).await.unwrap();

    for (query, expected) in [
        ("", vec!["ValueError: no ship", "ValueError: no pay"]),
        ("query=", vec!["ValueError: no refund", "ValueError: no ship", "ValueError: no pay"]),
        ("query=is:resolved", vec!["ValueError: no refund"]),
        ("query=is:unresolved+level:warning", vec!["ValueError: no ship"]),
        ("query=refund", vec!["ValueError: no refund"]),
        ("query=environment:production", vec!["ValueError: no refund", "ValueError: no pay"]),
        ("query=&environment=production&environment=staging", vec!["ValueError: no refund", "ValueError: no ship", "ValueError: no pay"]),
        ("query=&environment=staging", vec!["ValueError: no ship"]),
        ("query=&release=1.0", vec!["ValueError: no pay"]),
        ("query=release:2.0", vec!["ValueError: no refund"]),
        ("query=&statsPeriod=24h", vec!["ValueError: no refund", "ValueError: no ship"]),
        ("query=&sort=new&limit=1", vec!["ValueError: no refund"]),
        ("query=nothing-like-it", vec![]),
    ] {
        for list in ["projects/bugle/shop-web/issues/", "organizations/bugle/issues/"] {
            assert_eq!(titles(&api.get(&format!("/api/0/{list}?{query}")).await), expected, "{list}?{query}");
        }
    }
}

#[tokio::test]
async fn paging_visits_every_issue_once_ends_and_leads_back() {
    let (app, project, api) = start().await;
    let functions = ["a", "b", "c", "d", "e"];
    for function in functions {
        capture(&app, &project, function, json!({})).await;
        app.clock.advance(Duration::SECOND);
    }
    let first = api.get("/api/0/projects/bugle/shop-web/issues/?query=&per_page=2&cursor=").await;
    assert_eq!((cursor(&first, "previous"), first.headers["x-hits"].to_str().ok()), (None, Some("5")));
    let link = first.headers["link"].to_str().expect("ASCII");
    let address = format!("<{}/api/0/projects/bugle/shop-web/issues/?query=&per_page=2&cursor=", app.url());
    assert!(link.starts_with(&address) && link.matches(&address).count() == 2, "{link}");

    let mut seen: Vec<String> = titles(&first).into_iter().map(str::to_owned).collect();
    let mut page = first;
    let mut pages = 1;
    while let Some(next) = cursor(&page, "next") {
        page = api.get(&format!("/api/0/projects/bugle/shop-web/issues/?query=&per_page=2&cursor={next}")).await;
        seen.extend(titles(&page).into_iter().map(str::to_owned));
        pages += 1;
        assert!(pages <= 3, "paging does not end");
    }
    assert_eq!((pages, seen), (3, functions.iter().rev().map(|function| format!("ValueError: no {function}")).collect()));

    let back = cursor(&page, "previous").expect("the last page has one before it");
    let before = api.get(&format!("/api/0/projects/bugle/shop-web/issues/?query=&per_page=2&cursor={back}")).await;
    assert_eq!(titles(&before), ["ValueError: no c", "ValueError: no b"]);
    let at_start = api.get("/api/0/projects/bugle/shop-web/issues/?query=&per_page=2&cursor=0:0:1").await;
    assert_eq!(titles(&at_start), ["ValueError: no e", "ValueError: no d"]);
}

#[tokio::test]
async fn a_project_without_issues_is_an_empty_list() {
    let (_app, _, api) = start().await;
    let answer = api.get("/api/0/projects/bugle/shop-web/issues/").await;
    assert_eq!((titles(&answer), cursor(&answer, "next"), cursor(&answer, "previous")), (vec![], None, None));
    let stranger = api.get("/api/0/projects/bugle/shop-web/events/").await;
    assert_eq!(stranger.json, json!([]));
}
