//! The floor: the least a server can do that keeps events in Postgres. Decompress, recompress, one batched COPY, then 200.
//!
//! It looks at nothing, groups nothing, counts nothing. Runs as a process of its own, `load floor`, so that its CPU can be told apart.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use bugle::postgres::{Cluster, DataLock, Settings};
use bugle::protocol::encoding;
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::{mpsc, oneshot};

/// The same as Bugle's.
const LEVEL: i32 = 3;
const BATCH_MAX: usize = 256;
const BODY_BYTES_MAX: usize = 20 << 20;
const TABLE: &str = "CREATE TABLE floor (id bigint GENERATED ALWAYS AS IDENTITY, payload bytea NOT NULL);
    ALTER TABLE floor ALTER COLUMN payload SET STORAGE EXTERNAL";

struct Arrival {
    payload: Vec<u8>,
    kept: oneshot::Sender<()>,
}

/// Serves until killed; prints its port and the process id of its Postgres.
pub async fn serve(data_dir: &Path) -> anyhow::Result<()> {
    let lock = DataLock::take(data_dir)?;
    let cluster =
        tokio::task::spawn_blocking(move || Cluster::start(&lock, &Settings::durable(None)).map(|cluster| (lock, cluster))).await??;
    let mut connection = PgConnection::connect_with(&bugle::app::database::private(cluster.1.address())).await?;
    connection.execute(TABLE).await?;
    let (sender, receiver) = mpsc::channel(4 * BATCH_MAX);
    tokio::spawn(commit(connection, receiver));
    let router = axum::Router::new().route("/", post(accept)).with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {}", listener.local_addr()?.port(), cluster.1.pid().context("Postgres runs")?);
    std::io::stdout().flush()?;
    axum::serve(listener, router.layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))).await?;
    Ok(())
}

async fn accept(State(sender): State<mpsc::Sender<Arrival>>, body: Bytes) -> StatusCode {
    thread_local! {
        static COMPRESSOR: std::cell::RefCell<zstd::bulk::Compressor<'static>> =
            std::cell::RefCell::new(zstd::bulk::Compressor::new(LEVEL).expect("a level of zstd"));
    }
    let Ok(plain) = encoding::decode("gzip", &body, BODY_BYTES_MAX) else { return StatusCode::BAD_REQUEST };
    let Ok(payload) = COMPRESSOR.with_borrow_mut(|compressor| compressor.compress(&plain)) else { return StatusCode::BAD_REQUEST };
    let (kept, answer) = oneshot::channel();
    if sender.send(Arrival { payload, kept }).await.is_err() || answer.await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::OK
}

async fn commit(mut connection: PgConnection, mut arrivals: mpsc::Receiver<Arrival>) {
    let mut batch = Vec::new();
    while arrivals.recv_many(&mut batch, BATCH_MAX).await > 0 {
        if let Err(problem) = copy(&mut connection, &batch).await {
            eprintln!("the floor cannot write: {problem:#}");
            return;
        }
        for arrival in batch.drain(..) {
            arrival.kept.send(()).ok(); // the sender may have gone away
        }
    }
}

/// Binary COPY: signature, flags, per row the number of fields and each with its length, end.
async fn copy(connection: &mut PgConnection, batch: &[Arrival]) -> anyhow::Result<()> {
    let mut rows = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for arrival in batch {
        rows.extend(1i16.to_be_bytes());
        rows.extend(i32::try_from(arrival.payload.len())?.to_be_bytes());
        rows.extend(&arrival.payload);
    }
    rows.extend((-1i16).to_be_bytes());
    let mut copy = connection.copy_in_raw("COPY floor (payload) FROM STDIN (FORMAT binary)").await?;
    copy.send(rows).await?;
    copy.finish().await?;
    Ok(())
}
