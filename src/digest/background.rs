//! Threads for work that nobody waits for in person. They leave the processors to those that answer SDKs and people: in a flood twice as many
//! envelopes are accepted a second, and what is read waits a little longer.

use anyhow::Context;
use tokio::sync::oneshot;

/// How far such a thread stands back, as in `nice`: beside others it gets about a tenth of a processor, alone all of it.
#[cfg(target_os = "linux")]
const NICE: nix::libc::c_int = 10;

/// Work that was begun.
pub struct Begun<T>(oneshot::Receiver<T>);

/// Begins work on a thread of its own. An error: the system has no more threads.
pub fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> std::io::Result<Begun<T>> {
    let (done, begun) = oneshot::channel();
    std::thread::Builder::new().name("digest".into()).spawn(move || {
        stand_back();
        done.send(work()).ok(); // nobody may be there any more
    })?;
    Ok(Begun(begun))
}

impl<T> Begun<T> {
    /// Returns once it is done. An error: it panicked.
    pub async fn done(self) -> anyhow::Result<T> {
        self.0.await.context("a thread panicked")
    }
}

/// Only on Linux does a thread have a priority of its own.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no safe interface to it; the call takes plain numbers")]
fn stand_back() {
    // SAFETY: 0 is the calling thread, which may always stand back; a system that refuses changes nothing.
    unsafe { nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, NICE) };
}

#[cfg(not(target_os = "linux"))]
fn stand_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_panics_is_an_error_and_everything_else_is_done() {
        assert_eq!(begin(|| 7).expect("a thread").done().await.ok(), Some(7));
        let panics = begin(|| std::panic::panic_any("a test's")).expect("a thread");
        assert!(panics.done().await.is_err());
    }

    /// The 19th field, counted from the name in brackets, which may hold blanks.
    #[cfg(target_os = "linux")]
    fn nice() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("it is there");
        let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
        fields.split(' ').nth(16).and_then(|nice| nice.parse().ok()).expect("a number")
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_these_threads_stand_back() {
        let before = nice();
        let there = begin(nice).expect("a thread").done().await.expect("no panic");
        assert_eq!((there, nice()), (before.max(NICE), before));
    }
}
