//! Bodies in every shape clients send, and in shapes only attackers send.

use std::io::Write;

use axum::body::Body;
use bugle::protocol::receipt::BodyForm;
use bugle::protocol::{encoding, store_body};
use bytes::Bytes;
use serde_json::Value;

use crate::accept_support::{AUTH, ENVELOPE, EVENT_ID, KEY, app, fixture, index, post, post_envelope, spooled};
use crate::harness::Project;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn every_content_encoding_is_accepted_and_kept_as_received() {
    let app = app().await;
    for entry in index("encodings") {
        let file = entry["file"].as_str().expect("a file");
        let received = fixture(&format!("encodings/{file}"));
        let decoded = fixture(&format!("encodings/{}", entry["decoded"].as_str().expect("a file")));
        let encoding = entry["content_encoding"].as_str().unwrap_or_default();
        let headers =
            [("x-sentry-auth", AUTH), ("content-encoding", encoding), ("content-type", entry["content_type"].as_str().unwrap_or(""))];
        let sent_headers = if encoding.is_empty() { &headers[..1] } else { &headers[..] };
        let answer = post(&app, entry["path"].as_str().expect("a path"), sent_headers, received.clone()).await;
        assert_eq!(answer.status, 200, "{file}: {}", answer.body);

        let (receipt, body) = spooled(&app).await.pop().expect("one entry");
        assert_eq!((answer.id(), body.as_ref()), (Some(receipt.event_id.to_string().as_str()), &received[..]), "{file}");
        let mut read = encoding::decode(&receipt.encoding, &body, MIB).expect("readable").into_owned();
        if receipt.form == BodyForm::Store {
            read = store_body::open(&read, MIB).expect("readable").into_owned();
        }
        assert!(read == decoded, "{file} is read differently");
    }
}

#[tokio::test]
async fn what_real_clients_sent_is_accepted_and_its_id_answered() {
    let app = app().await;
    for entry in index("envelopes") {
        let (file, path) = (entry["file"].as_str().expect("a file"), entry["path"].as_str().expect("a path"));
        if !path.starts_with("/api/42/") || entry["client"] == "specification" {
            continue;
        }
        let body = fixture(&format!("envelopes/{file}"));
        let answer = post(&app, path, &[("x-sentry-auth", AUTH)], body.clone()).await;
        assert_eq!(answer.status, 200, "{file}: {}", answer.body);
        let id = id_given_by_the_client(&body);
        assert!(id.is_none() || answer.id() == id.as_deref(), "{file}: {} for {id:?}", answer.body);
        let kept = spooled(&app).await;
        assert_eq!(kept.iter().map(|(_, kept)| kept.as_ref()).collect::<Vec<_>>(), [&body[..]], "{file}");
    }
}

#[tokio::test]
async fn the_grammar_of_envelopes_is_kept_to_the_letter() {
    let app = app().await;
    let mut seen_count = 0;
    for entry in index("envelopes").iter().filter(|entry| entry["client"] == "specification") {
        let (file, expect) = (entry["file"].as_str().expect("a file"), entry["expect"].as_str().expect("an expectation"));
        let headers: Vec<(&str, &str)> = entry["headers"].as_array().expect("headers").iter().map(header_pair).collect();
        let answer = post(&app, entry["path"].as_str().expect("a path"), &headers, fixture(&format!("envelopes/{file}"))).await;
        assert_eq!(answer.status.as_str(), &expect[..3], "{file}: {}", answer.body);
        let is_kept = expect.starts_with("200") && !expect.contains("nothing stored");
        assert_eq!(spooled(&app).await.len(), usize::from(is_kept), "{file}");
        assert_eq!(answer.detail().is_empty(), expect.starts_with("200"), "{file}: {}", answer.body);
        seen_count += 1;
    }
    assert!(seen_count >= 15);
}

#[tokio::test]
async fn ids_are_answered_in_one_form_and_invented_only_where_there_is_none() {
    let app = app().await;
    let dashed = ENVELOPE.replace(EVENT_ID, "9EC79C33-EC99-42AB-8353-589FCB2E04DC");
    assert_eq!(post_envelope(&app, dashed).await.id(), Some(EVENT_ID));

    let in_payload = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"event_id\":\"{EVENT_ID}\"}}");
    assert_eq!(post_envelope(&app, in_payload).await.id(), Some(EVENT_ID));

    let answer = post_envelope(&app, "{}\n{\"type\":\"event\"}\n{}").await;
    let invented = answer.id().expect("an id").to_owned();
    let kept = spooled(&app).await.pop().expect("kept").0;
    assert_eq!((invented.len(), kept.event_id.to_string()), (32, invented));

    let session = post_envelope(&app, "{}\n{\"type\":\"session\"}\n{}").await;
    assert_eq!((session.status.as_u16(), session.body.to_string().as_str()), (200, "{}"));
}

