//! `make chaos`: load, and `kill -9` of Bugle, of Postgres, of both, of one backend, and of a Bugle that is just starting, at random
//! moments. At the end every receipt is honoured exactly once and every counter equals its rows.
//!
//! The usual tests run a short form. What is killed, when, and what is sent comes from one seed, which is printed; how far Bugle has got
//! at that moment is the machine's affair.

mod load;
mod stage;

use std::time::Duration;

use bugle::clock::Clock;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::harness::eventually;
use load::Load;
use stage::{Stage, Victim};

/// Names how many kills there are, half of them with a private Postgres, half with two nodes on a shared one.
const KILLS_VARIABLE: &str = "BUGLE_CHAOS_KILLS";
const KILLS: usize = 6;
/// Names the seed, to try the same plan again.
const SEED_VARIABLE: &str = "BUGLE_CHAOS_SEED";
const SEED: u64 = 20_261_120;
/// So many receipts lie between two kills.
const RECEIPTS: std::ops::RangeInclusive<usize> = 5..=80;
/// And so many milliseconds, so that a kill also meets a Bugle that has digested what it had.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 0..=250;

fn number<T: std::str::FromStr>(variable: &str, otherwise: T) -> T {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_with_its_own_postgres_it_loses_nothing_and_counts_nothing_twice() {
    survive(Stage::private(), "private Postgres", number(KILLS_VARIABLE, KILLS).div_ceil(2), number(SEED_VARIABLE, SEED)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_two_nodes_on_one_postgres_lose_nothing_and_count_nothing_twice() {
    survive(Stage::shared(), "two nodes", number(KILLS_VARIABLE, KILLS) / 2, number(SEED_VARIABLE, SEED) + 1).await;
}

async fn survive(mut stage: Stage, what: &str, kill_count: usize, seed: u64) {
    eprintln!("chaos, {what}: {SEED_VARIABLE}={seed}, {kill_count} kills");
    let (clock, mut random) = (Clock::system(), StdRng::seed_from_u64(seed));
    let began = clock.now();
    let load = Load::start(&stage, seed);
    for n in 1..=kill_count {
        let enough = load.receipt_count() + random.random_range(RECEIPTS);
        eventually("receipts", async || (load.receipt_count() >= enough).then_some(())).await;
        pause(random.random_range(PAUSE_MS)).await;
        let victim = Victim::choose(&mut random);
        eprintln!("chaos, {what}: {n}/{kill_count} after {} receipts: {victim:?}", load.receipt_count());
        stage.kill(victim, &mut random).await;
    }
    let sent = load.stop().await;
    stage.finish(&sent.last_words).await;
    let stored = stage.verify(&sent).await;
    let (sent_count, receipt_count, seconds) = (sent.ids.len(), sent.receipted.len(), (clock.now() - began).whole_seconds());
    eprintln!("chaos, {what}: {sent_count} sent, {receipt_count} receipts, {stored} stored, 0 lost, 0 double, {seconds} s");
}

async fn pause(milliseconds: u64) {
    let never = std::future::pending::<()>();
    tokio::time::timeout(Duration::from_millis(milliseconds), never).await.expect_err("it never ends by itself");
}
