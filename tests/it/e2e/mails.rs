//! Every kind of mail as a mail program with a narrow pane shows it, in both themes. The pictures are kept under `screenshots/`.

use std::path::Path;

use super::chromium::Chromium;
use super::shop;
use crate::harness::{Mail, OWNER_EMAIL, TestApp};

/// A preview pane, and a phone.
const WIDTHS: [u32; 2] = [600, 390];
/// What each kind of mail is called, and how its subject can be told.
const KINDS: [(&str, &str); 7] = [
    ("new", "New: PaymentCaptureError"),
    ("spiking", "Spiking: PaymentCaptureError"),
    ("back", "Came back: "),
    ("digest", "new issues since"),
    ("invitation", "invites you"),
    ("reset", "new Bugle password"),
    ("test", "can send mail"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mail_fits_a_narrow_pane_and_a_phone_in_both_themes() {
    let app = TestApp::start_at(bugle::clock::Clock::system().now() - shop::PAST).await;
    everything_that_is_mailed(&app).await;
    let mails = app.mails();
    let of_kind = |part: &str| {
        mails.iter().find(|mail| mail.subject().contains(part)).unwrap_or_else(|| panic!("no mail “{part}”: {:#?}", subjects(&mails)))
    };
    for dark in [false, true] {
        let chromium = Chromium::open(true, dark).await;
        for (kind, part) in KINDS {
            let mail = of_kind(part);
            chromium.goto(&kept(kind, mail)).await;
            for width in WIDTHS {
                chromium.resize(width, 900).await;
                chromium.shoot_whole(&format!("mail-{kind}-{width}-{}", if dark { "dark" } else { "light" }), width).await;
                let wider = chromium.run("return document.documentElement.scrollWidth - window.innerWidth", vec![]).await;
                assert!(wider.as_i64().is_some_and(|pixels| pixels <= 0), "{kind} is {wider} pixels wider than {width}");
            }
        }
        chromium.close().await;
    }
}

async fn everything_that_is_mailed(app: &TestApp) {
    let shop = app.project("shop").await;
    shop::two_days(app, &shop, 80).await;
    app.live_through(time::Duration::minutes(20)).await;
    let owner = app.sign_in_owner().await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues WHERE type = 'MemoryError'").fetch_one(&app.db).await.expect("it is there");
    owner.submit(&format!("/issues/{issue}/resolve"), &[]).await;
    app.advance(time::Duration::hours(2)).await; // Sooner it could be an event that was on its way.
    shop::memory_error(app, &shop, "2026.11.20-1").await;
    app.live_through(time::Duration::minutes(20)).await;
    for name in ["KeyError", "OSError", "DeadlockDetected", "ValidationError", "InvalidOperation", "DisallowedHost"] {
        app.sdk(&shop).raise(name, "'shipping_method' is not in the form of order HP-20931", "CheckoutSerializer.validate").await;
    }
    app.live_through(time::Duration::minutes(20)).await;
    owner.submit("/members/invite", &[("email", "sam@shop.example"), ("role", "member")]).await;
    owner.submit("/admin/mail/test", &[]).await;
    app.browser().submit("/reset", &[("email", OWNER_EMAIL)]).await;
    app.settle().await;
}

/// Writes the mail beside the pictures, both twins; answers the address of its HTML.
fn kept(kind: &str, mail: &Mail) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    std::fs::create_dir_all(&folder).expect("the checkout is writable");
    std::fs::write(folder.join(format!("mail-{kind}.txt")), format!("{}\n\n{}", mail.subject(), mail.text)).expect("it is writable");
    let page = folder.join(format!("mail-{kind}.html"));
    std::fs::write(&page, &mail.html).expect("it is writable");
    format!("file://{}", page.display())
}

fn subjects(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(Mail::subject).collect()
}
