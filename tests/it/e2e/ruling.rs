//! From an issue to the reasons for it, and from there to a rule: tried on what is stored, saved, in force.

use time::Duration;

use super::chromium::Chromium;
use crate::harness::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reasons_of_an_issue_lead_to_a_rule_that_is_tried_and_saved() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    for function in ["capture", "refund"] {
        sdk.raise("PaymentError", "provider answered no", function).await;
    }
    app.settle().await;
    let chromium = Chromium::open(true, false).await;
    chromium.sign_in(&app).await;

    chromium.goto(&format!("{}/issues/1", app.url())).await;
    chromium.click("a[href$='/why']").await;
    chromium.until_shows("#change").await;
    let reasons = chromium.text().await;
    for text in ["Why this issue?", "Compared by exception", "Decided", "its text does not", "Leave it out", "Merge with"] {
        assert!(reasons.contains(text), "{text} is missing in {reasons}");
    }
    chromium.shoot_whole("why", 1440).await;

    chromium.click("#change .body > div:last-child li:last-child a").await;
    chromium.until_shows("#preview").await;
    let preview = chromium.text().await;
    assert!(preview.contains("2 issues would go to one new issue"), "{preview}");
    assert_eq!(chromium.count("#versions tbody tr").await, 0, "nothing is saved by trying");
    chromium.shoot_whole("rule-tried", 1440).await;
    chromium.click("button[value=save]").await;
    chromium.until_shows("#versions tbody tr").await;

    app.clock.advance(Duration::seconds(3));
    for function in ["capture", "refund"] {
        sdk.raise("PaymentError", "provider answered no", function).await;
    }
    app.settle().await;
    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    assert_eq!(chromium.count(".iss > li").await, 3, "both new events are in one new issue");
    chromium.goto(&format!("{}/issues/3", app.url())).await;
    assert_eq!(chromium.fact("Events").await, "2");
    chromium.close().await;
}
