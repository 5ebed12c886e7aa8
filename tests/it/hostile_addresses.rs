//! Addresses nobody clicks on: searches, cursors and ids written by hand. No answer is a fault of ours, none takes long, none tells how
//! Bugle is made.

use bugle::app::http_server::HEAD_BYTES_MAX;
use reqwest::{Method, StatusCode};

use crate::harness::{Page, TestApp};

/// As it goes into a query.
fn encoded(raw: &str) -> String {
    url::form_urlencoded::byte_serialize(raw.as_bytes()).collect()
}

#[track_caller]
fn assert_no_fault(page: &Page, what: &str) {
    assert!(!page.status.is_server_error(), "{what}: {}\n{}", page.status, page.text());
    for leak in ["sqlx", "panicked", "SELECT ", "Bugle itself broke"] {
        assert!(!page.html.contains(leak), "“{leak}” for {what}");
    }
}

#[tokio::test]
async fn no_search_is_a_fault() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    app.sdk(&project).raise("ValueError", &"a".repeat(5_000), "pay").await;
    app.settle().await;
    let browser = app.sign_in_owner().await;
    let token = app.token(&app.owner().await, &["event:read"]).await;
    let many = (0..200).map(|n| format!("a{n}:b")).collect::<Vec<_>>().join(" ");
    let searches = [
        "\"",
        "a \"b",
        "\"\"",
        "'",
        "';--",
        "%%%",
        "%",
        "_",
        "\\",
        "\\\\\\",
        "%_\\%*",
        "is:",
        "is:\"",
        "!is:x",
        "!",
        "!!",
        "!\"",
        ":",
        "::",
        ":x",
        "level:",
        "level:>",
        "level:>=<",
        "release:[",
        "release:[[[[,,,]",
        "release:[]",
        "has:",
        "has:*",
        "first:>",
        "first:99999999999999999999d",
        "first:-99999999d",
        "last:>9999-12-31",
        "last:-0001-01-01",
        "events:>99999999999999999999",
        "events:-1",
        "users:>1e999",
        "user.id:",
        "user.ip:999.999.999.999",
        "\0",
        "a\0b",
        "is:\0",
        "\u{202e}",
        "𝕊",
        "*",
        "**",
        "type:*",
        "type:**********************a",
        "SHOP-99999999999999999999",
        "SHOP--1",
        "-1",
        "9223372036854775807",
        "' OR 1=1; DROP TABLE issues; --",
        "../../etc/passwd",
        "<script>",
        "javascript:alert(1)",
        "{{7*7}}",
        "%00",
        "%ZZ",
    ];
    let long = [
        "a".repeat(1_999),
        "*a".repeat(900),
        "\"".repeat(1_500),
        "[".repeat(1_900),
        "x".repeat(60_000),
        "(".repeat(1_900),
        many,
        "is:new ".repeat(29),
    ];
    for search in searches.iter().map(|search| (*search).to_owned()).chain(long) {
        for base in ["/shop-web/issues", "/issues"] {
            let page = browser.open(&format!("{base}?query={}", encoded(&search))).await;
            assert_no_fault(&page, &search[..search.len().min(40)]);
            // What fits into no request head is refused before it is a search.
            let is_heard = search.len() < HEAD_BYTES_MAX;
            let expected: &[_] =
                if is_heard { &[StatusCode::OK, StatusCode::NOT_FOUND] } else { &[StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE] };
            assert!(expected.contains(&page.status), "{} {search}", page.status);
        }
        let answer = app.api(&token).get(&format!("/api/0/projects/bugle/shop-web/issues/?query={}", encoded(&search))).await;
        assert!(!answer.status.is_server_error(), "{}: {}", &search[..search.len().min(40)], answer.status);
    }
    browser.open("/issues?query=%22open").await.assert_shows("A quotation mark is opened and never closed");
    browser.open(&format!("/issues?query={}", "x".repeat(3_000))).await.assert_shows("This search is too long");
    let form = [("do", "resolve"), ("all", "1"), ("base", "/issues"), ("query", "\"")];
    assert_eq!(browser.submit("/issues/bulk", &form).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_endless_address_or_form_is_refused() {
    let app = TestApp::start().await;
    let browser = app.sign_in_owner().await;
    let megabyte = "x".repeat(1 << 20);
    let sent = browser.request(Method::GET, &format!("/issues?query={megabyte}")).send().await;
    // Hung up on, or told so: either way nothing of it was read into a search.
    assert!(sent.is_err() || sent.is_ok_and(|answer| answer.status().is_client_error()));
    for path in ["/login", "/reset", "/account/profile", "/issues/bulk", "/projects/new"] {
        let page = browser.submit(path, &[("email", "a@b.example"), ("name", &megabyte), ("password", &megabyte)]).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_no_fault(&page, path);
    }
}

#[tokio::test]
async fn no_cursor_is_a_fault() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let event = app.sdk(&project).raise("ValueError", "x", "pay").await;
    app.settle().await;
    let issue: i64 = sqlx::query_scalar("SELECT id FROM issues").fetch_one(&app.db).await.expect("an issue");
    let browser = app.sign_in_owner().await;
    let token = app.token(&app.owner().await, &["event:read"]).await;
    let numbers = [
        "0",
        "-1",
        "1",
        "9223372036854775807",
        "-9223372036854775808",
        "99999999999999999999999",
        "-300000000000000000",
        "253402300799999999",
        "-62135596800000000",
        "x",
        "",
        "1e9",
        "%00",
    ];
    for number in numbers {
        for path in [
            format!("/shop-web/issues?cursor={number}.{number}"),
            format!("/shop-web/issues?cursor=-{number}.1&sort=first"),
            format!("/shop-web/issues?cursor={number}.1&sort=events"),
            format!("/issues/{issue}/events?before={number}-{event}"),
            format!("/issues/{issue}/events?after={number}-{event}"),
            format!("/shop-web/alerts?before={number}"),
            format!("/admin?before={number}-{number}"),
            format!("/admin?before={number}-1"),
            format!("/admin/mail?before={number}"),
            format!("/issues/{number}"),
            format!("/issues/SHOP-{number}"),
            format!("/issues/{number}/events"),
            format!("/issues/{number}/tags"),
            format!("/issues/{issue}/events/{number}"),
            format!("/issues/{issue}/events/{number}.json"),
            format!("/issues/{issue}?exc={number}&frames={number}&crumbs={number}"),
            format!("/alerts/{number}"),
            format!("/alerts/sent/{number}"),
            format!("/admin/mail/{number}"),
            format!("/events/{number}"),
            format!("/{number}/issues"),
            format!("/reset/{number}"),
            format!("/invite/{number}"),
            format!("/a/{number}/resolve"),
            format!("/a/1-{issue}-{number}-x/mute"),
            format!("/static/{number}"),
        ] {
            assert_no_fault(&browser.open(&path).await, &path);
        }
        for path in [
            format!("/issues/undo/{number}"),
            format!("/issues/{number}/resolve"),
            format!("/admin/dead-letters/{number}/retry"),
            format!("/admin/mail/{number}/retry"),
            format!("/members/{number}/role"),
            format!("/members/{number}/disable"),
            format!("/account/tokens/{number}/revoke"),
            format!("/alerts/{number}/pause"),
            format!("/shop-web/settings/keys/{number}"),
            format!("/shop-web/settings/members/{number}/remove"),
        ] {
            assert_no_fault(&browser.submit(&path, &[("role", "member"), ("enabled", "true"), ("to", "on")]).await, &path);
        }
        assert_no_fault(&browser.submit("/issues/bulk", &[("do", "resolve"), ("id", number)]).await, "bulk");
        assert_no_fault(&browser.submit("/shop-web/settings/members", &[("user", number)]).await, "members");
        for path in ["projects/bugle/shop-web/issues/", "projects/bugle/shop-web/events/", "organizations/bugle/issues/", "projects/"] {
            for cursor in [format!("{number}:{number}:0"), format!("{number}:{event}:1"), format!("0:{number}:1")] {
                let answer = app.api(&token).get(&format!("/api/0/{path}?cursor={cursor}&per_page={number}")).await;
                assert!(!answer.status.is_server_error(), "{path} {cursor}: {}", answer.status);
            }
        }
    }
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE disabled_at IS NULL").fetch_one(&app.db).await.expect("a count");
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_fault_of_ours_has_a_reference_and_no_detail() {
    let app = TestApp::start().await;
    let project = app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    let token = app.token(&app.owner().await, &["event:read"]).await;
    sqlx::query("ALTER TABLE issues RENAME TO elsewhere").execute(&app.db).await.expect("renamed");
    let page = browser.open(&format!("/{}/issues", project.slug)).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    page.assert_shows("Bugle itself broke");
    for leak in ["relation", "elsewhere", "does not exist", "SELECT", "sqlx", "src/"] {
        assert!(!page.html.contains(leak), "“{leak}” in {}", page.text());
    }
    assert!(page.headers["content-security-policy"].to_str().is_ok_and(|policy| policy.contains("frame-ancestors 'none'")));
    let answer = app.api(&token).get("/api/0/projects/bugle/shop-web/issues/").await;
    assert_eq!((answer.status, answer.json.to_string()), (StatusCode::INTERNAL_SERVER_ERROR, "{\"detail\":\"Internal error\"}".to_owned()));
}

#[tokio::test]
async fn a_search_that_takes_too_long_is_ended() {
    let app = TestApp::start().await;
    app.project("shop-web").await;
    let browser = app.sign_in_owner().await;
    let token = app.token(&app.owner().await, &["event:read"]).await;
    // To a search, waiting for ever is the same as computing for ever.
    let mut elsewhere = app.db.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE issues IN ACCESS EXCLUSIVE MODE").execute(&mut *elsewhere).await.expect("locked");
    let api = app.api(&token);
    let (page, answer) = tokio::join!(browser.open("/issues?query=*a*b*c*"), api.get("/api/0/organizations/bugle/issues/?query=*a*b*c*"));
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.assert_shows("This search took too long and was ended.");
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.json);
    elsewhere.rollback().await.expect("unlocked");
    assert_eq!(browser.open("/issues?query=*a*b*c*").await.status, StatusCode::OK);
}
