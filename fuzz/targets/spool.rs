//! A spool directory after an accident: whatever happened to its bytes, it opens, gives back every record that was not hit, once and
//! unchanged, and never one that nobody appended.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bugle::clock::Clock;
use bugle::spool::{Entry, OpenError, Spool, SpoolLimits};
use bytes::Bytes;
use tokio::runtime::Runtime;

/// Everything is read from disk, and one segment is enough.
const LIMITS: SpoolLimits = SpoolLimits {
    max_bytes: 1 << 30,
    max_age: time::Duration::hours(72),
    min_free_bytes: 0,
    segment_bytes: SEGMENT_BYTES as u64,
    memory_bytes: 0,
};
const SEGMENT_BYTES: usize = 64 << 10;
/// Bytes in front of the first record: magic, format, four that are kept free, salt.
const HEADER_BYTES: u64 = 32;
const KEPT_FREE: std::ops::Range<u64> = 12..16;
/// Senders that take turns.
const LANES: u8 = 3;
/// Most records of one run.
const RECORDS_MAX: usize = 12;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));

/// An odd first byte: the rest is taken for a segment. An even one says what the file held before, the rest what is appended, and what then
/// happens to the bytes.
pub fn spool(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let folder = tempfile::tempdir_in(memory()).expect("a folder");
    if first % 2 == 1 {
        fs::write(segment(folder.path()), rest).expect("writable");
        drop(reopened(folder.path()));
    } else {
        damaged(folder.path(), first / 2 % 3, &mut Script(rest));
    }
}

/// In memory where there is such a place: every run writes and syncs.
fn memory() -> PathBuf {
    Some(PathBuf::from("/dev/shm")).filter(|path| path.is_dir()).unwrap_or_else(std::env::temp_dir)
}

fn damaged(dir: &Path, former_kind: u8, script: &mut Script<'_>) {
    keep_a_former_life(dir, former_kind, script);
    let (written, before) = write(dir, script);
    let Some(last) = written.last() else { return };
    let path = segment(dir);
    assert_eq!(fs::metadata(&path).expect("it was written").len(), last.place.end.offset, "nothing follows the last record");
    let mut bytes = before.clone();
    script.damage(&mut bytes);
    let is_hit = |at: u64| usize::try_from(at).is_ok_and(|at| before.get(at) != bytes.get(at));
    fs::write(&path, &bytes).expect("writable");
    let is_header_hit = (0..HEADER_BYTES).any(|at| !KEPT_FREE.contains(&at) && is_hit(at));
    let Some(found) = reopened(dir) else {
        assert!(is_header_hit, "only a damaged header keeps a spool from opening");
        return;
    };
    let mut rest = found.iter();
    for record in &written {
        if !is_header_hit && !(record.place.start.offset..record.place.end.offset).any(is_hit) {
            assert_eq!(rest.next(), Some(record), "a record that was not hit is there");
        }
    }
    assert_eq!(rest.next(), None, "nothing is found that was not appended");
}

/// The segment may be written over another: of bytes that anybody may have sent, or of records as they were.
fn keep_a_former_life(dir: &Path, kind: u8, script: &mut Script<'_>) {
    let former = match kind {
        0 => return,
        1 => script.bytes(),
        _ => {
            let (_, former) = write(dir, script);
            fs::remove_file(segment(dir)).ok();
            former
        }
    };
    let bytes: Vec<u8> = former.into_iter().chain(std::iter::repeat(0)).take(SEGMENT_BYTES).collect();
    fs::write(dir.join("spare"), bytes).expect("writable");
}

/// Appends what the script says and reads it back once, to know where each record ends. With the bytes as a process that dies leaves them.
fn write(dir: &Path, script: &mut Script<'_>) -> (Vec<Entry>, Vec<u8>) {
    RUNTIME.block_on(async {
        let spool = Spool::open(dir, LIMITS, Clock::system()).expect("an empty folder opens");
        for _ in 0..usize::from(script.byte()) % RECORDS_MAX {
            let (lane, meta, body) = (u64::from(script.byte() % LANES), script.bytes(), Bytes::from(script.bytes()));
            spool.append(lane, &meta, body).await.expect("there is room");
        }
        let entries = claim_all(&spool).await;
        let bytes = fs::read(segment(dir)).unwrap_or_default();
        spool.release().await;
        (entries, bytes)
    })
}

/// `None`: it is refused, as a format of the future is.
fn reopened(dir: &Path) -> Option<Vec<Entry>> {
    RUNTIME.block_on(async {
        let spool = open(dir)?;
        let entries = claim_all(&spool).await;
        spool.append(0, b"", Bytes::from_static(b"after")).await.expect("it goes on");
        assert_eq!(claim_all(&spool).await.len(), 1, "what is appended afterwards is there");
        spool.release().await;
        Some(entries)
    })
}

fn open(dir: &Path) -> Option<Spool> {
    loop {
        match Spool::open(dir, LIMITS, Clock::system()) {
            Ok(spool) => return Some(spool),
            // A process that another test is just starting holds our lock until it has become another program.
            Err(OpenError::InUse(_)) => std::thread::yield_now(),
            Err(_) => return None,
        }
    }
}

/// Everything, in the order of the file: what is claimed first is a matter of whose turn it is.
async fn claim_all(spool: &Spool) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let entries = spool.claim(5, 1_000).await.expect("readable");
        if entries.is_empty() {
            all.sort_by_key(|entry| entry.place.start);
            return all;
        }
        all.extend(entries);
    }
}

fn segment(dir: &Path) -> PathBuf {
    dir.join(format!("{:020}.spool", 1))
}

/// Bytes that say what happens.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    /// A length and so many bytes, repeated a few times.
    fn bytes(&mut self) -> Vec<u8> {
        let (len, times) = (usize::from(self.byte()), usize::from(self.byte() % 8) + 1);
        let len = len.min(self.0.len());
        self.0.split_off(..len).expect("so many are left").repeat(times)
    }

    /// Changes bytes, cuts the end off or adds to it.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        while !self.0.is_empty() && !bytes.is_empty() {
            let kind = self.byte();
            let at = usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % bytes.len();
            match kind % 4 {
                0 => bytes.truncate(at),
                1 => bytes.extend(self.bytes()),
                _ => bytes[at] ^= self.byte(),
            }
        }
    }
}
