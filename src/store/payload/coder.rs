//! A dictionary prepared for use. Both sides are shared by all threads and made once: preparing takes milliseconds.
//!
//! The pieces that an event shares with others become numbers ([`pieces`]); zstd packs the rest, and finds what is in the other half of the dictionary.

use std::cell::RefCell;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use anyhow::Context;
use memchr::memchr;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, DictAttachPref, ParamSwitch};

use super::pieces::{Finder, Pieces};
use super::{BUFFER_KEPT, DIVIDER, compress, layout, unpack};

/// zstd level of what is left once pieces are numbers: level 3 makes it 2 % smaller and takes a quarter longer.
const LEVEL: i32 = 1;
/// Bytes of text per slot of the table that finds them; fewer make the table larger and find no more.
const BYTES_PER_SLOT: usize = 5;
/// Logarithms of the fewest and most slots.
const SLOTS_LOG: (u32, u32) = (14, 19);
/// Each set of tables serves so many processors, and there are at least two: compressing is an eighth of what a thread does with an event, and
/// two threads that share one set wait for each other.
const PROCESSORS_PER_SET: usize = 4;
const SETS_MIN: usize = 2;

/// The text that zstd looks into, and the pieces. Dictionaries of older versions are nothing but text.
fn halves(content: &[u8]) -> (&[u8], &[u8]) {
    memchr(DIVIDER, content).map_or((content, &[]), |at| (&content[..at], &content[at + 1..]))
}

/// Compresses against a dictionary.
pub struct Encoder {
    finder: Finder,
    /// Each holds the text of the dictionary.
    compressors: Vec<Mutex<Compressor<'static>>>,
    memory_len: usize,
}

impl Encoder {
    /// Prepares it.
    pub fn new(content: &[u8]) -> anyhow::Result<Self> {
        let (text, pieces) = halves(content);
        let finder = Finder::new(Pieces::of(pieces));
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let slots_log = slots_log(text.len());
        let make = || prepare(text, slots_log).map(Mutex::new);
        let compressors = (0..processors.div_ceil(PROCESSORS_PER_SET).max(SETS_MIN)).map(|_| make()).collect::<anyhow::Result<Vec<_>>>()?;
        let memory_len = finder.memory_len() + compressors.len() * (text.len() + (4 << slots_log) + (1 << 20));
        Ok(Self { finder, compressors, memory_len })
    }

    /// About how many bytes of memory it takes.
    pub fn memory_len(&self) -> usize {
        self.memory_len
    }

    /// Compresses the JSON of an event.
    pub fn encode(&self, json: &[u8]) -> Vec<u8> {
        self.encode_moving(json, layout::locals(json).as_deref())
    }

    /// As [`Encoder::encode`] where it is known where the locals stand.
    pub fn encode_moving(&self, json: &[u8], locals: Option<&[Range<usize>]>) -> Vec<u8> {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        layout::with_folded(json, locals, |folded| {
            if layout::is_as_it_was(folded) {
                return self.pack(folded);
            }
            let mut buffer = BUFFER.take();
            buffer.clear();
            self.finder.replace(folded, &mut buffer);
            let packed = self.pack(&buffer);
            buffer.clear();
            buffer.shrink_to(BUFFER_KEPT);
            BUFFER.set(buffer);
            packed
        })
    }

    /// Each thread has a set that it tries first: tables that went from one processor to the other would have to be fetched again.
    fn pack(&self, text: &[u8]) -> Vec<u8> {
        let count = self.compressors.len();
        let own = thread_number() % count;
        for compressor in self.compressors.iter().cycle().skip(own).take(count) {
            match compressor.try_lock() {
                Ok(mut free) => return compress(&mut free, text),
                Err(TryLockError::Poisoned(broken)) => return compress(&mut broken.into_inner(), text),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        compress(&mut self.compressors[own].lock().unwrap_or_else(PoisonError::into_inner), text)
    }
}

/// Threads that compress, in the order in which they began to.
fn thread_number() -> usize {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = COUNT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// What fits the dictionary: zstd would take tables for far smaller ones, and leave the rest of it unused.
fn slots_log(content_len: usize) -> u32 {
    (content_len / BYTES_PER_SLOT).max(1).next_power_of_two().ilog2().clamp(SLOTS_LOG.0, SLOTS_LOG.1)
}

fn prepare(text: &[u8], slots_log: u32) -> anyhow::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL).context("making a compressor")?;
    let parameters = [
        CParameter::HashLog(slots_log),
        // Else the tables of the dictionary would be copied for every event.
        CParameter::ForceAttachDict(DictAttachPref::ForceAttach),
        // Since the last event other work has driven them out of the nearest cache.
        CParameter::PrefetchCDictTables(ParamSwitch::Enable),
    ];
    for parameter in parameters {
        compressor.set_parameter(parameter).context("setting up a compressor")?;
    }
    compressor.context_mut().load_dictionary(text).map_err(|code| anyhow::anyhow!("zstd refuses a dictionary, code {code}"))?;
    Ok(compressor)
}

/// Reads what was compressed against a dictionary.
pub struct Decoder {
    pieces: Pieces,
    decompressor: Mutex<Decompressor<'static>>,
    memory_len: usize,
}

impl Decoder {
    /// Prepares it.
    pub fn new(content: &[u8]) -> anyhow::Result<Self> {
        let (text, pieces) = halves(content);
        let pieces = Pieces::of(pieces);
        let decompressor = Decompressor::with_dictionary(text).context("preparing a dictionary for reading")?;
        let memory_len = pieces.memory_len() + text.len() + (256 << 10);
        Ok(Self { pieces, decompressor: Mutex::new(decompressor), memory_len })
    }

    /// About how many bytes of memory it takes.
    pub fn memory_len(&self) -> usize {
        self.memory_len
    }

    /// The JSON of a stored event.
    pub fn decode(&self, stored: &[u8]) -> anyhow::Result<Vec<u8>> {
        let text = unpack(&mut self.decompressor.lock().unwrap_or_else(PoisonError::into_inner), stored)?;
        if layout::is_as_it_was(&text) {
            return layout::unfold(text).context("the stored event is damaged");
        }
        let folded =
            self.pieces.expand(&text, super::DECODED_LEN_MAX).context("the stored event holds what its dictionary does not know")?;
        layout::unfold(folded).context("the stored event is damaged")
    }
}
