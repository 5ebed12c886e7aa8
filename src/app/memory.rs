//! What the allocator keeps of freed memory.
//!
//! A flood takes tens of megabytes for batches that are read by one thread and freed by another. glibc would keep them for ever, once for each of
//! eight arenas a core: one arena a core costs nothing that can be measured, large buffers are mapped on their own, and when nothing has arrived for a
//! while the rest is given back. Other allocators see to it themselves.

/// Buffers from this size on are mapped and go back to the system when they are freed. Bytes.
const MAPPED_FROM: usize = 1 << 20;

/// Once, before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc has no safe interface to its settings; the calls take plain numbers")]
pub fn keep_small() {
    use nix::libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, c_int, mallopt};
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // SAFETY: no other thread exists yet; a number glibc does not take is ignored.
    unsafe {
        mallopt(M_ARENA_MAX, c_int::try_from(cores).unwrap_or(c_int::MAX));
        mallopt(M_MMAP_THRESHOLD, c_int::try_from(MAPPED_FROM).unwrap_or(c_int::MAX));
    }
}

/// Gives what is free back to the system; takes milliseconds.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc has no safe interface to this; it takes its own locks")]
pub fn give_back() {
    // SAFETY: may be called at any time by any thread.
    unsafe { nix::libc::malloc_trim(0) };
}

/// Nothing to set.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_small() {}

/// Nothing is kept.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}
