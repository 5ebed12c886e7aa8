//! What happens because of time. Each job offers `run_once`, safe to run twice and on several nodes.
//!
//! Deliberately absent: anything that cannot run twice, and the loops (`app::workers`).

pub mod dictionaries;
pub mod feedback;
pub mod partitions;
pub mod refused;
pub mod removal;
pub mod retention;
pub mod spikes;
pub mod storage;
pub mod trim;
