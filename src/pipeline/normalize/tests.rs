//! Events before and after.

use serde_json::json;
use time::macros::datetime;

use super::*;
use crate::protocol::event;

fn arrival() -> Arrival {
    Arrival {
        received_at: datetime!(2026-11-20 12:00 UTC),
        sent_at: None,
        client_ip: Some("203.0.113.9".into()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0 Safari/537.36".into()),
    }
}

fn normalized(value: serde_json::Value) -> Event<'static> {
    let mut read = event::read(value.to_string().leak().as_bytes()).unwrap();
    super::event(&mut read, &arrival());
    read
}

fn tag<'a>(event: &'a Event<'a>, key: &str) -> Option<&'a str> {
    event.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_ref())
}

#[test]
fn the_smallest_event_is_completed() {
    let event = normalized(json!({}));
    assert_eq!((event.level, event.platform.as_ref(), event.timestamp), (Some(Level::Error), "other", Some(arrival().received_at)));
    assert_eq!((event.tags.as_slice(), event.damage.len()), ([("level".into(), "error".into())].as_slice(), 0));
}

#[test]
fn names_are_cleaned_and_a_dist_needs_a_release() {
    let event = normalized(
        json!({"platform": "COBOL", "logger": "a\nb", "release": " r1 ", "environment": "", "dist": 7, "transaction": "x".repeat(300)}),
    );
    assert_eq!((event.platform.as_ref(), event.logger.as_deref(), event.release.as_deref()), ("other", Some("a b"), Some("r1")));
    assert_eq!((event.environment, event.dist.as_deref(), event.transaction.map(|name| name.len())), (None, Some("7"), Some(200)));
    assert_eq!(normalized(json!({"dist": "7"})).dist, None);
}

#[test]
fn an_address_is_filled_in_only_where_it_is_asked_for() {
    let address = |event: Event<'_>| event.user.and_then(|user| user.ip_address).map(String::from);
    let ours = Some("203.0.113.9".to_owned());
    assert_eq!(address(normalized(json!({"user": {"ip_address": "{{auto}}"}}))), ours);
    assert_eq!(address(normalized(json!({"platform": "javascript"}))), ours);
    assert_eq!(address(normalized(json!({"sdk": {"name": "x", "settings": {"infer_ip": "auto"}}}))), ours);
    assert_eq!(address(normalized(json!({"platform": "javascript", "sdk": {"name": "x", "settings": {"infer_ip": "never"}}}))), None);
    assert_eq!(address(normalized(json!({"platform": "python", "user": {"id": 1}}))), None);
    let behind = json!({"user": {"ip_address": "{{auto}}"}, "request": {"env": {"REMOTE_ADDR": "198.51.100.7"}}});
    assert_eq!(address(normalized(behind)).as_deref(), Some("198.51.100.7"));
    let odd = normalized(json!({"user": {"ip_address": "not-an-ip"}}));
    assert_eq!((odd.user, odd.damage[0].path.as_str()), (None, "user.ip_address"));
}

#[test]
fn ten_thousand_frames_keep_both_ends_and_fifty_with_locals() {
    let frames: Vec<_> = (0..10_000)
        .map(|n| json!({"function": format!("f{n}"), "lineno": n, "vars": {"a": 1}, "context_line": "x", "pre_context": ["y"], "in_app": n % 2 == 0}))
        .collect();
    let event = normalized(json!({"exception": [{"type": "RecursionError", "stacktrace": {"frames": frames}}]}));
    let trace = event.exceptions[0].stacktrace.as_ref().unwrap();
    assert_eq!(trace.frames.len(), frames::FRAMES_MAX);
    assert_eq!((trace.frames[0].function.as_deref(), trace.frames[249].function.as_deref()), (Some("f0"), Some("f9999")));
    assert_eq!(trace.other["frames_omitted"], json!([125, 9_875]));
    let detailed: Vec<_> = trace.frames.iter().filter(|frame| !frame.vars.is_empty()).collect();
    assert_eq!((detailed.len(), detailed.iter().all(|frame| frame.in_app == Some(true))), (frames::DETAILED_MAX, true));
    assert!(trace.frames.iter().all(|frame| frame.context_line.is_some()));
    assert_eq!(event.damage.len(), 2);
}

#[test]
fn huge_collections_are_cut_and_the_page_is_told() {
    let many = |n: usize| (0..n).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    let crumbs: Vec<_> = (0..10_000).map(|n| json!({"message": n.to_string()})).collect();
    let event = normalized(json!({"tags": many(500), "breadcrumbs": crumbs, "extra": {"big": "x".repeat(100_000)},
        "logentry": {"message": "m".repeat(20_000)}, "request": {"headers": many(1_000), "data": "d".repeat(50_000)},
        "exception": vec![json!({"type": "E", "value": "v".repeat(10_000)}); 500]}));
    assert_eq!((event.breadcrumbs.len(), event.breadcrumbs[99].message.as_deref()), (texts::BREADCRUMBS_MAX, Some("9999")));
    assert_eq!((tag(&event, "k99"), tag(&event, "k100"), tag(&event, "level")), (Some("v"), None, Some("error")));
    assert!(event.extra["big"].as_str().unwrap().ends_with(CUT_MARK));
    assert_eq!(event.exceptions.len(), 50);
    assert!(event::to_stored(&event).len() < 600_000);
    for path in
        ["tags", "breadcrumbs", "extra.big", "logentry.message", "request.headers", "request.data", "exception", "exception.values.0.value"]
    {
        assert!(event.damage.iter().any(|damage| damage.path == path), "{path}");
    }
}

