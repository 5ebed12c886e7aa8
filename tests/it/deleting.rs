//! Issues that people delete, with or without their future: what goes, what is dropped afterwards, and that every counter stays provable.

use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::AssertSqlSafe;
use time::Duration;

use crate::harness::{Browser, Node, Page, Project, TestApp, attachment, exception};
use crate::keeping_counts::differences;

async fn start() -> (TestApp, Project, Browser) {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    (app, project, browser)
}

/// An error of one function, in a release.
async fn raise(app: &TestApp, project: &Project, function: &str, release: &str) -> String {
    let mut event = exception("ValueError", &format!("no {function}"), function);
    event["user"] = json!({ "id": "7" });
    event["release"] = json!(release);
    event["environment"] = json!("production");
    let id = app.sdk(project).capture(event).await;
    app.settle().await;
    id
}

async fn ids(app: &TestApp) -> Vec<i64> {
    sqlx::query_scalar("SELECT id FROM issues ORDER BY id").fetch_all(&app.db).await.expect("readable")
}

async fn number(app: &TestApp, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&app.db).await.unwrap_or_else(|problem| panic!("{sql}: {problem}"))
}

async fn delete(browser: &Browser, issues: &[i64], future: &str) -> Page {
    let ids: Vec<String> = issues.iter().map(ToString::to_string).collect();
    let mut fields = vec![("future", future), ("next", "/shop-web/issues")];
    fields.extend(ids.iter().map(|id| ("id", id.as_str())));
    browser.submit("/issues/delete", &fields).await
}

/// Events that were dropped on arrival, by the accounting and by the decisions.
async fn dropped(app: &TestApp) -> (i64, i64) {
    let counted = "SELECT coalesce(sum(item_count), 0)::int8 FROM project_outcomes
        WHERE outcome = 'filtered' AND reason = 'discarded' AND category = 'error'";
    (number(app, counted).await, number(app, "SELECT coalesce(sum(dropped_count), 0)::int8 FROM discards").await)
}

/// As `bugle check --counts` does.
async fn assert_proven(app: &TestApp) {
    assert_eq!(differences(app).await, [""; 0]);
}

