//! A sender as cheap as can be, since it shares the cores with what it measures: bodies are made before, connections are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::events::Body;

/// Connections at a time.
pub const CONNECTIONS: usize = 64;
/// Sending ends after this, whatever is left.
const TIME_MAX: Duration = Duration::from_secs(300);
/// An answer that takes longer is a failure.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Where to send, and as whom.
#[derive(Clone)]
pub struct Target {
    /// `127.0.0.1:port`; nothing else is ever loaded.
    pub address: std::net::SocketAddr,
    /// Path of the request.
    pub path: String,
    /// Public key of the project.
    pub key: String,
}

/// What came of it.
pub struct Sent {
    /// Answered with 200, each with when (since the begin) and how long it took.
    pub accepted: Vec<(Duration, Duration)>,
    /// Answered otherwise.
    pub refused_count: usize,
    /// From the first to the last answer.
    pub took: Duration,
}

/// Sends the bodies, each once: as fast as they are answered, or `per_second` at even distances.
pub async fn send(target: &Target, bodies: &Arc<Vec<Body>>, per_second: Option<f64>) -> anyhow::Result<Sent> {
    ensure!(target.address.ip().is_loopback(), "only this machine may be loaded");
    let (began, next, failed) = (Instant::now(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (target, bodies, next, failed) = (target.clone(), Arc::clone(bodies), Arc::clone(&next), Arc::clone(&failed));
        senders.spawn(async move {
            let done = sender(&target, &bodies, &next, &failed, began, per_second).await;
            failed.fetch_or(done.is_err(), Ordering::Relaxed);
            done
        });
    }
    let (mut accepted, mut refused_count) = (Vec::with_capacity(bodies.len()), 0);
    while let Some(done) = senders.join_next().await {
        let (more, refused) = done.context("a sender panicked")??;
        accepted.extend(more);
        refused_count += refused;
    }
    accepted.sort_unstable();
    Ok(Sent { accepted, refused_count, took: began.elapsed() })
}

async fn sender(
    target: &Target,
    bodies: &[Body],
    next: &AtomicUsize,
    failed: &AtomicBool,
    began: Instant,
    per_second: Option<f64>,
) -> anyhow::Result<(Vec<(Duration, Duration)>, usize)> {
    let mut stream = TcpStream::connect(target.address).await.context("connecting")?;
    stream.set_nodelay(true)?;
    let (mut accepted, mut refused_count, mut buffer) = (Vec::new(), 0, vec![0; 16 << 10]);
    while !failed.load(Ordering::Relaxed) && began.elapsed() < TIME_MAX {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(body) = bodies.get(number) else { break };
        let mut due = Instant::now();
        if let Some(per_second) = per_second {
            // Latency counts from when it should have left: a slow answer must not hide those that wait behind it.
            due = began + Duration::from_secs_f64(number as f64 / per_second);
            tokio::time::sleep_until(due.into()).await;
        }
        match tokio::time::timeout(ANSWER_MAX, exchange(&mut stream, target, &body.gzip, &mut buffer)).await.context("no answer")?? {
            200 => accepted.push((began.elapsed(), due.elapsed())),
            _ => refused_count += 1,
        }
    }
    Ok((accepted, refused_count))
}

/// One request and its status.
async fn exchange(stream: &mut TcpStream, target: &Target, body: &[u8], buffer: &mut [u8]) -> anyhow::Result<u16> {
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: sentry.python.django/2.75.0\r\nContent-Type: application/x-sentry-envelope\r\n\
         Content-Encoding: gzip\r\nX-Sentry-Auth: Sentry sentry_key={}, sentry_version=7, sentry_client=sentry.python.django/2.75.0\r\n\
         Content-Length: {}\r\n\r\n",
        target.path,
        target.address,
        target.key,
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    stream.write_all(&request).await.context("sending")?;
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.context("reading the answer")?;
        ensure!(read > 0, "the connection was closed");
        filled += read;
        let Some(end) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).context("the answer is not HTTP")?;
        let header = |name: &str| head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        let length: usize = header("content-length").map_or(Ok(0), |(_, value)| value.parse())?;
        if filled >= end + 4 + length {
            return head.split(' ').nth(1).context("no status")?.parse().context("no status");
        }
    }
}
