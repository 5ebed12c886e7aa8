//! Connections made to hurt: headers, bodies and readers that dawdle, lengths that lie, thousands at a time. What becomes of them, that others
//! do not notice, and that memory stays bounded.

use std::time::Duration;

use bugle::app::http_server::{HEAD_BYTES_MAX, HttpServer};
use bugle::app::patience::Patience;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::accept_support::{AUTH, ENVELOPE, KEY, app, spooled};
use crate::harness::{Project, Sdk, Site, TestApp, listen};

/// Far more than any answer takes; only a test that fails waits for it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// For what has to be given up in a test; long enough for a request in earnest on a busy machine.
const SHORT: Duration = Duration::from_millis(500);
/// Half a request line.
const SLOW_HEAD: &str = "POST /api/42/envelope/ HTTP/1.1\r\nHost: bu";

/// The app behind another server, with this much patience.
async fn serve(app: &TestApp, patience: Patience) -> (HttpServer, String) {
    let listener = listen().await;
    let address = listener.local_addr().expect("bound").to_string();
    (HttpServer::start(listener, app.app.router(), &patience).expect("it listens"), address)
}

async fn connect(address: &str, say: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(say.as_bytes()).await.expect("it takes what the kernel buffers");
    stream
}

/// From another address of this machine.
async fn connect_from(source: &str, address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{source}:0").parse().expect("an address")).expect("all of 127.0.0.0/8 is ours");
    socket.connect(address.parse().expect("an address")).await.expect("it listens")
}

/// Everything the server says until it hangs up.
async fn last_words(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A connection that is reset has ended as well.
    tokio::time::timeout(GIVE_UP_AFTER, stream.read_to_end(&mut said)).await.expect("it hangs up").ok();
    String::from_utf8_lossy(&said).into_owned()
}

fn head(length: impl std::fmt::Display) -> String {
    format!("POST /api/42/envelope/ HTTP/1.1\r\nHost: bugle\r\nX-Sentry-Auth: {AUTH}\r\nContent-Length: {length}\r\n\r\n")
}

fn sdk(address: &str) -> Sdk {
    Sdk::new(&format!("http://{address}"), &Project { id: 42, slug: "project-42".into(), key: KEY.into(), dsn: String::new() })
}

/// The address of something large.
async fn style_sheet(app: &TestApp) -> String {
    let page = app.browser().open("/login").await.html;
    let mut links = page.split('"').filter(|link| link.starts_with("/static/") && link.ends_with(".css"));
    links.next().expect("pages have a style").to_owned()
}

async fn is_accepted(address: &str) {
    assert_eq!(sdk(address).envelope(ENVELOPE).await.status.as_u16(), 200);
}

