//! What is replaced and what is left alone.

use serde_json::{Value, json};

use super::*;
use crate::protocol::event;

fn scrubbed(value: Value) -> Value {
    let sent = value.to_string();
    let mut read = event::read(sent.as_bytes()).unwrap();
    super::event(&mut read);
    let once = read.clone();
    super::event(&mut read);
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
            "token": null, "has_cookie": true, "secret": "", "auth": {}, "card": FILTERED, "number": FILTERED})
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
