//! Files as attackers send them: names, types, sizes, numbers, secrets.

use bugle::config::{AttachmentLimits, Config};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::attachments::{noise, number, outcomes};
use crate::harness::{Browser, Page, Setup, TestApp, attachment, exception};

fn item(header: &serde_json::Value, bytes: &[u8]) -> Vec<u8> {
    [header.to_string().as_bytes(), b"\n", bytes, b"\n"].concat()
}

fn envelope(event: &str, items: &[Vec<u8>]) -> Vec<u8> {
    [json!({ "event_id": event }).to_string().into_bytes(), b"\n".to_vec(), items.concat()].concat()
}

async fn page_of(app: &TestApp, event: &str) -> (Browser, Page) {
    let browser = app.sign_in_owner().await;
    let page = browser.open(&format!("/events/{event}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    (browser, page)
}

#[tokio::test]
async fn nothing_that_is_uploaded_ever_runs() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let event = app.sdk(&project).raise("KeyError", "x", "pay").await;
    let bad: [(&str, &str, &[u8]); 5] = [
        ("page.html", "text/html", b"<script>alert(document.cookie)</script>"),
        ("picture.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("really.png", "image/png", b"<html><script>alert(2)</script>"),
        ("doc.pdf", "application/pdf", b"%PDF-1.7\n\xff\xfe\x00"),
        ("<img src=x onerror=alert(3)>\u{202e}gnp.exe", "text/html\r\nSet-Cookie: a=b", b"MZ\0\0"),
    ];
    for (name, content_type, bytes) in bad {
        let header = json!({ "type": "attachment", "length": bytes.len(), "filename": name, "content_type": content_type });
        assert_eq!(app.sdk(&project).envelope(envelope(&event, &[item(&header, bytes)])).await.status, StatusCode::OK);
    }
    app.settle().await;
    let (browser, page) = page_of(&app, &event).await;
    page.assert_shows("Attachments 5");
    assert!(!page.html.contains("<img src=x") && !page.html.contains('\u{202e}'), "names are cleaned and escaped");
    let links: Vec<_> = page.links().into_iter().filter(|href| href.contains("/attachments/")).collect();
    let downloads: Vec<_> = links.iter().filter(|href| !href.ends_with("/view")).collect();
    assert_eq!(downloads.len(), 5);
    for href in downloads {
        let answer = browser.request(Method::GET, href).send().await.expect("the server answers");
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        assert!(header("content-disposition").starts_with("attachment; "), "{href}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").contains("sandbox"), "{}", header("content-security-policy"));
        assert!(
            ["text/plain; charset=utf-8", "application/octet-stream"].contains(&header("content-type").as_str()),
            "{}",
            header("content-type")
        );
        assert_eq!(header("set-cookie"), "");
    }
    for href in links.iter().filter(|href| href.ends_with("/view")) {
        let view = browser.open(href).await;
        assert_eq!(view.status, StatusCode::OK);
        assert!(!view.html.contains("<script>alert") && !view.html.contains("<svg xmlns"), "{}", view.html);
    }
}

#[tokio::test]
async fn pictures_are_drawn_by_what_they_are() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let event = app.sdk(&project).raise("KeyError", "x", "pay").await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    app.sdk(&project).envelope(attachment(&event, "screenshot", png)).await;
    app.settle().await;
    let (browser, page) = page_of(&app, &event).await;
    page.assert_shows("screenshot PNG image 16 B");
    assert_eq!(page.html.matches("<img class=\"shot\"").count(), 1);
    let href = page.links().into_iter().find(|href| href.contains("/attachments/") && !href.ends_with("/view")).expect("a download");
    let answer = browser.request(Method::GET, &href).send().await.expect("the server answers");
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.bytes().await.expect("bytes"), &png[..]);
}

#[tokio::test]
async fn names_of_any_kind_lead_nowhere() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let event = app.sdk(&project).raise("KeyError", "x", "pay").await;
    let names = ["../../../etc/passwd", "C:\\boot.ini", "a\0b.txt", &"x".repeat(1_000), "", ".."];
    let items: Vec<_> =
        (0..).zip(names).map(|(n, name)| item(&json!({ "type": "attachment", "length": 1, "filename": name }), &[b'0' + n])).collect();
    let odd = [json!(7), json!(null), json!(["a"]), json!({ "a": 1 })];
    let odd: Vec<_> = odd
        .iter()
        .map(|name| {
            item(&json!({ "type": "attachment", "length": 1, "filename": name, "attachment_type": name, "content_type": name }), b"z")
        })
        .collect();
    assert_eq!(app.sdk(&project).envelope(envelope(&event, &[items, odd].concat())).await.status, StatusCode::OK);
    app.settle().await;
    assert_eq!(outcomes(&app, "attachment").await, "stored 10");
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT name FROM attachments ORDER BY name COLLATE \"C\"").fetch_all(&app.db).await.expect("names");
    let plain = ["attachment"; 6].into_iter().chain(["a\u{fffd}b.txt", "boot.ini", "passwd"]).collect::<Vec<_>>();
    assert_eq!(&stored[..9], plain);
    assert_eq!(stored[9].chars().count(), 200);
    page_of(&app, &event).await.1.assert_shows("Attachments 10");
}

