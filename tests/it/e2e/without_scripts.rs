//! The same work with JavaScript switched off, in the dark theme: no page may need a script.

use super::chromium::Chromium;
use super::django::Django;
use crate::harness::{OWNER_EMAIL, OWNER_PASSWORD, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_is_found_resolved_and_comes_back_without_javascript() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now()).await;
    let project = app.project("shop").await;
    let django = Django::start(&project.dsn, "shop@1.0.0", |_| ()).await;
    let chromium = Chromium::open(false, true).await;

    sign_in(&app, &chromium).await;
    chromium.until_at(&format!("{}/shop/setup", app.url())).await;
    assert!(chromium.text().await.contains("Waiting for your first event"));
    for path in ["/checkout/HP-1/", "/say/HP-2/"] {
        django.get(path).await;
    }
    django.flush().await;
    app.settle().await;
    chromium.until_shows(".ih h1").await; // the waiting page looks again by itself

    chromium.goto(&format!("{}/shop/issues?query=is:unresolved+PaymentCapture", app.url())).await;
    assert_eq!(chromium.count(".iss > li").await, 1, "the search leaves the other issue out");
    chromium.shoot("no-scripts-issues-dark").await;
    chromium.click(".ti a").await;
    chromium.until_shows(".acts").await;
    chromium.shoot("no-scripts-issue-dark").await;
    chromium.click(".acts button[value=resolve]").await;
    chromium.until_shows(".ih .badge.ok").await;

    app.clock.advance(time::Duration::MINUTE);
    django.get("/checkout/HP-3/").await;
    django.flush().await;
    app.settle().await;
    chromium.goto(&format!("{}/shop/issues?query=is:regressed", app.url())).await;
    assert_eq!(chromium.count(".iss > li .badge.reg").await, 1);
    chromium.close().await;
}

async fn sign_in(app: &TestApp, chromium: &Chromium) {
    app.owner().await;
    chromium.goto(&format!("{}/shop/setup", app.url())).await;
    chromium.until_shows("[name=password]").await;
    chromium.shoot("no-scripts-login-dark").await;
    chromium.fill("[name=email]", OWNER_EMAIL).await;
    chromium.fill("[name=password]", OWNER_PASSWORD).await;
    chromium.click("main form .btn.go").await;
}
