//! Who an event is of and where they are, from the request to the page: addresses that SDKs ask for, that application servers tell, and
//! what a file of places knows about them.

use std::path::PathBuf;

use bugle::config::Config;
use serde_json::{Value, json};

use crate::harness::{Browser, Project, Setup, TestApp};

/// The address that our proxy saw.
const CALLER: &str = "203.0.113.77";

/// Behind a proxy, with a file of places.
fn placed(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    config.geoip_file = Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/geoip/invented.mmdb")));
}

async fn start() -> (TestApp, Project, Browser) {
    let app = TestApp::start_with(Setup { configure: placed, ..Setup::default() }).await;
    let project = app.project("shop").await;
    let browser = app.sign_in_owner().await;
    (app, project, browser)
}

/// Sends an event from behind the proxy; answers it as it is stored.
async fn stored(app: &TestApp, project: &Project, browser: &Browser, number: u32, mut event: Value) -> Value {
    let id = format!("{number:032x}");
    event["event_id"] = json!(id);
    event["message"] = json!(format!("hello {number}"));
    let sdk = app.sdk(project);
    let sent = sdk.send(sdk.request("store").header("x-forwarded-for", CALLER).body(event.to_string())).await;
    assert_eq!(sent.status, 200);
    app.settle().await;
    let issue: i64 = sqlx::query_scalar("SELECT issue_id FROM events WHERE event_id = $1::uuid")
        .bind(uuid::Uuid::from_u128(number.into()))
        .fetch_one(&app.db)
        .await
        .expect("the event is stored");
    let raw = browser.open(&format!("/issues/{issue}/events/{id}.json")).await;
    serde_json::from_str(&raw.html).expect("the raw event is JSON")
}

#[tokio::test]
async fn an_address_is_that_of_the_caller_where_it_is_asked_for_and_that_of_the_visitor_where_a_server_tells_it() {
    let (app, project, browser) = start().await;
    let visitor = json!({ "env": { "REMOTE_ADDR": "203.0.113.5" } });
    let cases = [
        (json!({ "user": { "ip_address": "{{auto}}" } }), json!(CALLER)),
        (json!({ "sdk": { "name": "sentry.javascript.browser", "settings": { "infer_ip": "auto" } } }), json!(CALLER)),
        (json!({ "platform": "javascript" }), json!(CALLER)),
        (json!({ "platform": "javascript", "sdk": { "name": "x", "settings": { "infer_ip": "never" } } }), Value::Null),
        (json!({ "platform": "python" }), Value::Null),
        (json!({ "platform": "python", "request": visitor }), json!("203.0.113.5")),
        (json!({ "user": { "ip_address": "{{auto}}" }, "request": visitor }), json!("203.0.113.5")),
        (json!({ "platform": "python", "request": { "env": { "REMOTE_ADDR": "10.0.0.3" } } }), Value::Null),
        (json!({ "user": { "ip_address": "2001:db8:7::1" } }), json!("2001:db8:7::1")),
    ];
    for (number, (event, address)) in (1..).zip(cases) {
        let kept = stored(&app, &project, &browser, number, event.clone()).await;
        assert_eq!(kept["user"]["ip_address"], address, "{event}: {kept}");
    }
    let people: i64 = sqlx::query_scalar("SELECT count(DISTINCT person) FROM issue_people").fetch_one(&app.db).await.expect("a count");
    assert_eq!(people, 3, "people without a name are counted by their address");
}

#[tokio::test]
async fn places_of_addresses_are_kept_shown_and_gone_where_addresses_are_not_kept() {
    let (app, project, browser) = start().await;
    let event = json!({ "user": { "ip_address": "{{auto}}" } });
    let kept = stored(&app, &project, &browser, 1, event.clone()).await;
    assert_eq!(kept["user"]["geo"]["city"], json!("Reveille"), "{kept}");
    assert_eq!((&kept["user"]["geo"]["country_code"], &kept["user"]["geo"]["region"]), (&json!("XB"), &json!("Hornshire")), "{kept}");
    browser.open("/issues/1").await.assert_shows("Reveille");
    let nowhere = stored(&app, &project, &browser, 2, json!({ "user": { "ip_address": "192.0.2.1" } })).await;
    assert_eq!(nowhere["user"]["geo"], Value::Null, "{nowhere}");
    let said = stored(&app, &project, &browser, 3, json!({ "user": { "ip_address": CALLER, "geo": { "city": "Elsewhere" } } })).await;
    assert_eq!(said["user"]["geo"]["city"], json!("Elsewhere"), "the sender knows better: {said}");

    browser.submit("/shop/settings/scrubbing", &[("defaults", "on"), ("addresses", "drop")]).await.assert_shows("Saved.");
    app.advance(time::Duration::seconds(3)).await;
    let without = stored(&app, &project, &browser, 4, event).await;
    assert!(!without.to_string().contains(CALLER), "{without}");
    assert_eq!(without["user"]["geo"]["country_code"], json!("XB"), "where somebody is tells little of who they are: {without}");
}

#[tokio::test]
async fn a_site_is_a_tag_that_can_be_searched_for() {
    let (app, project, browser) = start().await;
    let kept = stored(&app, &project, &browser, 1, json!({ "site": " shop.example " })).await;
    assert!(kept["tags"].as_array().is_some_and(|tags| tags.contains(&json!(["site", "shop.example"]))), "{kept}");
    stored(&app, &project, &browser, 2, json!({ "site": "other.example" })).await;
    let found = browser.open("/shop/issues?query=site:shop.example").await;
    found.assert_shows("hello 1");
    found.assert_hides("hello 2");
}
