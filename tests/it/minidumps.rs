//! Forms that are uploaded: files for an event, and the dumps of crashed programs with the events they become.

use bugle::config::Config;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::attachments::{noise, number, outcomes};
use crate::harness::{Project, Sent, Setup, TestApp};

const BOUNDARY: &str = "----crash-0123456789";

/// Name, file name, content.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend_from_slice(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Posts to an endpoint and answers status and text.
async fn post(app: &TestApp, project: &Project, endpoint: &str, body: Vec<u8>) -> (StatusCode, String) {
    let request = app.sdk(project).request(endpoint).header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    let answer = request.body(body).send().await.expect("the server answers");
    (answer.status(), answer.text().await.expect("the body is text"))
}

/// A dump of a Linux program that died of a bad address in its first module, `worker`.
pub fn dump() -> Vec<u8> {
    let mut file = vec![0; 32];
    let mut directory = Vec::new();
    let mut add = |kind: u32, stream: &[u8]| {
        directory.extend_from_slice(&[kind.to_le_bytes(), (stream.len() as u32).to_le_bytes(), (file.len() as u32).to_le_bytes()].concat());
        file.extend_from_slice(stream);
    };
    let path: Vec<u8> = "/srv/bin/worker".encode_utf16().flat_map(u16::to_le_bytes).collect();
    add(0xffff, &[&(path.len() as u32).to_le_bytes()[..], &path].concat());
    let mut info = vec![0; 56];
    info[0] = 9;
    info[20..24].copy_from_slice(&0x8201_u32.to_le_bytes());
    add(7, &info);
    let mut exception = vec![0; 168];
    exception[8] = 11;
    exception[24..32].copy_from_slice(&0x40_1234_u64.to_le_bytes());
    add(6, &exception);
    let mut modules = vec![0; 112];
    modules[0] = 1;
    modules[4..12].copy_from_slice(&0x40_0000_u64.to_le_bytes());
    modules[12..16].copy_from_slice(&0x1_0000_u32.to_le_bytes());
    modules[24..28].copy_from_slice(&32_u32.to_le_bytes());
    add(4, &modules);
    let at = file.len() as u32;
    file.extend_from_slice(&directory);
    file[..4].copy_from_slice(b"MDMP");
    file[8..12].copy_from_slice(&4_u32.to_le_bytes());
    file[12..16].copy_from_slice(&at.to_le_bytes());
    file
}

async fn event_json(app: &TestApp, id: &str) -> Value {
    let token = app.token(&app.owner().await, &["event:read"]).await;
    let answer = app.api(&token).get(&format!("/api/0/projects/bugle/shop/events/{id}/")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    answer.json
}

#[tokio::test]
async fn a_crash_becomes_an_event_with_its_dump_and_what_the_form_says() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let body = form(&[
        ("sentry", None, br#"{"release":"worker@1.2","tags":{"queue":"mail"},"extra":{"token":"hunter2-secret"}}"#),
        ("sentry[environment]", None, b"production"),
        ("sentry[user][id]", None, b"17"),
        ("ui_theme", None, b"dark"),
        ("upload_file_minidump", Some("../../x.dmp"), &dump()),
        ("view", Some("log.txt"), b"last words"),
    ]);
    let (status, id) = post(&app, &project, "minidump", body).await;
    assert_eq!(status, StatusCode::OK, "{id}");
    assert_eq!((id.len(), id.matches('-').count()), (36, 4), "a hyphenated id as text: {id}");
    app.settle().await;
    let event = event_json(&app, &id.replace('-', "")).await;
    assert_eq!((&event["title"], &event["platform"]), (&json!("SIGSEGV: Crash in worker"), &json!("native")));
    assert_eq!(
        (&event["environment"], &event["release"]["version"], &event["user"]["id"]),
        (&json!("production"), &json!("worker@1.2"), &json!("17"))
    );
    assert_eq!((&event["contexts"]["os"]["name"], &event["contexts"]["minidump"]["address"]), (&json!("Linux"), &json!("0x401234")));
    assert_eq!((&event["context"]["ui_theme"], &event["context"]["token"]), (&json!("dark"), &json!("[Filtered]")));
    let page = app.sign_in_owner().await.open(&format!("/events/{id}")).await;
    for text in ["SIGSEGV", "Crash in worker", "worker+0x1234", "Attachments 2", "x.dmp Minidump", "log.txt"] {
        page.assert_shows(text);
    }
    assert_eq!((outcomes(&app, "error").await, outcomes(&app, "attachment").await), ("stored 1".to_owned(), "stored 2".to_owned()));
    // The same crash at another address of the program is the same issue.
    let mut moved = dump();
    let at = moved.windows(8).position(|bytes| bytes == 0x40_1234_u64.to_le_bytes()).expect("the address");
    let base = moved.windows(8).position(|bytes| bytes == 0x40_0000_u64.to_le_bytes()).expect("the base");
    moved[at + 2] += 0x10;
    moved[base + 2] += 0x10;
    let sent = app.sdk(&project).request("minidump").body(moved).send().await.expect("the server answers");
    assert_eq!(sent.status(), StatusCode::OK, "a dump may be the whole body");
    app.settle().await;
    assert_eq!(number(&app, "SELECT count(*) FROM issues").await, 1);
    assert_eq!(number(&app, "SELECT event_count FROM issues").await, 2);
}

#[tokio::test]
async fn dumps_come_packed_in_envelopes_with_an_id_of_their_own_and_damaged() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, &dump()).expect("in memory");
    let packed = packer.finish().expect("in memory");
    let id = "d".repeat(32);
    let sentry = format!("{{\"event_id\":\"{id}\"}}");
    let (status, text) =
        post(&app, &project, "minidump", form(&[("upload_file_minidump", Some("x"), &packed), ("sentry", None, sentry.as_bytes())])).await;
    assert_eq!((status, text.replace('-', "")), (StatusCode::OK, id.clone()));
    // In an envelope without an event; damaged; beside an event, which stays as it is.
    for (id, dump, event) in
        [("a", dump(), ""), ("b", b"MDMP".to_vec(), ""), ("c", dump(), "{\"type\":\"event\"}\n{\"message\":\"said so\"}\n")]
    {
        let mut body = format!(
            "{{\"event_id\":\"{}\"}}\n{event}{{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\",\"length\":{}}}\n",
            id.repeat(32),
            dump.len()
        )
        .into_bytes();
        body.extend_from_slice(&dump);
        assert_eq!(app.sdk(&project).envelope(body).await.status, StatusCode::OK);
    }
    app.settle().await;
    for (id, title) in [
        (&id[..], "SIGSEGV: Crash in worker"),
        (&"a".repeat(32), "SIGSEGV: Crash in worker"),
        (&"b".repeat(32), "Minidump: Crash of a native program"),
        (&"c".repeat(32), "said so"),
    ] {
        let event = event_json(&app, id).await;
        assert_eq!(event["title"], title, "{id}");
    }
    assert_eq!((outcomes(&app, "error").await, outcomes(&app, "attachment").await), ("stored 4".to_owned(), "stored 4".to_owned()));
}

