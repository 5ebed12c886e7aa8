//! Issues that people make one: from the list, from the page and through the Web API; and what is true afterwards.

use reqwest::StatusCode;
use serde_json::json;
use time::Duration;

use crate::harness::{Browser, Node, Page, Project, TestApp, disagreements, exception};

async fn start() -> (TestApp, Project, Browser) {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    (app, project, browser)
}

/// An error of one function, by one user, in one release.
async fn raise(app: &TestApp, project: &Project, function: &str, user: &str, release: &str) {
    let mut event = exception("ValueError", &format!("no {function}"), function);
    event["user"] = json!({ "id": user });
    event["release"] = json!(release);
    event["environment"] = json!("production");
    event["tags"] = json!({ "shop": function, "tier": "gold" });
    app.sdk(project).capture(event).await;
    app.settle().await;
}

async fn ids(app: &TestApp) -> Vec<i64> {
    sqlx::query_scalar("SELECT id FROM issues ORDER BY id").fetch_all(&app.db).await.expect("readable")
}

/// Everything that is counted of an issue, as text, by counter and key.
async fn counted(app: &TestApp, issue: i64) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT format('all %s %s', event_count, user_count) FROM issues WHERE id = $1 \
         UNION ALL SELECT format('hour %s %s %s', hour, event_count, clean_count) FROM issue_hours WHERE issue_id = $1 \
         UNION ALL SELECT format('minute %s %s', minute, clean_count) FROM issue_minutes WHERE issue_id = $1 \
         UNION ALL SELECT format('environment %s %s', environment, event_count) FROM issue_environments WHERE issue_id = $1 \
         UNION ALL SELECT format('release %s %s', release, event_count) FROM issue_releases WHERE issue_id = $1 \
         UNION ALL SELECT format('tag %s=%s %s', key, value, event_count) FROM issue_tags WHERE issue_id = $1 \
         UNION ALL SELECT format('person %s', encode(person, 'hex')) FROM issue_people WHERE issue_id = $1 \
         ORDER BY 1",
    )
    .bind(issue)
    .fetch_all(&app.db)
    .await
    .expect("readable")
}

async fn assert_counts_agree(app: &TestApp) {
    let mut connection = app.db.acquire().await.expect("a connection");
    assert_eq!(disagreements(&mut connection).await, [""; 0]);
}

async fn merge(browser: &Browser, issues: &[i64]) -> Page {
    let ids: Vec<String> = issues.iter().map(ToString::to_string).collect();
    let mut fields = vec![("do", "merge"), ("next", "/shop-web/issues")];
    fields.extend(ids.iter().map(|id| ("id", id.as_str())));
    browser.submit("/issues/bulk", &fields).await
}

#[tokio::test]
async fn merged_issues_count_what_one_would_and_stay_one() {
    let (app, project, browser) = start().await;
    for (function, user, release) in [("pay", "1", "a"), ("pay", "2", "a"), ("ship", "2", "b"), ("ship", "3", "b"), ("pay", "1", "b")] {
        raise(&app, &project, function, user, release).await;
        app.clock.advance(Duration::minutes(20));
    }
    let before = ids(&app).await;
    let [pay, ship] = before[..] else { panic!("two issues: {before:?}") };
    let page = merge(&browser, &[pay, ship]).await;
    assert_eq!(page.path, format!("/issues/{pay}"), "the one with more events goes on");
    page.assert_shows("2 issues are one now");
    page.assert_shows(&format!("merged SHOP-{ship} ValueError: no ship into this"));
    let all = counted(&app, pay).await;
    assert!(all.contains(&"all 5 3".to_owned()), "{all:?}");
    for counter in ["environment production 5", "release a 2", "release b 3", "tag shop=pay 3", "tag shop=ship 2", "tag tier=gold 5"] {
        assert!(all.iter().any(|one| one == counter), "{counter} in {all:?}");
    }
    assert_counts_agree(&app).await;
    raise(&app, &project, "ship", "4", "b").await;
    assert_eq!(ids(&app).await, [pay], "what comes later belongs to it too");
    assert!(counted(&app, pay).await.contains(&"all 6 4".to_owned()));
    assert_eq!(browser.open(&format!("/issues/{ship}")).await.path, format!("/issues/{pay}"), "the old address leads there");
    assert_counts_agree(&app).await;
}

