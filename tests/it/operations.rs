//! What operators and their probes see.

use crate::harness::TestApp;

#[tokio::test]
async fn the_process_says_it_lives() {
    let app = TestApp::start().await;
    let page = app.browser().open("/healthz").await;
    assert_eq!((page.status.as_u16(), page.html.as_str()), (200, "ok\n"));
}
