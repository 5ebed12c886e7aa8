//! What is replaced and what is left alone.

use serde_json::{Value, json};

use super::*;
use crate::domain::scrubbing::{Addresses, Scrubbing};
use crate::protocol::event;

fn scrubbed(value: Value) -> Value {
    scrubbed_by(&Scrubbing::default(), value)
}

fn scrubbed_by(chosen: &Scrubbing, value: Value) -> Value {
    let (sent, rules) = (value.to_string(), Rules::of(chosen));
    let mut read = event::read(sent.as_bytes()).unwrap();
    super::event(&mut read, &rules);
    let once = read.clone();
    super::event(&mut read, &rules);
    assert_eq!(read, once, "scrubbing twice changes something");
    serde_json::to_value(&read).unwrap()
}

#[test]
fn secrets_go_by_key_at_any_depth() {
    let event = scrubbed(
        json!({"extra": {"a": {"b": [{"api_key": "x", "n": 1}]}, "password": ["a", {"b": 1}], "session_count": 3, "author": "ada",
        "token": null, "has_cookie": true, "secret": "", "auth": {}, "card": 4111111111111111u64, "number": 4111111111111111u64}}),
    );
    assert_eq!(
        event["extra"],
        json!({"a": {"b": [{"api_key": FILTERED, "n": 1}]}, "password": FILTERED, "session_count": 3, "author": "ada",
            "token": null, "has_cookie": true, "secret": "", "auth": {}, "card": FILTERED, "number": "[Filtered card number]"})
    );
}

#[test]
fn every_part_of_a_request_is_scrubbed() {
    let event = scrubbed(json!({"request": {"url": "https://ada:hunter2@x.test/p", "query_string": "page=2&token=hunter2",
        "headers": {"Cookie": "a=hunter2", "X-Api-Key": "hunter2", "Referer": "https://x.test/?api_key=hunter2", "Accept": "a"},
        "cookies": {"sessionid": "hunter2", "theme": "dark", "laravel": "eyJpdiI6Imh1bnRlcjI5hunter2"},
        "data": "{\"password\": \"hunter2\", \"a\": 1}", "env": {"DB_PASSWORD": "hunter2", "REMOTE_ADDR": "127.0.0.1"}}}));
    let text = event.to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("dark") && text.contains("127.0.0.1") && text.contains("page"));
}

#[test]
fn frames_lose_secrets_in_locals_and_source() {
    let event = scrubbed(
        json!({"stacktrace": {"frames": [{"function": "pay", "vars": {"password": "'hunter2'", "form": "{'card': 'hunter2', 'n': '1'}", "n": "1"},
        "pre_context": ["password = \"hunter2\""], "context_line": "pay(token='hunter2')", "post_context": ["return token"], "abs_path": "https://x/a.js?token=hunter2"}]}}),
    );
    let text = event.to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("return token") && text.contains("'n': '1'"));
}

#[test]
fn messages_breadcrumbs_tags_and_the_rest_are_scrubbed() {
    let event = scrubbed(json!({"logentry": {"message": "login password=%s for %s", "params": ["hunter2", "ada"]},
        "exception": [{"type": "E", "value": "bad token=hunter2", "mechanism": {"type": "x", "data": {"secret": "hunter2"}}}],
        "breadcrumbs": [{"message": "GET /?token=hunter2", "data": {"http.query": "token=hunter2", "auth": "hunter2"}}],
        "tags": {"api_key": "hunter2", "url": "https://x/?token=hunter2"}, "user": {"id": 1, "session": "hunter2"},
        "contexts": {"auth": {"type": "auth", "value": "hunter2"}, "app": {"argv": ["x", "--password", "hunter2", "--token=hunter2"]}},
        "extra": {"pairs": [["token", "hunter2"]], "form": [{"name": "password", "value": "hunter2"}]}, "unknown": {"deep": {"pwd": "hunter2"}},
        "transaction": "/p?token=hunter2", "release": {"password": "hunter2"}, "timestamp": "password=hunter2"}));
    let text = event.to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(event["logentry"]["params"], json!([FILTERED, "ada"]));
    assert_eq!(event["contexts"]["auth"]["type"], json!("auth"));
    assert_eq!(event["user"]["id"], json!("1"));
}

#[test]
fn what_an_sdk_has_filtered_already_stays_as_it_is() {
    let sent = json!({"extra": {"password": "********", "token": "[Filtered]", "api_key": "********************"}});
    assert_eq!(scrubbed(sent.clone())["extra"], sent["extra"]);
}

#[test]
fn objects_that_only_say_where_they_are_stay() {
    let vars = json!({"session": "<sqlalchemy.orm.session.Session object at 0x7f0b>", "auth": "<class 'shop.auth.Backend'>", "token": "<Token at 0x1 value='hunter2'>"});
    let event = scrubbed(json!({"stacktrace": {"frames": [{"function": "f", "vars": vars}]}}));
    let kept = &event["stacktrace"]["frames"][0]["vars"];
    assert_eq!((&kept["session"], &kept["auth"], &kept["token"]), (&vars["session"], &vars["auth"], &json!(FILTERED)));
}

#[test]
fn packages_and_the_sdk_are_left_alone() {
    let sent = json!({"modules": {"django-auth-ldap": "4.1", "PyJWT": "2.0"}, "sdk": {"name": "s", "integrations": ["cookies"]}});
    let event = scrubbed(sent.clone());
    assert_eq!((&event["modules"], &event["sdk"]), (&sent["modules"], &sent["sdk"]));
}