#[tokio::test]
async fn headers_and_bodies_that_dawdle_are_given_up_and_others_do_not_notice() {
    let app = app().await;
    let (_server, address) = serve(&app, Patience { header: SHORT, body_piece: SHORT, ..Patience::default() }).await;
    let mut slow_head = connect(&address, SLOW_HEAD).await;
    let mut silent = connect(&address, "").await;
    let mut slow_body = connect(&address, &(head(1_000) + "{}\n")).await;
    for _ in 0..5 {
        is_accepted(&address).await;
    }
    for stream in [&mut silent, &mut slow_head] {
        let said = last_words(stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    let said = last_words(&mut slow_body).await;
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("the body did not arrive in time"), "{said}");
    assert_eq!(spooled(&app).await.len(), 5);
}

#[tokio::test]
async fn a_body_that_trickles_for_ever_is_given_up_as_a_whole() {
    let app = app().await;
    let (_server, address) = serve(&app, Patience { body: SHORT, ..Patience::default() }).await;
    let mut trickle = connect(&address, &head(1_000_000)).await;
    let (mut read, mut write) = trickle.split();
    let mut said = Vec::new();
    let trickling = async {
        while write.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let listening = async {
        // The answer is followed by a reset, because nobody reads what still trickles.
        read.read_to_end(&mut said).await.ok();
    };
    tokio::time::timeout(GIVE_UP_AFTER, async { tokio::join!(trickling, listening) }).await.expect("it has had enough");
    let said = String::from_utf8_lossy(&said);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    assert_eq!(spooled(&app).await.len(), 0);
}

#[tokio::test]
async fn headers_without_end_are_431_and_take_no_more_memory() {
    let app = app().await;
    let (_server, address) = serve(&app, Patience::default()).await;
    let mut endless = connect(&address, &format!("{SLOW_HEAD}gle\r\nX-Long: {}", "x".repeat(HEAD_BYTES_MAX))).await;
    let said = last_words(&mut endless).await;
    assert!(said.starts_with("HTTP/1.1 431"), "{said}");
}

#[tokio::test]
async fn who_holds_all_connections_makes_room_for_others_whatever_it_waits_for() {
    let app = app().await;
    let (_server, address) = serve(&app, Patience { connections: 8, per_address: 8, ..Patience::default() }).await;
    // More than the buffers of the kernel take.
    let unread = format!("GET {} HTTP/1.1\r\nHost: bugle\r\n\r\n", style_sheet(&app).await).repeat(400);
    let slow_body = head(500) + "{";
    let mut held = Vec::new();
    for n in 0..40 {
        let say = ["", SLOW_HEAD, &slow_body, &unread][n % 4];
        held.push(connect(&address, say).await);
    }
    for _ in 0..10 {
        is_accepted(&address).await;
    }
    for stream in held.iter_mut().take(20) {
        let said = last_words(stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 200"), "{said}");
    }
    assert_eq!(spooled(&app).await.len(), 10);
}

#[tokio::test]
async fn one_address_with_too_many_connections_costs_only_itself() {
    let app = app().await;
    let (_server, address) = serve(&app, Patience { per_address: 4, ..Patience::default() }).await;
    let mut patient = connect_from("127.0.0.2", &address).await;
    let mut held = Vec::new();
    for _ in 0..12 {
        held.push(connect(&address, SLOW_HEAD).await);
    }
    for stream in held.iter_mut().take(8) {
        assert_eq!(last_words(stream).await, "", "it has too many");
    }
    is_accepted(&address).await;
    patient
        .write_all((head(ENVELOPE.len()).replace("Host", "Connection: close\r\nHost") + ENVELOPE).as_bytes())
        .await
        .expect("still there");
    let said = last_words(&mut patient).await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

#[tokio::test]
async fn a_content_length_that_lies_keeps_nothing_and_hurts_no_other_request() {
    let app = app().await;
    let (_server, address) = serve(&app, Patience::default()).await;
    let mut too_long = connect(&address, &(head(ENVELOPE.len() + 1) + ENVELOPE)).await;
    too_long.shutdown().await.expect("half closed");
    let said = last_words(&mut too_long).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said}");
    let mut too_short = connect(&address, &(head(ENVELOPE.len() - 30) + ENVELOPE)).await;
    too_short.shutdown().await.expect("half closed");
    let said = last_words(&mut too_short).await;
    assert!(said.contains("HTTP/1.1 400"), "{said}");
    for length in ["-1", "99999999999999999999999", "1, 2", "x"] {
        let mut odd = connect(&address, &head(length)).await;
        let said = last_words(&mut odd).await;
        assert!(said.starts_with("HTTP/1.1 400") || said.starts_with("HTTP/1.1 413"), "{length}: {said}");
    }
    is_accepted(&address).await;
    let whole = spooled(&app).await.into_iter().filter(|(_, body)| body.as_ref() == ENVELOPE.as_bytes()).count();
    assert_eq!(whole, 1, "only what came whole");
}

/// Connections from one address, a proxy's, more than there may be at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_slow_connections_cost_little_and_others_do_not_notice() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536).max(soft), hard).expect("up to the hard limit everybody may");
    let count = usize::try_from(hard.min(65_536)).expect("small").saturating_sub(1_000).clamp(100, 6_000);
    let site = Site::new().with("BUGLE_TRUSTED_PROXIES", "127.0.0.1");
    let bugle = site.serve();
    let project = site.project("Shop");
    let (sdk, address) = (bugle.sdk(&project), bugle.url.trim_start_matches("http://").to_owned());
    let long_head = format!("{SLOW_HEAD}gle\r\nX-Long: {}", "x".repeat(HEAD_BYTES_MAX / 2));
    let slow_body = head(1_000).replace(KEY, &project.key).replace("/42/", &format!("/{}/", project.id)) + &"x".repeat(500);
    let mut held = Vec::with_capacity(count);
    for n in 0..count {
        held.push(connect(&address, ["", SLOW_HEAD, &long_head, &slow_body][n % 4]).await);
        if n % 200 == 0 {
            sdk.raise("ValueError", "still heard", "view").await;
            bugle.sdk(&project).raise("ValueError", "heard at once", "view").await;
        }
    }
    let peak = bugle.peak_rss_bytes();
    assert!(peak < 300 << 20, "{} MiB with {count} connections", peak >> 20);
    let gone = count.saturating_sub(Patience::default().connections);
    for stream in held.iter_mut().take(gone) {
        assert_eq!(last_words(stream).await, "", "those that waited longest made room");
    }
}