#[tokio::test]
async fn a_deleted_issue_goes_with_all_it_had_and_comes_anew() {
    let (app, project, browser) = start().await;
    for (function, release) in [("pay", "a"), ("pay", "b"), ("ship", "a")] {
        raise(&app, &project, function, release).await;
    }
    let event = raise(&app, &project, "pay", "b").await;
    app.sdk(&project).envelope(attachment(&event, "pay.log", b"what happened")).await;
    let said = json!({ "event_id": event, "name": "Ann", "email": "ann@shop.example", "comments": "it does not work" });
    app.sdk(&project).envelope(format!("{{}}\n{{\"type\":\"user_report\"}}\n{said}")).await;
    app.settle().await;
    let [pay, ship] = ids(&app).await[..] else { panic!("two issues") };

    let asked = browser.open(&format!("/issues/delete?id={pay}")).await;
    asked.assert_shows("Delete this issue?");
    asked.assert_shows("With 3 events");
    asked.assert_shows("Delete and discard future events");
    assert_eq!(ids(&app).await.len(), 2, "asking deletes nothing");
    let page = delete(&browser, &[pay], "accept").await;
    assert_eq!(page.path, "/shop-web/issues");
    page.assert_shows(&format!("SHOP-{pay} is deleted."));
    assert_proven(&app).await; // while its events are still there
    assert_eq!(browser.open(&format!("/issues/{pay}")).await.status, StatusCode::NOT_FOUND);
    app.settle().await;
    assert_proven(&app).await;
    for table in ["attachments", "attachment_chunks", "feedback", "removals", "discards"] {
        assert_eq!(number(&app, &format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!((ids(&app).await, number(&app, "SELECT count(*) FROM events").await), (vec![ship], 1));
    assert_eq!(number(&app, &format!("SELECT count(*) FROM alerts WHERE issue_id = {pay}")).await, 0);
    assert_eq!(browser.open(&format!("/events/{event}")).await.status, StatusCode::NOT_FOUND);

    raise(&app, &project, "pay", "b").await;
    assert_eq!(ids(&app).await.len(), 2, "the next event founds a new issue");
    assert_proven(&app).await;
}

#[tokio::test]
async fn events_of_a_discarded_issue_are_dropped_and_counted_until_they_are_accepted_again() {
    let (app, project, browser) = start().await;
    for function in ["pay", "ship", "pack"] {
        raise(&app, &project, function, "a").await;
    }
    let [pay, ship, _] = ids(&app).await[..] else { panic!("three issues") };
    let merged = [("do", "merge"), ("id", &pay.to_string()), ("id", &ship.to_string())];
    browser.submit("/issues/bulk", &merged).await.assert_shows("2 issues are one now");
    let one = ids(&app).await[0];
    delete(&browser, &[one], "discard").await.assert_shows("further events are dropped");
    app.advance(Duration::hours(1)).await;
    let mails = app.mails().len();
    for function in ["pay", "ship", "pay", "pack"] {
        raise(&app, &project, function, "a").await;
    }
    assert_eq!(ids(&app).await.len(), 1, "what was merged into it is dropped too");
    assert_eq!(dropped(&app).await, (3, 3));
    app.advance(Duration::hours(1)).await;
    assert_eq!(app.mails().len(), mails, "nobody hears of it");
    assert_eq!(number(&app, "SELECT count(*) FROM event_ids").await, 4, "ids of what is dropped are not kept");
    assert_proven(&app).await;

    let page = browser.open("/shop-web/settings/discards").await;
    page.assert_shows("ValueError: no");
    page.assert_shows(&format!("SHOP-{one}, deleted"));
    page.assert_shows("Accept again");
    browser.open("/shop-web/settings/outcomes").await.assert_shows("discarded");
    let page = browser.submit(&format!("/shop-web/settings/discards/{one}/accept"), &[]).await;
    page.assert_shows("are accepted again");
    page.assert_shows("No issue is discarded");
    raise(&app, &project, "ship", "a").await;
    assert_eq!((ids(&app).await.len(), dropped(&app).await), (2, (3, 0)));
    assert_proven(&app).await;
}

#[tokio::test]
async fn files_of_dropped_events_are_dropped_with_them() {
    let (app, project, browser) = start().await;
    raise(&app, &project, "pay", "a").await;
    delete(&browser, &ids(&app).await, "discard").await;
    let event = raise(&app, &project, "pay", "a").await;
    app.sdk(&project).envelope(attachment(&event, "pay.log", b"sent on its own")).await;
    app.settle().await;
    let counted = "SELECT sum(item_count)::int8 FROM project_outcomes WHERE category = 'attachment' AND outcome = 'filtered'
        AND reason = 'discarded'";
    assert_eq!((number(&app, "SELECT count(*) FROM attachments").await, number(&app, counted).await), (0, 1));
}

#[tokio::test]
async fn a_rule_that_would_lead_events_to_a_discarded_issue_says_so_before_it_is_saved() {
    let (app, project, browser) = start().await;
    let mut noise = exception("Noise", "no pay", "pay");
    noise["fingerprint"] = json!(["noise"]);
    app.sdk(&project).capture(noise).await;
    app.settle().await;
    delete(&browser, &ids(&app).await, "discard").await;
    raise(&app, &project, "ship", "a").await;
    let draft = [("fingerprint", "error.type:ValueError -> noise"), ("stack", ""), ("base", "0"), ("do", "try")];
    let tried = browser.submit("/shop-web/settings/grouping", &draft).await;
    tried.assert_shows("1 event like these would be dropped, because they would belong to a discarded issue.");
}

#[tokio::test]
async fn further_sentences_of_a_discarded_message_are_dropped_where_their_word_varied() {
    let (app, project, browser) = start().await;
    let say = async |name: &str| {
        app.sdk(&project).capture(json!({ "message": format!("could not greet {name} at the door"), "logger": "hall" })).await;
        app.settle().await;
    };
    for name in ["Ann", "Bob", "Cleo", "Dora", "Egon"] {
        say(name).await;
    }
    let known = ids(&app).await;
    assert_eq!(known.len(), 1, "names vary");
    delete(&browser, &known, "discard").await;
    for name in ["Ann", "Fay", "Gus"] {
        say(name).await;
    }
    assert_eq!((ids(&app).await, dropped(&app).await), (vec![], (3, 3)));
    app.sdk(&project).capture(json!({ "message": "could not feed Ann at the door", "logger": "hall" })).await;
    app.settle().await;
    assert_eq!(ids(&app).await.len(), 1, "another sentence is another issue");
}

#[tokio::test]
async fn deleting_while_two_nodes_digest_loses_and_doubles_nothing() {
    let (app, project, browser) = start().await;
    raise(&app, &project, "pay", "a").await;
    let first = ids(&app).await;
    let nodes = [Node::start(&app), Node::start(&app)];
    let digesting = async |node: &Node| {
        for turn in 0..30 {
            node.accept(&project, &exception("ValueError", "x", if turn % 3 == 0 { "ship" } else { "pay" })).await;
            node.digest_all().await;
        }
    };
    let deleting = async {
        tokio::task::yield_now().await;
        delete(&browser, &first, "discard").await
    };
    let (_, _, page) = tokio::join!(digesting(&nodes[0]), digesting(&nodes[1]), deleting);
    assert_eq!(page.status, StatusCode::OK);
    assert_proven(&app).await;
    app.settle().await;
    assert_proven(&app).await;
    let kept = number(&app, "SELECT coalesce(sum(event_count), 0)::int8 FROM issues").await;
    let came = number(&app, "SELECT sum(event_count)::int8 FROM project_hours").await;
    assert_eq!((kept, ids(&app).await.len()), (20, 1), "only the other issue is left");
    assert_eq!(came + dropped(&app).await.0, 61, "each was counted once, as stored before or as dropped after");
    assert_eq!(dropped(&app).await.0, dropped(&app).await.1);
}

#[tokio::test]
async fn many_events_go_in_small_batches_and_retention_may_go_on_meanwhile() {
    let (app, project, browser) = start().await;
    for day in 0..3 {
        for n in 0..5 {
            raise(&app, &project, if n == 0 { "ship" } else { "pay" }, "a").await;
        }
        app.clock.advance(Duration::days(if day == 2 { 0 } else { 1 }));
    }
    let pay = number(&app, "SELECT id FROM issues ORDER BY event_count DESC LIMIT 1").await;
    sqlx::query("UPDATE projects SET retention_days = 1").execute(&app.db).await.expect("changed");
    delete(&browser, &[pay], "accept").await;
    bugle::jobs::retention::run_once(&app.db, &app.clock, 90).await.expect("the job works");
    assert_proven(&app).await;
    app.settle().await;
    assert_proven(&app).await;
    assert_eq!(number(&app, &format!("SELECT count(*) FROM absent_events WHERE issue_id = {pay}")).await, 0);
    assert_eq!(number(&app, "SELECT count(*) FROM removals").await, 0);
}

#[tokio::test]
async fn who_may_not_or_asks_for_too_much_is_refused_in_words() {
    let (app, project, browser) = start().await;
    raise(&app, &project, "pay", "a").await;
    let known = ids(&app).await;
    delete(&browser, &[known[0] + 1], "accept").await.assert_shows("No issue was selected");
    delete(&browser, &(1..=101).collect::<Vec<_>>(), "accept").await.assert_shows("At most 100 issues");
    assert_eq!(delete(&browser, &known, "maybe").await.status, StatusCode::BAD_REQUEST);
    browser.submit("/issues/bulk", &[("do", "delete")]).await.assert_shows("No issue was selected");
    let asked = browser.submit("/issues/bulk", &[("do", "delete"), ("id", &known[0].to_string()), ("next", "/issues?query=pay")]).await;
    asked.assert_shows("Delete this issue?");
    let stranger = app.sign_in(&app.person("eve@shop.example", "member").await).await;
    assert_eq!(delete(&stranger, &known, "discard").await.status, StatusCode::NOT_FOUND, "not even the list is theirs");
    assert_eq!(stranger.open(&format!("/issues/delete?id={}", known[0])).await.status, StatusCode::NOT_FOUND);
    let reader = app.person("vic@shop.example", "viewer").await;
    app.join(&project, &reader).await;
    let reader = app.sign_in(&reader).await;
    assert_eq!(delete(&reader, &known, "discard").await.status, StatusCode::FORBIDDEN);
    assert_eq!(reader.open(&format!("/issues/delete?id={}", known[0])).await.status, StatusCode::FORBIDDEN);
    reader.open(&format!("/issues/{}", known[0])).await.assert_hides("Delete…");
    sqlx::query("UPDATE issues SET kind = 'overflow'").execute(&app.db).await.expect("changed");
    delete(&browser, &known, "discard").await.assert_shows("It can only be deleted");
    assert_eq!(ids(&app).await, known);
}

#[tokio::test]
async fn tools_delete_and_discard_as_they_do_with_sentry() {
    let (app, project, _) = start().await;
    for function in ["pay", "ship", "pack", "post"] {
        raise(&app, &project, function, "a").await;
    }
    let [pay, ship, pack, post] = ids(&app).await[..] else { panic!("four issues") };
    let writing = app.api(&app.token(&app.owner().await, &["event:write"]).await);
    let address = |issue: i64| format!("/api/0/issues/{issue}/");
    assert_eq!(writing.send(writing.request(Method::DELETE, &address(pay))).await.status, StatusCode::FORBIDDEN);
    let api = app.api(&app.token(&app.owner().await, &["event:admin"]).await);
    assert_eq!(api.put(&address(pay), &json!({ "status": "resolved" })).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(api.put(&address(pay), &json!({ "discard": true })).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(&address(pay)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.send(api.request(Method::DELETE, &address(ship))).await.status, StatusCode::ACCEPTED);
    let below = format!("/api/0/organizations/bugle/issues/{pack}/");
    assert_eq!(api.send(api.request(Method::DELETE, &below)).await.status, StatusCode::ACCEPTED);
    let many = format!("/api/0/projects/bugle/shop-web/issues/?id={post}");
    assert_eq!(api.send(api.request(Method::DELETE, &format!("{many}&id=99999"))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ids(&app).await, [post]);
    assert_eq!(api.send(api.request(Method::DELETE, &many)).await.status, StatusCode::NO_CONTENT);
    raise(&app, &project, "pack", "a").await;
    let several = format!("/api/0/projects/bugle/shop-web/issues/?id={}", ids(&app).await[0]);
    assert_eq!(writing.put(&several, &json!({ "discard": true })).await.status, StatusCode::FORBIDDEN);
    assert_eq!(api.put(&several, &json!({ "discard": true })).await.status, StatusCode::NO_CONTENT);
    for function in ["pay", "ship", "pack"] {
        raise(&app, &project, function, "a").await;
    }
    assert_eq!((ids(&app).await.len(), dropped(&app).await), (1, (2, 2)));
}