#[tokio::test]
async fn an_issue_is_merged_with_another_by_its_short_id() {
    let (app, project, browser) = start().await;
    raise(&app, &project, "pay", "1", "a").await;
    raise(&app, &project, "ship", "1", "a").await;
    let before = ids(&app).await;
    let path = format!("/issues/{}/merge", before[1]);
    browser.submit(&path, &[("with", "SHOP-999999")]).await.assert_shows("There is no issue with this id.");
    browser.submit(&path, &[("with", &before[1].to_string())]).await.assert_shows("That is this issue already.");
    let page = browser.submit(&path, &[("with", &format!(" shop-{} ", before[0]))]).await;
    assert_eq!(page.path, format!("/issues/{}", before[0]), "of equals, the older goes on");
    assert_eq!(ids(&app).await, [before[0]]);
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_in_words() {
    let (app, project, browser) = start().await;
    let other = app.project("other").await;
    raise(&app, &project, "pay", "1", "a").await;
    raise(&app, &other, "pay", "1", "a").await;
    let both = ids(&app).await;
    merge(&browser, &both[..1]).await.assert_shows("Choose two or more issues");
    merge(&browser, &both).await.assert_shows("Only issues of the same project");
    let many: Vec<i64> = (1..=101).collect();
    merge(&browser, &many).await.assert_shows("At most 100 issues");
    let reader = app.person("vic@shop.example", "viewer").await;
    app.join(&project, &reader).await;
    assert_eq!(merge(&app.sign_in(&reader).await, &both).await.status, StatusCode::FORBIDDEN);
    let stranger = app.person("eve@shop.example", "member").await;
    merge(&app.sign_in(&stranger).await, &both).await.assert_shows("Choose two or more issues");
    assert_eq!(ids(&app).await, both);
}

#[tokio::test]
async fn tools_merge_as_they_do_with_sentry() {
    let (app, project, _) = start().await;
    for function in ["pay", "ship", "ship"] {
        raise(&app, &project, function, "1", "a").await;
    }
    let before = ids(&app).await;
    let path = format!("/api/0/projects/bugle/shop-web/issues/?id={}&id={}", before[0], before[1]);
    let reading = app.api(&app.token(&app.owner().await, &["event:read"]).await);
    assert_eq!(reading.put(&path, &json!({ "merge": 1 })).await.status, StatusCode::FORBIDDEN);
    let api = app.api(&app.token(&app.owner().await, &["event:read", "event:write"]).await);
    assert_eq!(api.put(&path, &json!({ "status": "resolved" })).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(api.put(&format!("{path}&id=99999"), &json!({ "merge": 1 })).await.status, StatusCode::NOT_FOUND);
    let answer = api.put(&path, &json!({ "merge": 1 })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    assert_eq!(answer.json, json!({ "merge": { "parent": before[1].to_string(), "children": [before[0].to_string()] } }));
    assert_eq!(ids(&app).await, [before[1]]);
}

#[tokio::test]
async fn nobody_is_mailed_about_an_issue_that_was_merged_before() {
    let (app, project, browser) = start().await;
    raise(&app, &project, "pay", "1", "a").await;
    app.advance(Duration::hours(2)).await;
    let mail_count = app.mails().len();
    // Decided and not folded into a mail yet.
    let node = Node::start(&app);
    node.accept(&project, &exception("ValueError", "no ship", "ship")).await;
    node.digest_all().await;
    let states =
        || async { sqlx::query_scalar::<_, String>("SELECT state FROM alerts ORDER BY id").fetch_all(&app.db).await.expect("readable") };
    if states().await.last().map(String::as_str) != Some("pending") {
        panic!("the alert is pending: {:?}", states().await);
    }
    merge(&browser, &ids(&app).await).await;
    app.advance(Duration::hours(1)).await;
    assert!(app.mails()[mail_count..].iter().all(|mail| !mail.text.contains("no ship")), "{:?}", states().await);
}

#[tokio::test]
async fn merging_while_events_come_loses_none() {
    let (app, project, browser) = start().await;
    raise(&app, &project, "pay", "1", "a").await;
    raise(&app, &project, "ship", "1", "a").await;
    let both = ids(&app).await;
    let node = Node::start(&app);
    let digesting = async {
        for turn in 0..40 {
            node.accept(&project, &exception("ValueError", "x", if turn % 2 == 0 { "pay" } else { "ship" })).await;
            node.digest_all().await;
        }
    };
    let merging = async {
        tokio::task::yield_now().await;
        merge(&browser, &both).await
    };
    let ((), page) = tokio::join!(digesting, merging);
    assert_eq!(page.status, StatusCode::OK);
    let total: i64 = sqlx::query_scalar("SELECT sum(event_count)::int8 FROM issues").fetch_one(&app.db).await.expect("a sum");
    assert_eq!((total, ids(&app).await.len()), (42, 1));
    assert_counts_agree(&app).await;
}
