//! Issues that people make one: from the list, from the page and through the Web API; and what is true afterwards.

use reqwest::StatusCode;
use serde_json::json;
use time::Duration;

use crate::harness::{Browser, Node, Page, Project, TestApp, disagreements, exception};
use crate::keeping_counts::differences;

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
    assert_proven(app).await;
}

/// As `bugle check --counts` does.
async fn assert_proven(app: &TestApp) {
    let found = differences(app).await;
    assert!(found.is_empty(), "{found:?}");
}

async fn merge(browser: &Browser, issues: &[i64]) -> Page {
    let ids: Vec<String> = issues.iter().map(ToString::to_string).collect();
    let mut fields = vec![("do", "merge"), ("next", "/issues")];
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

/// The fingerprints that lead to an issue and come from another.
async fn hashes(app: &TestApp, issue: i64, origin: Option<i64>) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT encode(hash, 'hex') FROM issue_hashes WHERE issue_id = $1 AND ($2::int8 IS NULL OR origin_id = $2) ORDER BY 1",
    )
    .bind(issue)
    .bind(origin)
    .fetch_all(&app.db)
    .await
    .expect("readable")
}

async fn split(browser: &Browser, issue: i64, hashes: &[String]) -> Page {
    let fields: Vec<(&str, &str)> = hashes.iter().map(|hash| ("hash", hash.as_str())).collect();
    browser.submit(&format!("/issues/{issue}/split"), &fields).await
}

#[tokio::test]
async fn what_was_merged_is_given_back_as_it_was() {
    let (app, project, browser) = start().await;
    for (function, user, release) in [("pay", "1", "a"), ("pay", "2", "a"), ("ship", "2", "b"), ("ship", "3", "b"), ("pay", "1", "b")] {
        raise(&app, &project, function, user, release).await;
        app.clock.advance(Duration::minutes(20));
    }
    let before = ids(&app).await;
    let (pay, ship) = (before[0], before[1]);
    let counts = (counted(&app, pay).await, counted(&app, ship).await);
    merge(&browser, &[pay, ship]).await;
    let page = browser.open(&format!("/issues/{pay}/merged")).await;
    page.assert_shows(&format!("SHOP-{ship}"));
    page.assert_shows("merged by hand");
    let page = split(&browser, pay, &hashes(&app, pay, Some(ship)).await).await;
    assert_eq!(page.path, format!("/issues/{ship}"));
    page.assert_shows(&format!("Split off SHOP-{pay}: SHOP-{ship}."));
    assert_eq!((counted(&app, pay).await, counted(&app, ship).await), counts);
    assert_counts_agree(&app).await;
    let pinned: bool = sqlx::query_scalar("SELECT bool_and(pinned) FROM issue_hashes WHERE issue_id = $1")
        .bind(ship)
        .fetch_one(&app.db)
        .await
        .expect("readable");
    assert!(pinned, "nothing automatic merges it again");
    raise(&app, &project, "ship", "9", "c").await;
    assert!(counted(&app, ship).await.contains(&"all 3 3".to_owned()), "what comes later belongs to it");
    assert_counts_agree(&app).await;
}

#[tokio::test]
async fn what_came_since_the_merge_goes_with_its_fingerprint() {
    let (app, project, browser) = start().await;
    let twin = TestApp::start().await;
    let other = twin.project("shop-web").await;
    let [first, second] =
        [[("pay", "1", "a"), ("pay", "2", "a"), ("ship", "2", "b")], [("ship", "4", "b"), ("pay", "5", "c"), ("ship", "1", "c")]];
    for (function, user, release) in first {
        raise(&app, &project, function, user, release).await;
        raise(&twin, &other, function, user, release).await;
        app.clock.advance(Duration::minutes(7));
        twin.clock.advance(Duration::minutes(7));
    }
    let both = ids(&app).await;
    merge(&browser, &both).await;
    for (function, user, release) in second {
        app.clock.advance(Duration::minutes(7));
        twin.clock.advance(Duration::minutes(7));
        raise(&app, &project, function, user, release).await;
        raise(&twin, &other, function, user, release).await;
    }
    split(&browser, both[0], &hashes(&app, both[0], Some(both[1])).await).await;
    let apart = ids(&twin).await;
    for place in [0, 1] {
        assert_eq!(counted(&app, both[place]).await, counted(&twin, apart[place]).await, "as if they had never been merged");
    }
    assert_counts_agree(&app).await;
}

