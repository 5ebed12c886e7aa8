//! What the server says, passed on to our log; the last lines are kept, to explain an exit. No file: a full disk would silence it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};

use tracing::{debug, warn};

/// Lines kept.
const KEPT: usize = 40;
/// Longest line taken, in bytes.
const LINE_LEN_MAX: u64 = 4_096;

/// The last lines of one server process.
#[derive(Clone, Default)]
pub struct LogLines(Arc<Mutex<VecDeque<String>>>);

impl LogLines {
    /// Reads until the other end closes. Lives in a thread of its own.
    pub fn follow(&self, output: impl Read) {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.by_ref().take(LINE_LEN_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => self.push(String::from_utf8_lossy(&line).trim_end().to_owned()),
            }
        }
    }

    fn push(&self, line: String) {
        // Errors of statements are logged by whoever sent the statement; here only what concerns the server as a whole.
        if ["FATAL:", "PANIC:", "WARNING:"].iter().any(|severity| line.starts_with(severity)) {
            warn!(target: "bugle::postgres", "{line}");
        } else {
            debug!(target: "bugle::postgres", "{line}");
        }
        let mut lines = self.0.lock().expect("no holder panics");
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// What was said last, joined.
    pub fn last(&self) -> String {
        let lines = self.0.lock().expect("no holder panics");
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}
