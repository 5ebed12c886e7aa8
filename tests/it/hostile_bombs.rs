//! Bodies that are small on the wire and enormous when decoded, against the real process: what it answers, and how much memory it takes.

use std::io::Write;

use futures_util::future::join_all;

use crate::harness::Site;

const MIB: usize = 1 << 20;
/// Sent at a time; more than are decoded at a time.
const VOLLEY: usize = 14;
/// Of the process at its peak. Decoded without a bound, a volley would need more than 3 GiB.
const RSS_MAX: u64 = 350 << 20;

/// 25 to 300 MiB in each encoding and in chains of them, without taking long to make.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let blanks = vec![b' '; MIB];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&blanks).expect("in memory");
    let gzip = gzip.finish().expect("in memory").repeat(300);
    let zstd = zstd::encode_all(&blanks[..], 1).expect("in memory").repeat(300);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..300).for_each(|_| zlib.write_all(&blanks).expect("in memory"));
    let mut brotli = Vec::new();
    brotli::CompressorWriter::new(&mut brotli, 4_096, 1, 22).write_all(&blanks.repeat(25)).expect("in memory");
    let chained = zstd::encode_all(&gzip[..], 1).expect("in memory");
    let twice = zstd::encode_all(&chained[..], 1).expect("in memory");
    let mut wrapped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    wrapped.write_all(&zstd).expect("in memory");
    vec![
        ("gzip", gzip),
        ("zstd", zstd),
        ("deflate", zlib.finish().expect("in memory")),
        ("br", brotli),
        ("gzip, zstd", chained),
        ("gzip, zstd, zstd", twice),
        ("zstd, gzip", wrapped.finish().expect("in memory")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_by_the_dozen_cost_a_bounded_amount_of_memory() {
    let site = Site::new();
    let bugle = site.serve();
    let project = site.project("Shop");
    let (bombs, sdk) = (bombs(), bugle.sdk(&project));
    sdk.raise("ValueError", "before the bombs", "view").await;
    for _ in 0..2 {
        let sent = bombs.iter().cycle().take(VOLLEY).map(async |(encoding, body)| {
            let answer = sdk.send(sdk.request("envelope").header("content-encoding", *encoding).body(body.clone())).await;
            assert_eq!(answer.status.as_u16(), 413, "{encoding}: {}", answer.body);
        });
        join_all(sent).await;
        bugle.sdk(&project).raise("ValueError", "after the bombs", "view").await;
    }
    let peak = bugle.peak_rss_bytes();
    assert!(peak < RSS_MAX, "{} MiB", peak >> 20);
}