#[test]
fn names_that_a_project_adds_are_secrets_everywhere() {
    let chosen = Scrubbing { names: vec!["iban".into(), "pin".into()], ..Scrubbing::default() };
    let event = scrubbed_by(
        &chosen,
        json!({"extra": {"customerIban": "DE89", "pin": 1234, "shipping": "by air", "text": "iban=DE89; pin: 4711", "n": 1},
            "tags": {"iban": "DE89"}, "request": {"headers": {"X-IBAN": "DE89"}, "query_string": "iban=DE89&page=2"},
            "exception": [{"type": "E", "value": "no such iban: DE89 in {'pin': 12}"}], "contexts": {"iban": {"v": "DE89"}}}),
    );
    let text = event.to_string();
    assert!(!["DE89", "1234", "4711", "12}"].iter().any(|secret| text.contains(secret)), "{text}");
    assert!(text.contains("by air") && text.contains("page"));
}

#[test]
fn safe_fields_keep_all_but_what_cannot_be_anything_but_a_secret() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3";
    let chosen = Scrubbing {
        safe: ["token_kind", "extra.order.*.session", "request.headers.x-auth-mode", "tags.card", "user.id"].map(String::from).to_vec(),
        ..Scrubbing::default()
    };
    let sent = json!({"extra": {"token_kind": "refresh", "order": {"a": {"session": {"key": "4111111111111111", "jwt": jwt}, "secret": "x1"}},
            "session": "x2", "deep": {"token_kind": 7}, "text": "token_kind=refresh token=x3"},
        "request": {"headers": {"X-Auth-Mode": "ldap", "Authorization": "x4"}}, "tags": {"card": "visa", "token": "x5"}});
    let event = scrubbed_by(&chosen, sent);
    let extra = &event["extra"];
    assert_eq!((&extra["token_kind"], &extra["deep"]["token_kind"]), (&json!("refresh"), &json!(7)));
    assert_eq!(extra["order"]["a"]["session"], json!({"key": "4111111111111111", "jwt": "[Filtered JWT]"}));
    assert_eq!(extra["text"], json!("token_kind=refresh token=[Filtered]"));
    let text = event.to_string();
    assert!((1..=5).all(|n| !text.contains(&format!("x{n}"))), "{text}");
    assert!(text.contains("ldap") && text.contains("visa"));
}

#[test]
fn with_the_default_rules_off_only_sure_secrets_and_own_names_go() {
    let chosen = Scrubbing { has_defaults: false, names: vec!["iban".into()], ..Scrubbing::default() };
    let event = scrubbed_by(
        &chosen,
        json!({"extra": {"password": "x", "card": "4111111111111111", "iban": "DE89", "key": "AKIAIOSFODNN7EXAMPLE", "text": "password=x iban=DE89"},
            "request": {"cookies": {"laravel": "eyJpdiI6Imh1bnRlcjI5hunter2"}}}),
    );
    assert_eq!(
        event["extra"],
        json!({"password": "x", "card": "4111111111111111", "iban": FILTERED, "key": "[Filtered token]", "text": "password=x iban=[Filtered]"})
    );
    assert!(event.to_string().contains("hunter2"));
}

#[test]
fn addresses_go_where_a_project_does_not_keep_them() {
    let sent = json!({"user": {"id": "ada@x.test", "email": "ada@x.test", "ip_address": "203.0.113.7"},
        "request": {"env": {"REMOTE_ADDR": "203.0.113.7", "SERVER_NAME": "web"}, "headers": {"X-Forwarded-For": "203.0.113.7, 10.0.0.1", "Host": "x.test"}},
        "message": "login of ada@x.test from 203.0.113.7"});
    assert_eq!(scrubbed(sent.clone())["user"]["email"], json!("ada@x.test"));

    let drop = Scrubbing { addresses: Addresses::Drop, ..Scrubbing::default() };
    let event = scrubbed_by(&drop, sent.clone());
    assert_eq!(event.to_string().matches("203.0.113.7").count(), event["logentry"].to_string().matches("203.0.113.7").count());
    assert_eq!(event["user"]["ip_address"], json!("[Filtered IP address]"));

    let nothing = Scrubbing { addresses: Addresses::DropEverywhere, keeps_emails: false, ..Scrubbing::default() };
    let text = scrubbed_by(&nothing, sent).to_string();
    assert!(!text.contains("203.0.113.7") && !text.contains("10.0.0.1") && !text.contains("ada@"), "{text}");
    assert!(text.contains("x.test") && text.contains("web"));
}

#[test]
fn every_rule_says_what_it_was() {
    for (sent, rule) in [
        ("4111111111111111", Rule::Card),
        ("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----", Rule::PrivateKey),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0", Rule::JsonWebToken),
        ("Bearer a1b2c3d4", Rule::Credentials),
        ("amqp://a:b1@mq", Rule::UrlPassword),
        ("AKIAIOSFODNN7EXAMPLE", Rule::Token),
        ("password=x", Rule::Name),
    ] {
        let event = scrubbed(json!({ "extra": { "v": sent } }));
        assert!(event["extra"]["v"].as_str().unwrap().contains(rule.marker()), "{sent}: {event}");
    }
}
