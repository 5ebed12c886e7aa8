//! The reason Bugle exists, told once from beginning to end.

use bugle::actions::setup;
use bugle::clock::Clock;
use time::Duration;

use super::chromium::Chromium;
use super::django::Django;
use crate::harness::TestApp;

/// Twice an hour for four days is what the shop's refund bug does on ordinary days.
const ORDINARY_HOURS: u32 = 96;
/// Fifty times that.
const FLOOD: u32 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_django_error_arrives_is_grouped_is_browsed_and_is_mailed() {
    let app = TestApp::start_at(Clock::system().now()).await;
    let chromium = Chromium::open(true, false).await;

    let dsn = set_up(&app, &chromium).await;
    let django = Django::start(&dsn, "shop@1.0.0", |_| ()).await;
    the_first_error_shows_and_is_mailed(&app, &chromium, &django).await;
    other_ids_a_shifted_line_and_another_release_are_the_same_issue(&app, &chromium, &dsn).await;
    resolved_and_raised_again_it_is_regressed(&app, &chromium, &django).await;
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_at_fifty_times_the_usual_rate_is_one_mail() {
    let app = TestApp::start_at(Clock::system().now()).await;
    let project = app.project("shop").await;
    let django = Django::start(&project.dsn, "shop@1.0.0", |_| ()).await;

    for _ in 0..ORDINARY_HOURS {
        raise(&django, "/refund/", 2).await;
        app.advance(Duration::HOUR).await;
    }
    let before = app.mails().len();
    assert_eq!(app.mails().iter().filter(|mail| mail.subject().contains("Spiking")).count(), 0, "two an hour are usual");
    raise(&django, "/refund/", FLOOD).await;
    app.settle().await;
    app.live_through(Duration::minutes(30)).await;

    let mails = app.mails().split_off(before);
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject().to_owned()).collect();
    assert_eq!(subjects.len(), 1, "one mail for one incident: {subjects:?}");
    assert!(subjects[0].starts_with("[shop] Spiking: LookupError"), "{subjects:?}");
}

/// Opens the one-time link, creates the owner and the project; answers the DSN shown.
async fn set_up(app: &TestApp, chromium: &Chromium) -> String {
    let token = setup::new_link(&app.db, &app.clock).await.expect("the link is stored").expect("there is no user yet");
    chromium.goto(&format!("{}/setup?token={token}", app.url())).await;
    chromium.shoot("setup").await;
    chromium.fill("[name=name]", "Maya Lindqvist").await;
    chromium.fill("[name=email]", "maya@shop.example").await;
    chromium.fill("[name=password]", "correct horse battery").await;
    chromium.click("main form button").await;
    chromium.until_at(&format!("{}/projects/new", app.url())).await;
    chromium.shoot("project-new").await;
    chromium.fill("[name=name]", "shop").await;
    chromium.click("main form .btn.go").await;
    chromium.until_at(&format!("{}/shop/setup", app.url())).await;
    assert!(chromium.text().await.contains("Waiting for your first event"));
    chromium.shoot("onboarding").await;
    chromium.attr(".copy input", "value").await
}

async fn the_first_error_shows_and_is_mailed(app: &TestApp, chromium: &Chromium, django: &Django) {
    assert_eq!(django.get("/checkout/HP-20931/").await, 500);
    django.flush().await;
    app.settle().await;

    chromium.until_shows(".ih h1").await; // the waiting page turns into the event by itself
    chromium.goto(&format!("{}/shop/setup", app.url())).await;
    assert!(chromium.text().await.contains("Your first event arrived"));
    chromium.shoot("onboarding-arrived").await;
    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    assert!(chromium.text().await.contains("PaymentCaptureError"));
    chromium.shoot("issues").await;
    chromium.click(".ti a").await;
    chromium.until_shows(".ih h1").await;
    the_issue_page_has_everything(chromium).await;
    chromium.shoot("issue").await;

    let mails = app.mails();
    assert_eq!(mails.len(), 1, "the first mail of a young project leaves at once");
    assert_eq!(mails[0].to, ["maya@shop.example"]);
    assert_eq!(mails[0].subject(), "[shop] New: PaymentCaptureError in capture_payment");
    for body in [&mails[0].text, &mails[0].html] {
        assert!(body.contains("could not capture 129.90 EUR"), "{body}");
        assert!(!body.contains("hunter2") && !body.contains("4111 1111"), "secrets do not leave by mail: {body}");
    }
}

