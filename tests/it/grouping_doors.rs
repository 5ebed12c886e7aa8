//! One bug, one issue: from the SDK's request to the rows of the database.

use serde_json::{Value, json};

use crate::harness::{Project, TestApp};

/// A failing view of a Django shop, with what deployments and requests change.
struct Raised<'a> {
    order: u32,
    line: u32,
    release: &'a str,
    root: &'a str,
    statement: &'a str,
}

const USUAL: Raised<'_> = Raised { order: 17, line: 42, release: "1.0", root: "/app", statement: "charge(order, amount)" };

fn event(raised: &Raised<'_>) -> Value {
    let Raised { order, line, release, root, statement } = raised;
    json!({
        "platform": "python", "level": "error", "release": release, "transaction": format!("/orders/{order}/pay/"),
        "exception": { "values": [{
            "type": "PaymentError", "value": format!("order {order} of ann{order}@example.org was declined"),
            "stacktrace": { "frames": [
                { "function": "inner", "module": "django.core.handlers.exception", "filename": "django/core/handlers/exception.py",
                  "abs_path": format!("{root}/.venv/lib/python3.13/site-packages/django/core/handlers/exception.py"), "lineno": 55 + line,
                  "context_line": "response = get_response(request)", "in_app": true },
                { "function": "pay", "module": "shop.views", "filename": "shop/views.py", "abs_path": format!("{root}/shop/views.py"),
                  "lineno": line, "context_line": format!("    {statement}"), "vars": { "order": order }, "in_app": true },
            ] },
        }] },
    })
}

async fn send(app: &TestApp, project: &Project, event: Value) {
    app.sdk(project).capture(event).await;
    app.settle().await;
}

/// Events of each issue of the project, in the order of the issues.
async fn counts(app: &TestApp, project: &Project) -> Vec<i64> {
    sqlx::query_scalar("SELECT event_count FROM issues WHERE project_id = $1 ORDER BY id")
        .bind(project.id)
        .fetch_all(&app.db)
        .await
        .expect("the issues are readable")
}

#[tokio::test]
async fn other_ids_a_shifted_line_another_release_and_another_folder_are_the_same_issue() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    send(&app, &project, event(&USUAL)).await;
    for raised in [
        Raised { order: 18, ..USUAL },
        Raised { line: 57, ..USUAL },
        Raised { release: "2.0", ..USUAL },
        Raised { order: 990, line: 61, release: "3.1", root: "/srv/releases/20261120/shop", ..USUAL },
    ] {
        send(&app, &project, event(&raised)).await;
    }
    assert_eq!(counts(&app, &project).await, [5]);
    let row: (String, String, String, String, String) =
        sqlx::query_as("SELECT type, value, culprit, location, function FROM issues").fetch_one(&app.db).await.unwrap();
    assert_eq!((row.0.as_str(), row.3.starts_with("shop/views.py:"), row.4.as_str()), ("PaymentError", true, "pay"), "{row:?}");
}

#[tokio::test]
async fn another_statement_of_the_same_function_is_another_issue() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    send(&app, &project, event(&USUAL)).await;
    send(&app, &project, event(&Raised { statement: "refund(order, amount)", ..USUAL })).await;
    assert_eq!(counts(&app, &project).await, [1, 1]);
}

#[tokio::test]
async fn a_log_line_is_one_issue_whatever_it_interpolates() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let line = |logger: &str, text: &str| json!({ "platform": "python", "logger": logger, "message": text });
    for text in ["Stock of SKU-17 fell to 3 items", "Stock of SKU-9921 fell to 1 item"] {
        send(&app, &project, line("shop.stock", text)).await;
    }
    send(&app, &project, line("shop.audit", "Stock of SKU-17 fell to 3 items")).await;
    assert_eq!(counts(&app, &project).await, [2, 1]);
}

#[tokio::test]
async fn a_frame_that_turns_into_library_code_keeps_its_issue() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let with_money = |path: &str| {
        let mut event = event(&USUAL);
        let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array_mut().expect("frames");
        frames.push(json!({ "function": "add", "module": "money", "filename": "money.py", "abs_path": path, "lineno": 3,
            "context_line": "    return a + b", "in_app": true }));
        event
    };
    send(&app, &project, with_money("/app/money.py")).await;
    send(&app, &project, with_money("/app/.venv/lib/python3.13/site-packages/money.py")).await;
    assert_eq!(counts(&app, &project).await, [2]);
    send(&app, &project, event(&USUAL)).await;
    assert_eq!(counts(&app, &project).await, [3], "the application's hash was attached to the issue");
}

#[tokio::test]
async fn the_clients_fingerprint_is_obeyed_per_project() {
    let app = TestApp::start().await;
    let (shop, billing) = (app.project("shop-web").await, app.project("billing").await);
    let with = |fingerprint: Value, mut event: Value| {
        event["fingerprint"] = fingerprint;
        event
    };
    let other = || json!({ "platform": "python", "message": "gateway timed out" });
    send(&app, &shop, with(json!(["gateway-down"]), event(&USUAL))).await;
    send(&app, &shop, with(json!(["gateway-down"]), other())).await;
    send(&app, &shop, with(json!(["{{ default }}", "eu"]), other())).await;
    send(&app, &shop, with(json!(["{{ default }}", "us"]), other())).await;
    send(&app, &billing, with(json!(["gateway-down"]), other())).await;
    assert_eq!((counts(&app, &shop).await, counts(&app, &billing).await), (vec![2, 1, 1], vec![1]));
}