#[test]
fn tags_are_cleaned_and_stay_unique() {
    let event = normalized(
        json!({"tags": [["with space", "x"], ["with-space", "y"], ["ü!", "a\nb"], ["long", "v".repeat(300)], ["level", "mine"]]}),
    );
    assert_eq!((tag(&event, "with-space"), tag(&event, "__"), tag(&event, "level")), (Some("x"), Some("a b"), Some("mine")));
    assert_eq!(tag(&event, "long").map(str::len), Some(tags::TAG_LEN_MAX));
    assert_eq!(event.tags.iter().filter(|(key, _)| key == "level").count(), 1);
}

#[test]
fn tags_people_filter_by_are_derived() {
    let event = normalized(
        json!({"platform": "python", "level": "fatal", "environment": "prod", "release": "a@1", "server_name": "web1", "transaction": "/pay/",
        "logger": "shop", "user": {"email": "ada@example.test"}, "request": {"url": "https://x/pay/?a=1", "headers": {"User-Agent": "Mozilla/5.0 (Windows NT 6.1) Firefox/127.0"}},
        "contexts": {"runtime": {"name": "CPython", "version": "3.12.1"}, "os": {"name": "Debian"}},
        "exception": [{"type": "E", "mechanism": {"type": "django", "handled": false}}]}),
    );
    for (key, value) in [
        ("level", "fatal"),
        ("environment", "prod"),
        ("release", "a@1"),
        ("server_name", "web1"),
        ("transaction", "/pay/"),
        ("logger", "shop"),
        ("user", "email:ada@example.test"),
        ("url", "https://x/pay/"),
        ("handled", "no"),
        ("mechanism", "django"),
        ("runtime", "CPython 3.12.1"),
        ("runtime.name", "CPython"),
        ("os", "Debian"),
        ("browser", "Firefox 127.0"),
        ("browser.name", "Firefox"),
    ] {
        assert_eq!(tag(&event, key), Some(value), "{key}");
    }
    assert_eq!(event.contexts["client_os"]["name"], json!("Windows"));
}

#[test]
fn the_culprit_is_the_transaction_or_the_failing_function() {
    let frames = json!([{"module": "shop.views", "function": "pay"}, {"module": "django.db", "function": "execute", "in_app": false}]);
    let exception = json!({"type": "E", "stacktrace": {"frames": frames}});
    assert_eq!(normalized(json!({"exception": exception})).culprit.as_deref(), Some("shop.views in pay"));
    assert_eq!(normalized(json!({"exception": exception, "transaction": "/pay/"})).culprit.as_deref(), Some("/pay/"));
    assert_eq!(normalized(json!({"exception": exception, "culprit": "jobs.nightly"})).culprit.as_deref(), Some("jobs.nightly"));
    assert_eq!(normalized(json!({"message": "m"})).culprit, None);
}

#[test]
fn texts_are_kept_up_to_their_limit_and_not_beyond() {
    let long = "x".repeat(40_000);
    let event = normalized(json!({
        "logger": long, "transaction": long, "culprit": long, "server_name": long, "release": long, "dist": long, "environment": long,
        "user": {"id": long, "username": long, "name": long, "email": long},
        "tags": {"long": long},
        "logentry": {"message": long, "formatted": long},
        "exception": [{"type": long, "module": long, "value": long,
            "stacktrace": {"frames": [{"function": "f", "vars": {"one": long}}]}}],
        "breadcrumbs": [{"type": long, "category": long, "message": long, "data": {"one": long}}],
        "request": {"url": format!("https://shop.example/{long}"), "data": long, "headers": {"X-Long": long}},
        "extra": {"long": long}, "contexts": {"own": {"long": long}}, "modules": {"long": long},
    }));
    let stored: serde_json::Value = serde_json::from_slice(&event::to_stored(&event)).unwrap();
    for (place, limit) in [
        ("/logger", 64),
        ("/transaction", 200),
        ("/culprit", 200),
        ("/server_name", 256),
        ("/release", 200),
        ("/dist", 64),
        ("/environment", 64),
        ("/user/id", 128),
        ("/user/username", 128),
        ("/user/name", 128),
        ("/user/email", 254),
        ("/tags/0/1", 200),
        ("/logentry/message", 8_192),
        ("/logentry/formatted", 8_192),
        ("/exceptions/0/type", 256),
        ("/exceptions/0/module", 256),
        ("/exceptions/0/value", 8_192),
        ("/exceptions/0/stacktrace/frames/0/vars/one", 2_048),
        ("/breadcrumbs/0/type", 128),
        ("/breadcrumbs/0/category", 128),
        ("/breadcrumbs/0/message", 8_192),
        ("/breadcrumbs/0/data/one", 2_048),
        ("/request/url", 2_048),
        ("/request/data", 8_192),
        ("/request/headers/0/1", 1_024),
        ("/extra/long", 16_384),
        // Its key counts as well.
        ("/contexts/own/long", 8_192 - "long".len() - 4),
        ("/modules/long", 200),
    ] {
        let kept = stored.pointer(place).and_then(serde_json::Value::as_str);
        let kept = kept.unwrap_or_else(|| panic!("{place} of {}", stored.to_string().replace(&"x".repeat(50), "")));
        assert_eq!(kept.chars().count(), limit, "{place}");
        assert!(kept.ends_with(CUT_MARK) || place == "/dist", "{place}");
    }
}