async fn the_issue_page_has_everything(chromium: &Chromium) {
    let text = chromium.text().await;
    for wanted in [
        "PaymentCaptureError",
        "could not capture 129.90 EUR for order HP-20931",
        "ConnectionError",
        "provider answered amount_mismatch for HP-20931",
        "payments/services.py",
        "capture_payment",
        "raise PaymentCaptureError(",
        "order_id",
        "/checkout/{order_id}/",
        "checkout of order HP-20931",
        "elsa.b@mail.example",
        "payment_provider",
        "adyra",
        "CPython",
        "shop@1.0.0",
        "production",
    ] {
        assert!(text.contains(wanted), "“{wanted}” is not on the issue page:\n{text}");
    }
    for secret in ["hunter2", "4111 1111 1111 1111"] {
        assert!(!text.contains(secret), "a secret is on the issue page: {secret}");
    }
    assert!(chromium.shows("details.frame.app[open]").await, "your own frames are open");
    assert!(chromium.shows("details.frames:not([open])").await, "framework frames are folded");
}

async fn other_ids_a_shifted_line_and_another_release_are_the_same_issue(app: &TestApp, chromium: &Chromium, dsn: &str) {
    let shifted = Django::start(dsn, "shop@1.0.1", |project| {
        let services = project.join("payments/services.py");
        let source = std::fs::read_to_string(&services).expect("the copy is readable");
        std::fs::write(&services, format!("# one\n# two\n# three\n{source}")).expect("the copy is writable");
    })
    .await;
    for order in ["AC-1", "ZZ-99817", "HP-20932"] {
        assert_eq!(shifted.get(&format!("/checkout/{order}/?user=7")).await, 500);
    }
    shifted.flush().await;
    app.settle().await;

    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    assert_eq!(chromium.count(".iss > li").await, 1, "one bug, one issue");
    chromium.click(".ti a").await;
    chromium.until_shows(".facts").await;
    assert_eq!(chromium.fact("Events").await, "4");
    assert_eq!(chromium.fact("Users").await, "2");
    assert_eq!(app.mails().len(), 1, "no mail for repetitions");
}

async fn resolved_and_raised_again_it_is_regressed(app: &TestApp, chromium: &Chromium, django: &Django) {
    chromium.click(".acts button[formaction$=resolve], .acts button[value=resolve]").await;
    chromium.until_shows(".ih .badge.ok").await;
    chromium.shoot("issue-resolved").await;
    app.clock.advance(Duration::MINUTE);
    assert_eq!(django.get("/checkout/HP-20940/").await, 500);
    django.flush().await;
    app.settle().await;

    chromium.goto(&format!("{}/shop/issues", app.url())).await;
    assert!(chromium.text().await.contains("Regressed"));
    chromium.shoot("issues-regressed").await;
    app.live_through(Duration::minutes(15)).await;
    let subjects: Vec<_> = app.mails().into_iter().map(|mail| mail.subject().to_owned()).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects[1].starts_with("[shop] Came back: PaymentCaptureError"), "{subjects:?}");
}

/// Each time from another address: one person alone is no spike.
async fn raise(django: &Django, path: &str, times: u32) {
    for n in 0..times {
        assert_eq!(django.get_from(&format!("192.0.2.{n}"), &format!("{path}HP-{n}/")).await, 500);
    }
    django.flush().await;
}
