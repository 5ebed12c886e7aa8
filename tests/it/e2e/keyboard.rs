//! The keyboard, in the pages as they are: every key presses a control that is visible.

use super::chromium::Chromium;
use crate::harness::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issues_are_walked_opened_and_resolved_by_single_keys() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let project = app.project("shop").await;
    for function in ["pay", "ship", "refund"] {
        for n in 0..3 {
            app.sdk(&project).raise("ValueError", &format!("{function} {n}"), function).await;
            app.advance(time::Duration::MINUTE).await;
        }
    }
    let chromium = Chromium::open(true, false).await;
    chromium.sign_in(&app).await;
    on_the_list(&app, &chromium).await;
    on_an_issue(&app, &chromium).await;
    chromium.close().await;
}

async fn on_the_list(app: &TestApp, chromium: &Chromium) {
    let list = format!("{}/shop/issues", app.url());
    chromium.goto(&list).await;
    chromium.press("jj").await;
    assert_eq!(chromium.count(".iss > li:nth-child(2).cur").await, 1, "the cursor went down twice");
    chromium.press("k").await;
    assert_eq!(chromium.count(".iss > li:nth-child(1).cur").await, 1, "and up once");
    chromium.press("x").await;
    assert_eq!(chromium.count(".iss > li:nth-child(1) input:checked").await, 1);
    chromium.press("e").await;
    chromium.until_shows(".note.ok").await;
    assert_eq!(chromium.count(".iss > li").await, 2, "the selected issue is resolved");
    chromium.press("u").await;
    chromium.until_shows(".iss > li:nth-child(3)").await;
    chromium.press("/is:resolved").await;
    let typed = chromium.run("return document.activeElement.value", vec![]).await;
    assert!(typed.as_str().is_some_and(|typed| typed.ends_with("is:resolved")), "keys in a field are text: {typed}");
    chromium.goto(&list).await;
    chromium.press("jo").await;
    chromium.until_shows(".ih h1").await;
}

async fn on_an_issue(app: &TestApp, chromium: &Chromium) {
    let newest = chromium.path().await;
    chromium.press("[").await;
    chromium.until_shows(".evnav a[aria-label='Newer event']").await;
    let older = chromium.path().await;
    assert_ne!(older, newest);
    chromium.press("]").await;
    chromium.until_shows(".evnav [aria-label='No newer event']").await;
    chromium.press("r").await;
    chromium.until_shows(".evnav .btn[aria-current]").await;
    chromium.press("i").await;
    assert_eq!(chromium.count(".acts .menu[open]").await, 1, "the menu of ignoring is open");
    chromium.press("\u{e00c}").await;
    assert_eq!(chromium.count(".acts .menu[open]").await, 0, "escape closes it");
    chromium.press("e").await;
    chromium.until_shows(".ih .badge.ok").await;
    chromium.press("gi").await;
    chromium.until_at(&format!("{}/shop/issues", app.url())).await;
    assert_eq!(chromium.count(".iss > li").await, 2);
    chromium.press("?").await;
    chromium.until_at(&format!("{}/help", app.url())).await;
}
