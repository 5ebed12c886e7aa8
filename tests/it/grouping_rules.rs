//! Rules of a project: written on a page, tried on what is stored, and in force for the next event.

use bugle::domain::ids::ProjectId;
use bugle::store;
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Browser, Page, Project, TestApp, exception};

const PATH: &str = "/shop/settings/grouping";

async fn save(browser: &Browser, base: i64, fingerprint: &str, stack: &str) -> Page {
    let base = base.to_string();
    browser.submit(PATH, &[("base", &base), ("fingerprint", fingerprint), ("stack", stack), ("do", "save")]).await
}

async fn rehearse(browser: &Browser, fingerprint: &str, stack: &str) -> Page {
    browser.submit(PATH, &[("base", "0"), ("fingerprint", fingerprint), ("stack", stack), ("do", "try")]).await
}

/// Title and events of each issue, in the order in which they were found.
async fn issues(app: &TestApp) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT CASE WHEN type = '' THEN value ELSE type END, event_count FROM issues ORDER BY id")
        .fetch_all(&app.db)
        .await
        .expect("the issues are readable")
}

async fn send(app: &TestApp, project: &Project, event: Value) -> String {
    let id = app.sdk(project).capture(event).await;
    app.settle().await;
    id
}

/// Saved rules hold once every node has looked for them.
async fn wait(app: &TestApp) {
    app.clock.advance(Duration::seconds(3));
}

fn counted(title: &str, count: i64) -> (String, i64) {
    (title.to_owned(), count)
}

#[tokio::test]
async fn saved_rules_decide_where_the_next_event_goes() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    send(&app, &project, exception("ReadTimeout", "read timed out", "load")).await;
    let saved = save(&browser, 0, "error.type:*Timeout -> timeouts title=\"Timeouts of {{ stack.module }}\"\n", "").await;
    saved.assert_shows("Saved. It holds for new events within seconds");
    wait(&app).await;
    send(&app, &project, exception("ReadTimeout", "read timed out", "load")).await;
    send(&app, &project, exception("ConnectTimeout", "no answer", "connect")).await;
    let mut ruled_by_client = exception("WriteTimeout", "x", "write");
    ruled_by_client["fingerprint"] = json!(["mine"]);
    send(&app, &project, ruled_by_client).await;
    assert_eq!(issues(&app).await, [counted("ReadTimeout", 1), counted("Timeouts of shop.views", 3)]);
    save(&browser, 1, "", "").await;
    wait(&app).await;
    send(&app, &project, exception("ReadTimeout", "read timed out", "load")).await;
    assert_eq!(issues(&app).await, [counted("ReadTimeout", 2), counted("Timeouts of shop.views", 3)], "without rules all is as before");
}

#[tokio::test]
async fn stack_trace_rules_change_which_frames_count() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    let entered = |function: &str| {
        let mut event = exception("KeyError", "'x'", "pay");
        let frames = &mut event["exception"]["values"][0]["stacktrace"]["frames"];
        let entry = json!({ "function": function, "module": format!("shop.routes.{function}"), "in_app": true, "context_line": "go()" });
        frames.as_array_mut().expect("a list").insert(0, entry);
        event
    };
    send(&app, &project, entered("web")).await;
    send(&app, &project, entered("queue")).await;
    assert_eq!(issues(&app).await, [counted("KeyError", 1), counted("KeyError", 1)]);
    rehearse(&browser, "", "module:shop.routes.* -group").await.assert_shows("2 issues would go to SHOP-");
    save(&browser, 0, "", "module:shop.routes.* -group").await;
    wait(&app).await;
    for entry in ["web", "queue", "web"] {
        send(&app, &project, entered(entry)).await;
    }
    assert_eq!(issues(&app).await, [counted("KeyError", 4), counted("KeyError", 1)], "they come together in the one that is found first");
    let id = send(&app, &project, entered("cron")).await;
    assert_eq!(issues(&app).await[0], counted("KeyError", 5));
    let (_, issue) =
        store::event_reads::locate(&app.db, bugle::domain::event_id::EventId::parse(&id).expect("an id")).await.expect("readable")[0];
    let why = browser.open(&format!("/issues/{issue}/events/{id}/why")).await;
    why.assert_shows("Stack trace rule on line 1: it does not take part.");
    why.assert_shows("all of it");
    why.assert_shows("Decided");
}

