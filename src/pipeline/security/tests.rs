//! What reports become: titles, issues, noise, bounds.

use time::macros::datetime;

use super::*;
use crate::protocol::event;
use crate::protocol::security_report;

const TOLD: Told<'static> =
    Told { received_at: datetime!(2026-11-20 12:00 UTC), release: Some("shop@1"), environment: Some("production"), user_agent: None };

fn of(text: &str) -> Result<Event<'static>, Noise> {
    let report = security_report::split(text.as_bytes()).expect("reports").pop().expect("one");
    let json = event(&security_report::read(report).expect("a known report"), TOLD)?;
    Ok(event::read(json.leak()).expect("an event"))
}

fn csp(directive: &str, blocked: &str) -> String {
    let policy = "default-src 'self'; img-src 'self' img.example";
    let body = json!({ "document-uri": "https://shop.example/cart?token=abc", "effective-directive": directive, "blocked-uri": blocked,
                       "original-policy": policy, "disposition": "enforce" });
    json!({ "csp-report": body }).to_string()
}

fn title_and_parts(text: &str) -> (String, Vec<String>) {
    let event = of(text).expect("no noise");
    (event.logentry.as_ref().expect("a title").text().to_owned(), grouping(&event).expect("parts"))
}

#[test]
fn directive_and_host_make_the_issue() {
    for (directive, blocked, title, source) in [
        ("img-src", "https://CDN.example.com:8443/a/b.png?x=1", "Blocked 'img-src' from 'cdn.example.com'", "cdn.example.com"),
        ("script-src-elem", "inline", "Blocked 'script-src' from inline code", "inline"),
        ("script-src", "", "Blocked 'script-src' from inline code", "inline"),
        ("script-src", "self", "Blocked 'script-src' from inline code", "inline"),
        ("img-src", "self", "Blocked 'img-src' from the site itself", "self"),
        ("connect-src", "https://shop.example/api", "Blocked 'connect-src' from the site itself", "self"),
        ("script-src", "eval", "Blocked 'script-src' from eval", "eval"),
        ("img-src", "data", "Blocked 'img-src' from 'data:'", "data"),
        ("font-src", "data:font/woff;base64,AAAA", "Blocked 'font-src' from 'data:'", "data"),
        ("worker-src", "blob:https://shop.example/123", "Blocked 'worker-src' from 'blob:'", "blob"),
        ("connect-src", "wss://push.example/x", "Blocked 'connect-src' from 'push.example'", "push.example"),
        ("frame-src", "https", "Blocked 'frame-src' from 'https:'", "https"),
    ] {
        let (found, parts) = title_and_parts(&csp(directive, blocked));
        assert_eq!(found, title);
        assert_eq!(parts, ["csp", directive.trim_end_matches("-elem"), source], "{blocked}");
    }
}

#[test]
fn the_culprit_is_the_rule_of_the_document_and_the_address_is_split() {
    let event = of(&csp("img-src", "https://cdn.example/x.png")).expect("no noise");
    assert_eq!(event.culprit.as_deref(), Some("img-src 'self' img.example"));
    let request = event.request.expect("a request");
    assert_eq!((request.url.as_deref(), request.query[0].0.as_ref()), (Some("https://shop.example/cart"), "token"));
    assert_eq!(of(&csp("font-src", "data")).expect("no noise").culprit.as_deref(), Some("default-src 'self'"));
    let old = r#"{"csp-report":{"violated-directive":"img-src https://a:1/","blocked-uri":"b.example","document-uri":"https://c/"}}"#;
    assert_eq!(of(old).expect("no noise").culprit.as_deref(), Some("img-src https://a:1/"));
    assert_eq!(title_and_parts(old).1, ["csp", "img-src", "b.example"]);
}

#[test]
fn what_only_would_have_been_blocked_is_a_warning_of_the_same_issue() {
    let report_only = csp("img-src", "https://cdn.example/").replace("\"enforce\"", "\"report\"");
    let (title, parts) = title_and_parts(&report_only);
    assert_eq!(title, "Would block 'img-src' from 'cdn.example'");
    assert_eq!(parts, title_and_parts(&csp("img-src", "https://cdn.example/")).1);
    assert_eq!(of(&report_only).expect("no noise").level.map(|level| level.name()), Some("warning"));
}

