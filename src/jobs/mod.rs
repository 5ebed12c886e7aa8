//! What happens because of time. Each job offers `run_once`, safe to run twice and on several nodes.

pub mod partitions;
pub mod spikes;
pub mod trim;