#[tokio::test]
async fn what_is_no_dump_is_refused_and_what_is_too_large_is_still_an_event() {
    let configure = |config: &mut Config| config.limits.attachment_bytes = 2_000;
    let app = TestApp::start_with(Setup { configure, ..Setup::default() }).await;
    let project = app.project("shop").await;
    for body in [
        form(&[]),
        form(&[("upload_file_minidump", Some("x"), b"hello")]),
        b"hello".to_vec(),
        Vec::new(),
        form(&[("other", Some("x"), &dump())]),
    ] {
        assert_eq!(post(&app, &project, "minidump", body).await.0, StatusCode::BAD_REQUEST);
    }
    let large = [dump(), noise(3_000, 1)].concat();
    let (status, id) = post(&app, &project, "minidump", form(&[("upload_file_minidump", Some("x.dmp"), &large)])).await;
    assert_eq!(status, StatusCode::OK, "{id}");
    app.settle().await;
    assert_eq!(event_json(&app, &id.replace('-', "")).await["title"], "SIGSEGV: Crash in worker");
    assert_eq!(outcomes(&app, "attachment").await, "invalid too_large 1");
    let unknown = app.sdk(&Project { key: "0".repeat(32), ..project.clone() });
    assert_eq!(unknown.request("minidump").body(dump()).send().await.expect("an answer").status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn files_are_uploaded_for_an_event_by_its_id() {
    let app = TestApp::start().await;
    let project = app.project("shop").await;
    let event = app.sdk(&project).raise("KeyError", "x", "pay").await;
    let endpoint = format!("events/{event}/attachments");
    let (status, text) = post(
        &app,
        &project,
        &endpoint,
        form(&[("a", Some("one.txt"), b"1"), ("b", None, b"no file"), ("c", Some("two.bin"), b"\0\r\n--x")]),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let bare = app.sdk(&project).address(&endpoint);
    let request = app.sdk(&project).request(&endpoint).header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    let answer: Sent = app.sdk(&project).send(request.body(form(&[("a", None, b"x")]))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bare}: there is no file");
    assert_eq!(post(&app, &project, "events/nonsense/attachments", form(&[("a", Some("x"), b"1")])).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(post(&app, &project, &endpoint, b"not a form".to_vec()).await.0, StatusCode::BAD_REQUEST);
    app.settle().await;
    let page = app.sign_in_owner().await.open(&format!("/events/{event}")).await;
    for text in ["Attachments 2", "one.txt", "two.bin"] {
        page.assert_shows(text);
    }
    bugle::jobs::refused::run_once(&app.db, &app.app.doors.accounting).await.expect("refusals are written");
    assert_eq!(outcomes(&app, "attachment").await, "invalid no_event 3, stored 2");
}
