//! Sessions of applications: each counts once, as the worst it became, whatever the order and however often it is sent.

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::harness::{Project, TestApp, fixture};

/// Total, errored, unhandled, abnormal, crashed.
async fn counts(app: &TestApp) -> [i64; 5] {
    let sql =
        "SELECT coalesce(sum(session_count), 0)::int8, coalesce(sum(errored_count), 0)::int8, coalesce(sum(unhandled_count), 0)::int8,
        coalesce(sum(abnormal_count), 0)::int8, coalesce(sum(crashed_count), 0)::int8 FROM app_session_hours";
    let row: (i64, i64, i64, i64, i64) = sqlx::query_as(sql).fetch_one(&app.db).await.expect("the query works");
    [row.0, row.1, row.2, row.3, row.4]
}

async fn outcomes(app: &TestApp) -> Vec<(String, String, i64)> {
    let sql = "SELECT outcome, reason, sum(item_count)::int8 FROM project_outcomes WHERE category = 'session' GROUP BY 1, 2 ORDER BY 1, 2";
    sqlx::query_as(sql).fetch_all(&app.db).await.expect("the query works")
}

fn update(app: &TestApp, id: Uuid, init: bool, status: &str, more: Value) -> Value {
    let started = app.now().format(&Rfc3339).expect("a time");
    let mut session = json!({ "sid": id.to_string(), "init": init, "started": started, "status": status, "errors": 0,
                              "attrs": { "release": "shop@1", "environment": "production" } });
    session.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    session
}

async fn send(app: &TestApp, project: &Project, kind: &str, items: &[Value]) {
    let items: String = items.iter().map(|item| format!("{{\"type\":\"{kind}\"}}\n{item}\n")).collect();
    let sent = app.sdk(project).envelope(format!("{{}}\n{items}").into_bytes()).await;
    assert_eq!(sent.status, StatusCode::OK);
}

#[tokio::test]
async fn captured_sessions_of_all_sdks_count_once_each() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let names = [
        "js-browser-11.12.0-error.session",
        "js-browser-11.12.0-error.session-2",
        "js-node-11.11.0-session.session",
        "js-node-11.11.0-session.session-2",
        "js-node-11.11.0-session.session-3",
        "js-node-11.11.0-uncaught.session",
        "python-2.75.0-shutdown-basic.session",
        "python-2.75.0-sessions-aggregates.sessions",
        "python-1.5.12-shutdown-basic.sessions",
        "rust-0.49.5-session.session",
    ];
    for name in names {
        app.sdk(&project).envelope(fixture(name)).await;
    }
    app.settle().await;
    // Six of their own, five and eight in sums.
    assert_eq!(counts(&app).await, [19, 3, 1, 0, 8]);
    assert_eq!(outcomes(&app).await, [("stored".to_owned(), String::new(), 10)]);
    let releases: Vec<String> =
        sqlx::query_scalar("SELECT version FROM releases ORDER BY version").fetch_all(&app.db).await.expect("releases");
    assert_eq!(releases, ["shop-front@3.2.0", "shop-web@5.0.1", "shop-worker@0.9.2", "shop@1.4.0", "shop@2.3.1+b7"]);
}

#[tokio::test]
async fn a_session_is_the_worst_it_became_in_whatever_order_its_updates_arrive() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    for order in orders {
        for together in [true, false] {
            let id = Uuid::new_v4();
            let updates = [
                update(&app, id, true, "ok", json!({})),
                update(&app, id, false, "ok", json!({ "errors": 2 })),
                update(&app, id, false, "crashed", json!({ "errors": 3 })),
            ];
            for place in order {
                send(&app, &project, "session", &[updates[place].clone()]).await;
                if !together {
                    app.settle().await;
                }
            }
        }
    }
    app.settle().await;
    assert_eq!(counts(&app).await, [12, 0, 0, 0, 12]);
    app.clock.advance(Duration::days(7));
    bugle::jobs::trim::run_once(&app.db, &app.clock, 90).await.expect("it trims");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM app_sessions").fetch_one(&app.db).await.expect("a number");
    assert_eq!(left, 0, "nobody updates them any more");
    assert_eq!(counts(&app).await[0], 12, "the hours stay");
}