#[tokio::test]
async fn what_is_too_large_or_too_many_costs_itself_and_never_the_event() {
    let configure = |config: &mut Config| {
        config.limits.attachment_bytes = 1_000;
        config.attachments = AttachmentLimits { count: 3, bytes: 2_500 };
    };
    let app = TestApp::start_with(Setup { configure, ..Setup::default() }).await;
    let project = app.project("shop").await;
    let mut event = exception("KeyError", "x", "pay");
    event["event_id"] = json!("0".repeat(31) + "1");
    let event_item = item(&json!({ "type": "event", "length": event.to_string().len() }), event.to_string().as_bytes());
    let file = |name: &str, len: usize| item(&json!({ "type": "attachment", "length": len, "filename": name }), &noise(len, len as u64));
    let id = "0".repeat(31) + "1";
    let sent = app
        .sdk(&project)
        .envelope(envelope(
            &id,
            &[file("large", 1_001), event_item, file("a", 1_000), file("b", 999), file("c", 998), file("d", 2), file("e", 1)],
        ))
        .await;
    assert_eq!(sent.status, StatusCode::OK);
    assert_eq!(sent.body["errors"][0]["reason"], "the attachment is larger than 1000 bytes");
    app.settle().await;
    assert_eq!(outcomes(&app, "error").await, "stored 1");
    assert_eq!(outcomes(&app, "attachment").await, "invalid event_full 2, invalid too_large 1, stored 3");
    // A file of an event that is full, in a request of its own; one that is too large, alone.
    app.sdk(&project).envelope(envelope(&id, &[file("f", 3)])).await;
    app.settle().await;
    assert_eq!(outcomes(&app, "attachment").await, "invalid event_full 3, invalid too_large 1, stored 3");
    assert_eq!(app.sdk(&project).envelope(envelope(&id, &[file("g", 1_001)])).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(number(&app, "SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test]
async fn files_that_belong_to_nothing_are_not_kept() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let file = item(&json!({ "type": "attachment", "length": 1 }), b"x");
    let trace = item(&json!({ "type": "attachment", "length": 1, "content_type": "application/vnd.sentry.trace-attachment" }), b"x");
    let transaction = item(&json!({ "type": "transaction" }), b"{}");
    let sdk = app.sdk(&project);
    sdk.envelope([b"{}\n".to_vec(), file.clone()].concat()).await;
    sdk.envelope(envelope(&"a".repeat(32), &[trace])).await;
    sdk.envelope(envelope(&"b".repeat(32), &[transaction, file])).await;
    app.settle().await;
    assert_eq!(outcomes(&app, "attachment").await, "invalid no_event_id 1, unsupported 2");
    assert_eq!(number(&app, "SELECT count(*) FROM attachments").await, 0);
}

#[tokio::test]
async fn secrets_in_text_files_are_taken_out_and_binary_ones_are_left_alone() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let event = app.sdk(&project).raise("KeyError", "x", "pay").await;
    let log = "started\npassword=hunter2\n{\"api_key\": \"sk-live-secret-9\", \"user\": \"ada\"}\nAuthorization: Bearer abcdef0123456789abcdef\nfinished\n";
    app.sdk(&project).envelope(attachment(&event, "run.log", log.as_bytes())).await;
    app.sdk(&project).envelope(attachment(&event, "core.bin", b"\0\x01password=hunter2\0")).await;
    app.settle().await;
    let (browser, page) = page_of(&app, &event).await;
    let href = page.links().into_iter().find(|href| href.ends_with("/view")).expect("the log can be viewed");
    let view = browser.open(&href).await;
    for secret in ["hunter2", "sk-live-secret-9", "abcdef0123456789"] {
        view.assert_hides(secret);
    }
    view.assert_shows("started");
    view.assert_shows("ada");
    view.assert_shows("finished");
    view.assert_shows("[Filtered]");
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT content FROM attachment_chunks WHERE content LIKE '%hunter2%'::bytea")
        .fetch_all(&app.db)
        .await
        .expect("chunks");
    assert_eq!(kept.len(), 1, "of the binary file");
}

#[tokio::test]
async fn files_of_another_project_or_issue_do_not_exist() {
    let app = TestApp::start().await;
    let (shop, vault) = (app.project("shop").await, app.project("vault").await);
    let event = app.sdk(&vault).raise("KeyError", "x", "open").await;
    let other = app.sdk(&vault).raise("ValueError", "y", "close").await;
    app.sdk(&vault).envelope(attachment(&event, "plan.txt", b"the plan")).await;
    app.settle().await;
    let (browser, page) = page_of(&app, &event).await;
    let href = page.links().into_iter().find(|href| href.contains("/attachments/") && !href.ends_with("/view")).expect("a download");
    assert_eq!(browser.open(&href).await.status, StatusCode::OK);
    let stranger = app.person("eve@shop.example", "member").await;
    app.join(&shop, &stranger).await;
    let strange = app.sign_in(&stranger).await;
    assert_eq!(strange.open(&href).await.status, StatusCode::NOT_FOUND);
    assert_eq!(strange.open(&format!("{href}/view")).await.status, StatusCode::NOT_FOUND);
    // Under another event, or another issue.
    assert_eq!(browser.open(&href.replace(&event, &other)).await.status, StatusCode::NOT_FOUND);
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues WHERE type = 'ValueError'").fetch_one(&app.db).await.expect("an issue");
    let parts: Vec<_> = href.split('/').collect();
    assert_eq!(
        browser.open(&href.replace(&format!("/issues/{}/", parts[2]), &format!("/issues/{issue}/"))).await.status,
        StatusCode::NOT_FOUND
    );
}
