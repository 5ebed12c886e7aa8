//! The fuzz targets without a fuzzer: every committed seed, and mutations of them that are the same on every machine.
//! `make fuzz` searches with coverage; what it finds becomes a seed and is tried here for ever.

#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// Drawn once; another number tries other mutations.
const RANDOM: u64 = 0x6275_676c_6531;
/// Names how many mutations each target gets instead.
const COUNT_VARIABLE: &str = "BUGLE_FUZZ_MUTATIONS";
/// Mutations per target: some ten seconds for all, without optimisation.
const COUNT: usize = 3_000;
/// Longer seeds are tried as they are and not mutated: time goes further with short ones.
const MUTATED_LEN_MAX: usize = 8 << 10;
/// Bytes that readers treat specially, and pieces of what they look for.
const PIECES: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\0",
    b"{}",
    b"[]",
    b"null",
    b"true",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b",",
    b":",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-0.0",
    b"18446744073709551616",
    b"9007199254740993",
    b"0.1",
    b"\xff",
    b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80",
    b"{\"type\":\"event\"}\n",
    b"\"length\":",
    b"\"__proto__\":",
    b"\"values\":[",
    b"\"exception\":",
    b"\"mechanism\":",
    b"\"frames\":[",
    b"\"message\":",
    b"password=hunter2",
    b"4111111111111111",
    b"https://u:p@example.org/?token=1",
    b"{{ default }}",
    b"%s %(a)s {0}",
];

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|problem| panic!("{}: {problem}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort_unstable();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("readable"))).collect()
}

/// The bytes that break a target are shown so that they can be kept as a seed.
fn try_one(target: fn(&[u8]), bytes: &[u8], what: &str) {
    if catch_unwind(AssertUnwindSafe(|| target(bytes))).is_err() {
        let file = std::env::temp_dir().join(format!("bugle-fuzz-{}", std::process::id()));
        fs::write(&file, bytes).expect("the temporary folder is writable");
        panic!("{what} breaks it; kept as {}:\n{}", file.display(), String::from_utf8_lossy(&bytes[..bytes.len().min(2_000)]));
    }
}

fn mutate(bytes: &mut Vec<u8>, others: &[&Vec<u8>], random: &mut StdRng) {
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=bytes.len());
        let end = (at + random.random_range(1..=16)).min(bytes.len());
        match random.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, bytes[at..end].repeat(random.random_range(1..=8)))),
            4 => bytes.truncate(at),
            5 => {
                let other = others.choose(random).expect("at least one seed");
                let from = random.random_range(0..=other.len());
                drop(bytes.splice(at..end, other[from..].iter().take(512).copied()));
            }
            _ => drop(bytes.splice(at..end, PIECES.choose(random).expect("there are some").iter().copied())),
        }
    }
}

fn replay_and_mutate(name: &str) {
    let (_, target) = targets::ALL.iter().find(|(known, _)| *known == name).expect("a target of this name");
    let seeds = seeds(name);
    for (path, bytes) in &seeds {
        try_one(*target, bytes, &path.display().to_string());
    }
    let short: Vec<&Vec<u8>> = seeds.iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() <= MUTATED_LEN_MAX).collect();
    let count = std::env::var(COUNT_VARIABLE).map_or(COUNT, |count| count.parse().expect("a number"));
    let mut random = StdRng::seed_from_u64(RANDOM);
    for n in 0..count {
        let mut bytes = (*short.choose(&mut random).expect("there are seeds")).clone();
        mutate(&mut bytes, &short, &mut random);
        try_one(*target, &bytes, &format!("mutation {n}"));
    }
}

#[test]
fn no_request_body_breaks_decoding_or_framing() {
    replay_and_mutate("envelope");
}

#[test]
fn no_credentials_break_the_door() {
    replay_and_mutate("credentials");
}

#[test]
fn every_event_that_can_be_read_can_be_stored_and_read_back_the_same() {
    replay_and_mutate("event");
}

#[test]
fn no_client_report_breaks_the_accounting() {
    replay_and_mutate("client_report");
}

#[test]
fn no_accident_of_the_disk_makes_the_spool_lose_or_invent_a_record() {
    replay_and_mutate("spool");
}

#[test]
fn every_target_has_seeds_and_a_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, _) in targets::ALL {
        assert!(seeds(name).len() >= 5, "{name} has too few seeds");
        assert!(fuzz.join("fuzz_targets").join(name).with_extension("rs").is_file(), "{name}");
    }
}