#[tokio::test]
async fn what_is_old_or_without_a_release_or_too_much_is_counted_as_such() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let at = |days: i64| (app.now() - Duration::days(days)).format(&Rfc3339).expect("a time");
    send(&app, &project, "session", &[update(&app, Uuid::new_v4(), true, "ok", json!({ "started": at(6) }))]).await;
    send(&app, &project, "session", &[update(&app, Uuid::new_v4(), true, "ok", json!({ "started": at(-3) }))]).await;
    send(&app, &project, "session", &[update(&app, Uuid::new_v4(), true, "ok", json!({ "attrs": {} })), json!("odd"), json!([])]).await;
    let many: Vec<Value> = (0..130).map(|_| update(&app, Uuid::new_v4(), true, "exited", json!({}))).collect();
    send(&app, &project, "session", &many).await;
    let buckets = vec![json!({ "started": at(0), "exited": 1 }); 130];
    send(&app, &project, "sessions", &[json!({ "attrs": { "release": "shop@1" }, "aggregates": buckets })]).await;
    app.settle().await;
    let expected = [
        ("invalid", "no_release", 1),
        ("invalid", "too_many", 31),
        ("invalid", "too_old", 1),
        ("invalid", "unreadable", 2),
        ("stored", "", 101),
    ];
    assert_eq!(outcomes(&app).await, expected.map(|(outcome, reason, count)| (outcome.to_owned(), reason.to_owned(), count)));
    assert_eq!(counts(&app).await[0], 201);
    let ahead: i64 = sqlx::query_scalar("SELECT count(*) FROM app_session_hours WHERE hour > $1")
        .bind(app.now())
        .fetch_one(&app.db)
        .await
        .expect("a number");
    assert_eq!(ahead, 0, "a clock that is ahead counts now");
}

#[tokio::test]
async fn the_web_api_and_the_page_tell_how_they_went() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    for n in 0..8 {
        let status = if n == 0 { "crashed" } else { "exited" };
        let session =
            update(&app, Uuid::new_v4(), true, status, json!({ "did": format!("person-{}", n % 4), "errors": i32::from(n == 1) }));
        send(&app, &project, "session", &[session]).await;
    }
    app.settle().await;
    let owner = app.owner().await;
    let api = app.api(&app.token(&owner, &["org:read", "project:read", "event:read"]).await);
    let fields = "field=sum(session)&field=count_unique(user)&field=crash_free_rate(session)&field=crash_free_rate(user)";
    let answer = api.get(&format!("/api/0/organizations/bugle/sessions/?{fields}&groupBy=release&statsPeriod=24h&interval=1h")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    assert_eq!(answer.json["intervals"].as_array().map(Vec::len), Some(24));
    let group = &answer.json["groups"][0];
    assert_eq!(group["by"], json!({ "release": "shop@1" }));
    let expected = json!({ "sum(session)": 8, "count_unique(user)": 4, "crash_free_rate(session)": 0.875, "crash_free_rate(user)": 0.75 });
    assert_eq!(group["totals"], expected);
    assert_eq!(group["series"]["sum(session)"].as_array().and_then(|series| series.last()), Some(&json!(8)));
    assert_eq!(group["series"]["crash_free_rate(session)"][0], Value::Null);
    let by_status = api.get("/api/0/organizations/bugle/sessions/?field=sum(session)&groupBy=session.status&interval=1d").await;
    let sums: Vec<_> =
        by_status.json["groups"].as_array().expect("groups").iter().map(|group| group["totals"]["sum(session)"].clone()).collect();
    assert_eq!(sums, [6, 1, 0, 0, 1].map(|count| json!(count)));
    for bad in ["field=p95(x)", "field=sum(session)&interval=1m", "field=sum(session)&statsPeriod=400d", "field=sum(session)&groupBy=x"] {
        let answer = api.get(&format!("/api/0/organizations/bugle/sessions/?{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let stranger = app.person("eve@shop.example", "member").await;
    let foreign = app.api(&app.token(&stranger, &["org:read"]).await);
    assert_eq!(foreign.get("/api/0/organizations/bugle/sessions/?field=sum(session)").await.json["groups"], json!([]));
    let page = app.sign_in_owner().await.open("/shop/settings/outcomes").await;
    page.assert_shows("87.50 %");
    page.assert_shows("did not crash");
}
