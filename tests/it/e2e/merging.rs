//! Two issues are one bug: merged in the list, split off again, without JavaScript.

use super::chromium::Chromium;
use crate::harness::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_issues_are_merged_in_the_list_and_split_off_again() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let project = app.project("shop").await;
    for (message, function) in
        [("could not capture 7 EUR", "capture"), ("could not capture 9 EUR", "capture_again"), ("no stock", "reserve")]
    {
        app.sdk(&project).raise("PaymentError", message, function).await;
    }
    app.settle().await;
    let chromium = Chromium::open(false, false).await;
    chromium.sign_in(&app).await;

    chromium.goto(&format!("{}/shop/issues?query=is:unresolved+capture", app.url())).await;
    assert_eq!(chromium.count(".iss > li").await, 2);
    chromium.click(".iss > li:nth-child(1) input").await;
    chromium.click(".iss > li:nth-child(2) input").await;
    chromium.shoot("merge-selected").await;
    chromium.click(".bulk button[value=merge]").await;
    chromium.until_shows(".note.ok").await;
    assert!(chromium.text().await.contains("2 issues are one now"));
    chromium.shoot_whole("merge-done", 1440).await;

    chromium.click("a[href$='/merged']").await;
    chromium.until_shows("form[action$='/split']").await;
    chromium.shoot("merged-page").await;
    let last = ".card:last-of-type tbody tr";
    for row in 1..=chromium.count(last).await {
        chromium.click(&format!("{last}:nth-child({row}) input")).await;
    }
    chromium.click("form[action$='/split'] button.go").await;
    chromium.until_shows(".note.ok").await;
    assert!(chromium.text().await.contains("Split off SHOP-"));
    chromium.shoot_whole("merge-undone", 1440).await;
    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    assert_eq!(chromium.count(".iss > li").await, 3);
    chromium.close().await;
}
