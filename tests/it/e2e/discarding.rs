//! An issue nobody will ever fix: deleted for ever on its page, its events dropped, and accepted again. Without JavaScript.

use super::chromium::Chromium;
use crate::harness::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_is_discarded_on_its_page_and_accepted_again_in_the_settings() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let project = app.project("shop").await;
    let sdk = app.sdk(&project);
    for function in ["extension_noise", "checkout"] {
        sdk.raise("TypeError", &format!("{function} is not a function"), function).await;
    }
    app.settle().await;
    let chromium = Chromium::open(false, false).await;
    chromium.sign_in(&app).await;

    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    assert_eq!(chromium.count(".iss > li").await, 2);
    chromium.goto(&format!("{}/issues/1", app.url())).await;
    chromium.shoot("discard-issue").await;
    chromium.click("a[href^='/issues/delete']").await;
    chromium.until_shows("button[value=discard]").await;
    chromium.shoot_whole("discard-ask", 1440).await;
    chromium.shoot_whole("discard-ask-phone", 390).await;
    chromium.click("button[value=discard]").await;
    chromium.until_shows(".note.ok").await;
    assert!(chromium.text().await.contains("SHOP-1 is deleted, and further events are dropped."));
    assert_eq!(chromium.count(".iss > li").await, 1);

    for _ in 0..3 {
        sdk.raise("TypeError", "extension_noise is not a function", "extension_noise").await;
    }
    app.settle().await;
    chromium.goto(&format!("{}/shop/settings/discards", app.url())).await;
    let page = chromium.text().await;
    assert!(page.contains("TypeError: extension_noise is not a function") && page.contains("SHOP-1"), "{page}");
    assert!(
        chromium
            .run("return document.querySelector('tbody td:nth-child(3)').innerText", vec![])
            .await
            .as_str()
            .is_some_and(|text| text.starts_with('3'))
    );
    chromium.shoot_whole("discards", 1440).await;
    chromium.shoot_whole("discards-phone", 390).await;
    chromium.click("form[action$='/accept'] button").await;
    chromium.until_shows(".note.ok").await;
    assert!(chromium.text().await.contains("No issue is discarded"));
    chromium.shoot_whole("discards-none", 1440).await;

    sdk.raise("TypeError", "extension_noise is not a function", "extension_noise").await;
    app.settle().await;
    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    assert_eq!(chromium.count(".iss > li").await, 2, "it is back");

    // From the list, two at once.
    chromium.click(".iss > li:nth-child(1) input").await;
    chromium.click(".iss > li:nth-child(2) input").await;
    chromium.shoot("discard-selected").await;
    chromium.click(".bulk button[value=delete]").await;
    chromium.until_shows("button[value=accept]").await;
    assert!(chromium.text().await.contains("Delete these 2 issues?"));
    chromium.click("button[value=accept]").await;
    chromium.until_shows(".note.ok").await;
    assert_eq!(chromium.count(".iss > li").await, 0);
    chromium.close().await;
}