#[test]
fn extensions_and_injected_pages_are_noise_and_the_pages_own_doings_are_not() {
    for blocked in
        ["chrome-extension://abc/x.js", "moz-extension", "safari-web-extension://1/x", "webkit-masked-url://hidden/", "chrome-extension"]
    {
        assert_eq!(of(&csp("script-src", blocked)).err(), Some(Noise("browser_extension")), "{blocked}");
    }
    let injected = csp("script-src", "inline").replace("\"csp-report\":{", "\"csp-report\":{\"source-file\":\"moz-extension\",");
    assert_eq!(of(&injected).err(), Some(Noise("browser_extension")));
    assert_eq!(of(&csp("frame-src", "about")).err(), Some(Noise("about_page")));
    for blocked in ["blob", "data", "filesystem", "https://chrome-extension.example/"] {
        assert!(of(&csp("script-src", blocked)).is_ok(), "{blocked}");
    }
}

#[test]
fn age_moves_the_time_and_the_browser_is_that_of_the_report() {
    let event = of(r#"[{"type":"csp-violation","age":90000,"url":"https://shop.example/","user_agent":"Mozilla/5.0 Firefox/127.0",
                        "body":{"effectiveDirective":"img-src","blockedURL":"https://a.example/"}}]"#)
    .expect("no noise");
    assert_eq!(event.timestamp, Some(datetime!(2026-11-20 11:58:30 UTC)));
    let request = event.request.expect("a request");
    assert_eq!((request.url.as_deref(), request.headers[0].1.as_ref()), (Some("https://shop.example/"), "Mozilla/5.0 Firefox/127.0"));
    assert_eq!((event.release.as_deref(), event.environment.as_deref()), (Some("shop@1"), Some("production")));
}

#[test]
fn every_kind_has_a_title_and_parts() {
    for (text, title, parts) in [
        (
            r#"{"expect-ct-report":{"hostname":"Shop.example","port":443,"failure-mode":"enforce"}}"#,
            "Certificate of 'shop.example' without valid transparency",
            vec!["expectct", "shop.example"],
        ),
        (
            r#"{"expect-staple-report":{"hostname":"shop.example","response-status":"MISSING"}}"#,
            "Certificate of 'shop.example' without a valid stapled response",
            vec!["expectstaple", "shop.example"],
        ),
        (
            r#"{"hostname":"shop.example","noted-hostname":"example","known-pins":[]}"#,
            "Certificate of 'shop.example' with none of the pinned keys",
            vec!["hpkp", "shop.example"],
        ),
        (
            r#"{"type":"network-error","url":"https://shop.example/a","body":{"type":"tcp.timed_out","phase":"connection"}}"#,
            "Network error 'tcp.timed_out' at 'shop.example'",
            vec!["nel", "tcp.timed_out", "shop.example"],
        ),
        (
            r#"{"type":"network-error","url":"https://shop.example/a","body":{"type":"http.error","status_code":502}}"#,
            "Network error 'http 502' at 'shop.example'",
            vec!["nel", "http 502", "shop.example"],
        ),
        (
            r#"{"type":"deprecation","url":"https://shop.example/","body":{"id":"Unload","message":"Unload handlers are deprecated.\nMore"}}"#,
            "Unload handlers are deprecated.",
            vec!["deprecation", "Unload", ""],
        ),
        (r#"{"type":"crash","url":"https://shop.example/","body":{"reason":"oom"}}"#, "The page crashed (oom)", vec!["crash", "oom", ""]),
        (r#"{"type":"shiny","body":{}}"#, "Browser report 'shiny'", vec!["shiny", "", ""]),
    ] {
        assert_eq!(title_and_parts(text), (title.to_owned(), parts.iter().map(|part| (*part).to_owned()).collect()), "{text}");
    }
    let ok = r#"{"type":"network-error","url":"https://a/","body":{"type":"ok"}}"#;
    assert_eq!(of(ok).err(), Some(Noise("no_failure")));
}

#[test]
fn hostile_reports_stay_within_bounds() {
    let huge = csp(&"x".repeat(10_000), &format!("https://{}.example/", "y".repeat(5_000)));
    let (title, parts) = title_and_parts(&huge);
    assert!(title.len() < 400 && parts.iter().all(|part| part.len() <= 200), "{title}");
    let odd = r#"{"csp-report":{"effective-directive":["a"],"blocked-uri":{},"document-uri":7,"disposition":null,"referrer":[]}}"#;
    assert_eq!(title_and_parts(odd).1, ["csp", "unknown", "self"]);
}
