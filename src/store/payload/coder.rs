//! A dictionary prepared for use. Both sides are shared by all threads and made once: preparing takes milliseconds.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError, TryLockError};

use anyhow::Context;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, DictAttachPref};

use super::{LEVEL, compress, decompress, layout};

/// Bytes of the dictionary per slot of the table that finds them; fewer make the table larger and find no more.
const BYTES_PER_SLOT: usize = 5;
/// Logarithms of the fewest and most slots.
const SLOTS_LOG: (u32, u32) = (14, 19);
/// Slots of the table of short matches, as a logarithm below that of long ones.
const SHORT_BELOW: u32 = 3;
/// Each set of tables serves so many processors: compressing is a fifth of what a thread does with an event.
const PROCESSORS_PER_SET: usize = 4;

/// Compresses against a dictionary.
pub struct Encoder {
    /// Each holds the dictionary.
    compressors: Vec<Mutex<Compressor<'static>>>,
    memory_len: usize,
}

impl Encoder {
    /// Prepares it.
    pub fn new(content: &[u8]) -> anyhow::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let slots_log = slots_log(content.len());
        let make = || prepare(content, slots_log).map(Mutex::new);
        let compressors = (0..processors.div_ceil(PROCESSORS_PER_SET)).map(|_| make()).collect::<anyhow::Result<Vec<_>>>()?;
        let memory_len = compressors.len() * (content.len() + (4 << slots_log) + (1 << 20));
        Ok(Self { compressors, memory_len })
    }

    /// About how many bytes of memory it takes.
    pub fn memory_len(&self) -> usize {
        self.memory_len
    }

    /// Compresses the JSON of an event.
    pub fn encode(&self, json: &[u8]) -> Vec<u8> {
        layout::with_folded(json, |folded| self.encode_folded(folded))
    }

    fn encode_folded(&self, folded: &[u8]) -> Vec<u8> {
        for compressor in &self.compressors {
            match compressor.try_lock() {
                Ok(mut free) => return compress(&mut free, folded),
                Err(TryLockError::Poisoned(broken)) => return compress(&mut broken.into_inner(), folded),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        compress(&mut self.compressors[0].lock().unwrap_or_else(PoisonError::into_inner), folded)
    }
}

/// What fits the dictionary: zstd would take tables for far smaller ones, and leave the rest of it unused.
fn slots_log(content_len: usize) -> u32 {
    (content_len / BYTES_PER_SLOT).max(1).next_power_of_two().ilog2().clamp(SLOTS_LOG.0, SLOTS_LOG.1)
}

fn prepare(content: &[u8], slots_log: u32) -> anyhow::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL).context("making a compressor")?;
    let parameters = [
        CParameter::HashLog(slots_log),
        CParameter::ChainLog(slots_log - SHORT_BELOW),
        // Else the tables of the dictionary would be copied for every event.
        CParameter::ForceAttachDict(DictAttachPref::ForceAttach),
    ];
    for parameter in parameters {
        compressor.set_parameter(parameter).context("setting up a compressor")?;
    }
    compressor.context_mut().load_dictionary(content).map_err(|code| anyhow::anyhow!("zstd refuses a dictionary, code {code}"))?;
    Ok(compressor)
}

/// Reads what was compressed against a dictionary.
pub struct Decoder {
    decompressor: Mutex<Decompressor<'static>>,
    memory_len: usize,
}

impl Decoder {
    /// Prepares it.
    pub fn new(content: &[u8]) -> anyhow::Result<Self> {
        let decompressor = Decompressor::with_dictionary(content).context("preparing a dictionary for reading")?;
        Ok(Self { decompressor: Mutex::new(decompressor), memory_len: content.len() + (256 << 10) })
    }

    /// About how many bytes of memory it takes.
    pub fn memory_len(&self) -> usize {
        self.memory_len
    }

    /// The JSON of a stored event.
    pub fn decode(&self, stored: &[u8]) -> anyhow::Result<Vec<u8>> {
        decompress(&mut self.decompressor.lock().unwrap_or_else(PoisonError::into_inner), stored)
    }
}
