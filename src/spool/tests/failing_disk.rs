//! A disk that fails: nothing is confirmed that is not durable, nothing durable is lost, and everything goes on by itself.

use super::*;
use crate::spool::writer::{Disk, SegmentFile};

/// What the disk does from now on.
#[derive(Clone, Copy, Default)]
struct Faults {
    create: bool,
    /// After half of the bytes.
    write: bool,
    sync: bool,
    truncate: bool,
    /// One megabyte for everything.
    low: bool,
}

#[derive(Clone, Default)]
struct BadDisk(Arc<Mutex<Faults>>);

struct FailingFile {
    file: Box<dyn SegmentFile>,
    disk: BadDisk,
}

impl BadDisk {
    fn set(&self, faults: Faults) {
        *self.0.lock().expect("no panic while held") = faults;
    }

    fn faults(&self) -> Faults {
        *self.0.lock().expect("no panic while held")
    }

    fn disk(&self) -> Disk {
        let (disk, free) = (self.clone(), self.clone());
        Disk {
            open: Box::new(move |path| {
                fail_if(disk.faults().create)?;
                Ok(Box::new(FailingFile { file: writer::open_file(path)?, disk: disk.clone() }))
            }),
            free_bytes: Box::new(move |dir| if free.faults().low { 1_000_000 - used_bytes(dir) } else { u64::MAX }),
        }
    }

    fn open(&self, dir: &Path) -> Spool {
        Spool::open_with(dir, LIMITS, Clock::system(), self.disk()).expect("the spool opens")
    }
}

impl SegmentFile for FailingFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let fails = self.disk.faults().write;
        self.file.write_at(if fails { &bytes[..bytes.len() / 2] } else { bytes }, offset)?;
        fail_if(fails)
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        fail_if(self.disk.faults().truncate)?;
        self.file.truncate(len)
    }
    fn sync(&mut self) -> io::Result<()> {
        fail_if(self.disk.faults().sync)?;
        self.file.sync()
    }
}

fn used_bytes(dir: &Path) -> u64 {
    let paths = segment_paths(dir).into_iter().chain([dir.join("spare")]);
    paths.filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum()
}

fn fail_if(fails: bool) -> io::Result<()> {
    if fails { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
}

/// Appends one record to a good disk, one to a failing one, one to the disk after its repair.
async fn good_bad_good(dir: &Path, faults: Faults) -> Spool {
    let disk = BadDisk::default();
    let spool = disk.open(dir);
    append(&spool, "before").await;
    disk.set(faults);
    for _ in 0..3 {
        let refused = spool.append(1, b"meta", Bytes::from_static(b"never confirmed")).await;
        assert!(matches!(refused, Err(AppendError::Failed(_))), "{refused:?}");
    }
    disk.set(Faults::default());
    append(&spool, "after").await;
    spool
}

#[tokio::test]
async fn half_a_write_is_cut_off_and_the_segment_goes_on() {
    let dir = dir();
    let spool = good_bad_good(dir.path(), Faults { write: true, ..Faults::default() }).await;
    assert_eq!(claim_bodies(&spool).await, ["before", "after"]);
    assert_eq!(segment_paths(dir.path()).len(), 1);
    assert_eq!(spool.counters().failed_count.load(Relaxed), 3);
    drop(spool);
    assert_eq!(claim_bodies(&open(dir.path())).await, ["before", "after"]);
}

#[tokio::test]
async fn after_a_failed_sync_the_file_is_never_trusted_again() {
    let dir = dir();
    let spool = good_bad_good(dir.path(), Faults { sync: true, ..Faults::default() }).await;
    assert_eq!(claim_bodies(&spool).await, ["before", "after"]);
    assert_eq!(segment_paths(dir.path()).len(), 2, "a new segment was begun");
    drop(spool);
    assert_eq!(claim_bodies(&open(dir.path())).await, ["before", "after"]);
}

#[tokio::test]
async fn where_not_even_cutting_works_a_new_segment_is_begun() {
    let dir = dir();
    let spool = good_bad_good(dir.path(), Faults { write: true, truncate: true, ..Faults::default() }).await;
    assert_eq!(claim_bodies(&spool).await, ["before", "after"]);
    drop(spool);
    assert_eq!(claim_bodies(&open(dir.path())).await, ["before", "after"]);
}

#[tokio::test]
async fn a_disk_full_from_the_start_is_used_once_there_is_space() {
    let dir = dir();
    let disk = BadDisk::default();
    disk.set(Faults { create: true, ..Faults::default() });
    let spool = disk.open(dir.path());
    assert!(spool.append(1, b"", Bytes::new()).await.is_err());
    disk.set(Faults { write: true, ..Faults::default() });
    assert!(spool.append(1, b"", Bytes::new()).await.is_err());
    assert_eq!(segment_paths(dir.path()).len(), 0, "no half segment is left behind");
    disk.set(Faults::default());
    append(&spool, "kept").await;
    assert_eq!(claim_bodies(&spool).await, ["kept"]);
}

#[tokio::test]
async fn a_writer_that_panics_leaves_nobody_waiting() {
    let dir = dir();
    let disk = Disk { open: Box::new(|_| panic!("a bug")), ..Disk::default() };
    let spool = Spool::open_with(dir.path(), LIMITS, Clock::system(), disk).expect("the spool opens");
    assert!(matches!(spool.append(1, b"", Bytes::new()).await, Err(AppendError::Closed)));
    assert!(matches!(spool.append(1, b"", Bytes::new()).await, Err(AppendError::Closed)));
}

#[tokio::test]
async fn with_little_disk_left_what_is_finished_is_given_back() {
    let dir = dir();
    let disk = BadDisk::default();
    let limits = SpoolLimits { min_free_bytes: 500_000, ..LIMITS };
    let spool = Spool::open_with(dir.path(), limits, Clock::system(), disk.disk()).expect("the spool opens");
    append(&spool, &"x".repeat(600_000)).await;
    disk.set(Faults { low: true, ..Faults::default() });
    let refused = spool.append(1, b"meta", Bytes::from_static(b"too much")).await;
    assert!(matches!(refused, Err(AppendError::DiskLow { .. })), "{refused:?}");

    let last = claim_all(&spool).await.pop().expect("one record waits");
    spool.acknowledge(&[last.place]);
    append(&spool, "after").await;
    assert!(used_bytes(dir.path()) < 1_000);
    assert_eq!(claim_bodies(&spool).await, ["after"]);
}

#[tokio::test]
async fn with_little_disk_left_the_place_kept_for_the_next_segment_is_given_back() {
    let dir = dir();
    let disk = BadDisk::default();
    let limits = SpoolLimits { min_free_bytes: 500_000, segment_bytes: 400_000, ..LIMITS };
    let spool = Spool::open_with(dir.path(), limits, Clock::system(), disk.disk()).expect("the spool opens");
    append_all(&spool, &[&"x".repeat(400_000), &"y".repeat(100_000)]).await;
    let first = spool.claim(1, 1_000_000).await.expect("readable");
    spool.acknowledge(&places(&first));
    assert!(dir.path().join("spare").exists());
    disk.set(Faults { low: true, ..Faults::default() });
    append(&spool, "after").await;
    assert!(!dir.path().join("spare").exists());
    assert_eq!(bodies(&claim_all(&spool).await), ["y".repeat(100_000).as_str(), "after"]);
}