#[tokio::test]
async fn a_fingerprint_that_was_never_merged_becomes_an_issue_of_its_own() {
    let (app, project, browser) = start().await;
    for function in ["pay", "pay", "ship", "send"] {
        raise(&app, &project, function, function, "a").await;
        app.clock.advance(Duration::minutes(1));
    }
    let before = ids(&app).await;
    merge(&browser, &before[..2]).await;
    merge(&browser, &[before[0], before[2]]).await;
    assert_eq!(ids(&app).await, [before[0]], "a survivor is merged again");
    assert_counts_agree(&app).await;
    split(&browser, before[0], &hashes(&app, before[0], None).await).await.assert_shows("Something has to stay");
    split(&browser, before[0], &[]).await.assert_shows("Choose what to split off");
    let own: Vec<String> =
        sqlx::query_scalar("SELECT encode(hash, 'hex') FROM issue_hashes WHERE origin_id IS NULL").fetch_all(&app.db).await.expect("own");
    split(&browser, before[0], &own).await;
    let after = ids(&app).await;
    assert_eq!(after.len(), 2);
    assert!(counted(&app, after[1]).await.contains(&"all 2 1".to_owned()), "{:?}", counted(&app, after[1]).await);
    assert!(counted(&app, after[0]).await.contains(&"all 2 2".to_owned()), "{:?}", counted(&app, after[0]).await);
    assert_counts_agree(&app).await;
}

#[tokio::test]
async fn a_survivor_that_is_given_back_keeps_what_was_merged_into_it() {
    let (app, project, browser) = start().await;
    for function in ["pay", "pay", "pay", "pay", "ship", "ship", "send"] {
        raise(&app, &project, function, "1", "a").await;
        app.clock.advance(Duration::minutes(1));
    }
    let before = ids(&app).await;
    let (pay, ship, send) = (before[0], before[1], before[2]);
    merge(&browser, &[ship, send]).await;
    app.clock.advance(Duration::minutes(1));
    merge(&browser, &[pay, ship]).await;
    let all = [hashes(&app, pay, Some(ship)).await, hashes(&app, pay, Some(send)).await].concat();
    split(&browser, pay, &all).await;
    assert_eq!(ids(&app).await, [pay, ship]);
    assert!(counted(&app, ship).await.contains(&"all 3 1".to_owned()));
    assert_eq!(browser.open(&format!("/issues/{send}")).await.path, format!("/issues/{ship}"));
    split(&browser, ship, &hashes(&app, ship, Some(send)).await).await;
    assert_eq!(ids(&app).await, before);
    assert_counts_agree(&app).await;
}

#[tokio::test]
async fn events_that_are_no_longer_kept_are_given_back_as_numbers() {
    let (app, project, browser) = start().await;
    for function in ["pay", "pay", "ship", "ship"] {
        raise(&app, &project, function, "1", "a").await;
    }
    let both = ids(&app).await;
    merge(&browser, &both).await;
    app.clock.advance(Duration::days(40));
    bugle::jobs::partitions::run_once(&app.db, &app.clock, 30).await.expect("old days are dropped");
    raise(&app, &project, "ship", "2", "b").await;
    let browser = app.sign_in_owner().await; // the session has ended meanwhile
    split(&browser, both[0], &hashes(&app, both[0], Some(both[1])).await).await;
    assert!(counted(&app, both[1]).await.contains(&"all 3 2".to_owned()), "{:?}", counted(&app, both[1]).await);
    assert_proven(&app).await;
}

#[tokio::test]
async fn tools_list_fingerprints_and_split_them_off() {
    let (app, project, browser) = start().await;
    for function in ["pay", "pay", "ship"] {
        raise(&app, &project, function, "1", "a").await;
    }
    let both = ids(&app).await;
    merge(&browser, &both).await;
    let path = format!("/api/0/issues/{}/hashes/", both[0]);
    let api = app.api(&app.token(&app.owner().await, &["event:write"]).await);
    let listed = api.get(&path).await;
    let known: Vec<&str> = listed.json.as_array().expect("a list").iter().map(|hash| hash["id"].as_str().expect("an id")).collect();
    let gone = hashes(&app, both[0], Some(both[1])).await;
    assert!(gone.iter().all(|hash| known.contains(&hash.as_str())) && known.len() > gone.len());
    let query: Vec<String> = gone.iter().map(|hash| format!("id={hash}")).collect();
    let answer = api.send(api.request(reqwest::Method::DELETE, &format!("{path}?{}", query.join("&")))).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json);
    assert_eq!(ids(&app).await, both);
}