#[tokio::test]
async fn the_receipt_holds_what_the_digest_cannot_know() {
    let app = app().await;
    let headers = [("x-sentry-auth", AUTH), ("user-agent", "sentry.python/2.75.0")];
    post(&app, "/api/42/store/", &headers, r#"{"message":"hello"}"#).await;
    let receipt = spooled(&app).await.pop().expect("kept").0;
    assert_eq!((receipt.project_id.0, receipt.form, receipt.received_at), (42, BodyForm::Store, app.now()));
    assert_eq!((receipt.user_agent.as_deref(), receipt.sdk.as_deref()), (Some("sentry.python/2.75.0"), Some("test/1.0")));
}

#[tokio::test]
async fn an_envelope_posted_to_the_old_address_is_an_envelope() {
    let app = app().await;
    let headers = [("x-sentry-auth", AUTH), ("content-type", "application/x-sentry-envelope")];
    assert_eq!(post(&app, "/api/42/store/", &headers, ENVELOPE).await.id(), Some(EVENT_ID));
    assert_eq!(spooled(&app).await.pop().map(|(receipt, _)| receipt.form), Some(BodyForm::Envelope));
}

#[tokio::test]
async fn content_types_mean_nothing_otherwise() {
    let app = app().await;
    for content_type in ["text/plain;charset=UTF-8", "application/octet-stream", "multipart/form-data", "nonsense"] {
        let headers = [("x-sentry-auth", AUTH), ("content-type", content_type)];
        assert_eq!(post(&app, "/api/42/envelope/", &headers, ENVELOPE).await.status, 200, "{content_type}");
        assert_eq!(post(&app, "/api/42/store", &headers, "{}").await.status, 200, "{content_type}");
    }
}

#[tokio::test]
async fn a_chunked_body_needs_no_length() {
    let app = app().await;
    let chunks: Vec<std::io::Result<Bytes>> = ENVELOPE.as_bytes().chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let answer = post_envelope(&app, Body::from_stream(futures_util::stream::iter(chunks))).await;
    assert_eq!(answer.id(), Some(EVENT_ID));
}

#[tokio::test]
async fn bombs_are_413_in_every_encoding() {
    let app = app().await;
    let zeros = vec![b' '; 21 * MIB];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&zeros).expect("in memory");
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&zeros).expect("in memory");
    let gzip = gzip.finish().expect("in memory");
    let zstd = zstd::encode_all(&zeros[..], 1).expect("in memory");
    let chained = zstd::encode_all(&gzip[..], 1).expect("in memory");
    let multi_member = [&gzip[..], &gzip[..]].concat();
    let bombs = [
        ("gzip", gzip),
        ("gzip", multi_member),
        ("deflate", zlib.finish().expect("in memory")),
        ("zstd", zstd),
        ("gzip, zstd", chained),
        ("identity", zeros),
    ];
    for (encoding, bomb) in bombs {
        for endpoint in ["envelope", "store"] {
            let headers = [("x-sentry-auth", AUTH), ("content-encoding", encoding)];
            let answer = post(&app, &format!("/api/42/{endpoint}/"), &headers, bomb.clone()).await;
            assert_eq!(answer.status.as_u16(), 413, "{encoding} {endpoint}: {}", answer.body);
        }
    }
    assert_eq!(spooled(&app).await.len(), 0);
}

#[tokio::test]
async fn a_body_that_is_not_in_its_encoding_is_400() {
    let app = app().await;
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, br", "rot13"] {
        let headers = [("x-sentry-auth", AUTH), ("content-encoding", encoding)];
        let answer = post(&app, "/api/42/envelope/", &headers, ENVELOPE).await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (400, "invalid content encoding"), "{encoding}");
    }
}

#[tokio::test]
async fn an_announced_length_beyond_the_limit_is_413_before_anything_is_read() {
    let app = app().await;
    let headers = [("x-sentry-auth", AUTH), ("content-length", "99999999999")];
    assert_eq!(post(&app, "/api/42/envelope/", &headers, ENVELOPE).await.status, 413);
}

#[tokio::test]
async fn a_client_that_sends_too_much_gets_to_read_the_answer() {
    let app = app().await;
    let sdk = app.sdk(&Project { id: 42, slug: "project-42".into(), key: KEY.into(), dsn: String::new() });
    for (endpoint, status) in [("envelope", 413), ("store", 413)] {
        let sent = sdk.send(sdk.request(endpoint).body(vec![b'x'; 25 * MIB])).await;
        assert_eq!(sent.status.as_u16(), status);
    }
}

#[tokio::test]
async fn half_a_megabyte_of_frames_is_an_ordinary_event_and_two_megabytes_are_not() {
    let app = app().await;
    let event = |len: usize| format!("{{\"event_id\":\"{EVENT_ID}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{}\"}}", "x".repeat(len));
    assert_eq!(post_envelope(&app, event(MIB / 2)).await.id(), Some(EVENT_ID));
    let answer = post_envelope(&app, event(2 * MIB)).await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (413, "the request is too large"));
    let with_sibling = format!("{}\n{{\"type\":\"session\"}}\n{{}}\n", event(2 * MIB));
    assert_eq!(post_envelope(&app, with_sibling).await.status, 200, "the session is kept");
    let attachment = format!("{}\n{}\n", event(10), "{\"type\":\"attachment\"}\n") + &"x".repeat(2 * MIB);
    assert_eq!(post_envelope(&app, attachment.replace("\n\n", "\n")).await.status, 200, "attachments may be larger");
}

fn header_pair(pair: &Value) -> (&str, &str) {
    (pair[0].as_str().expect("a name"), pair[1].as_str().expect("a value"))
}

fn id_given_by_the_client(body: &[u8]) -> Option<String> {
    let first_line = body.split(|&byte| byte == b'\n').next()?;
    let header: Value = serde_json::from_slice(first_line).ok()?;
    Some(header["event_id"].as_str()?.replace('-', ""))
}