#[tokio::test]
async fn trying_tells_what_would_join_and_part_and_changes_nothing() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    browser.open(PATH).await.assert_shows("No rules yet");
    rehearse(&browser, "type:X -> x", "").await.assert_shows("No events are stored yet");
    for (kind, transaction) in [("ReadTimeout", "/a"), ("ConnectTimeout", "/a"), ("KeyError", "/a"), ("KeyError", "/b"), ("KeyError", "/b")]
    {
        let mut event = exception(kind, "x", "view");
        event["transaction"] = json!(transaction);
        send(&app, &project, event).await;
    }
    let before = issues(&app).await;
    let page = rehearse(
        &browser,
        "type:*Timeout -> timeouts\ntype:Nothing -> x\ntype:KeyError -> {{ default }}, {{ transaction }}",
        "module:shop.* +app",
    )
    .await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows("Tried on the last 5 events");
    page.assert_shows("5 events like these would go to another issue");
    page.assert_shows("2 issues would go to one new issue:");
    page.assert_shows("would part into 2 issues, for example:");
    page.assert_shows("no event");
    assert!(page.shows("3 events") && page.shows("2 events"), "{}", page.text());
    assert_eq!(issues(&app).await, before);
    assert!(store::grouping_rules::versions(&app.db, ProjectId(project.id)).await.expect("readable").is_empty());
}

#[tokio::test]
async fn lines_that_cannot_be_understood_are_shown_and_not_saved() {
    let app = TestApp::start().await;
    app.project("shop").await;
    let browser = app.sign_in_owner().await;
    let page = save(&browser, 0, "error.type:X -> x\nerror.typ:Y -> y", "function:a -app\nfunction:b").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows("There is nothing called “error.typ” to look at.");
    page.assert_shows("Expected: error.type, perhaps.");
    page.assert_shows("Nothing is done with the frames that match.");
    page.assert_shows("No rules yet");
    assert!(page.html.contains("function:a -app\nfunction:b</textarea>"), "what was typed is still there: {}", page.html);
}

#[tokio::test]
async fn every_version_is_kept_with_who_saved_it_and_can_be_taken_up_again() {
    let app = TestApp::start().await;
    app.project("shop").await;
    let browser = app.sign_in_owner().await;
    assert_eq!(save(&browser, 0, "type:A -> a", "").await.status, StatusCode::OK);
    assert_eq!(save(&browser, 1, "type:B -> b", "").await.status, StatusCode::OK);
    let late = save(&browser, 1, "type:C -> c", "").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.assert_shows("somebody else saved other rules meanwhile");
    let page = browser.open(&format!("{PATH}?version=1")).await;
    page.assert_shows("This is version 1 again");
    assert!(page.html.contains("type:A"), "{}", page.html);
    assert_eq!(save(&browser, 2, "type:A -> a", "").await.status, StatusCode::OK);
    let saved = browser.open(PATH).await;
    saved.assert_shows("by ");
    assert!(saved.html.contains("type:A") && !saved.html.contains("type:B"));
    assert_eq!(save(&browser, 3, "type:A -> a", "").await.status, StatusCode::OK, "the same again is no new version");
    assert_eq!(saved.texts_in("tbody").len(), 1);
    assert_eq!(browser.open(&format!("{PATH}?version=77")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_of_an_event_leads_to_rules_that_are_tried_before_they_are_saved() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    let mut event = exception("KeyError", "'sku'", "view");
    event["transaction"] = json!("/basket");
    let id = send(&app, &project, event).await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("one issue");
    let address = format!("/issues/{issue}/events/{id}/why");
    assert!(browser.open(&format!("/issues/{issue}")).await.links().contains(&address));
    let why = browser.open(&address).await;
    why.assert_shows("Its type and the frames below count; its text does not.");
    let links = why.links();
    let split = links.iter().find(|link| link.contains("add=") && link.contains("transaction")).expect("a way to split");
    let editor = browser.open(split.split('#').next().expect("an address")).await;
    editor.assert_shows("A rule is added, and tried below. Nothing is saved yet.");
    editor.assert_shows("1 event like these would go to another issue");
    let leave_out = links.iter().find(|link| link.contains("add_stack=")).expect("a way to leave a frame out");
    browser.open(leave_out.split('#').next().expect("an address")).await.assert_shows("Tried on the last 1 event");
    let reader = app.person("reader@example.org", "member").await;
    app.join(&project, &reader).await;
    let theirs = app.sign_in(&reader).await;
    theirs.open(&address).await.assert_hides("Split this issue by");
    theirs.open(PATH).await.assert_shows("Owners and admins of this instance can change these rules.");
    assert_eq!(rehearse(&theirs, "type:X -> x", "").await.status, StatusCode::FORBIDDEN);
}
