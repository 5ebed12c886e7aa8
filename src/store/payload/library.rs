//! Opens stored events for pages and the Web API. Dictionaries are read from the database once and kept while there is room.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

use super::{Decoder, NO_DICTIONARY};
use crate::domain::ids::ProjectId;
use crate::store::Db;
use crate::store::dictionaries;

/// Most bytes of dictionaries that are kept, besides the one just used.
const MEMORY_LEN_MAX: usize = 8 << 20;

/// Why a stored event cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its dictionary is not in the database: the table was emptied by hand, or left out of a restored backup.
    #[error("dictionary {0} is not in the database")]
    NoDictionary(i32),
    /// It is damaged.
    #[error("{0:#}")]
    Damaged(anyhow::Error),
    /// The database did not answer.
    #[error("{0:#}")]
    Database(anyhow::Error),
}

/// Dictionaries for reading, the latest used last.
#[derive(Default)]
pub struct Library(Mutex<VecDeque<(ProjectId, i32, Arc<Decoder>)>>);

impl Library {
    /// The JSON of a stored event.
    pub async fn open(&self, db: &Db, project: ProjectId, dictionary_id: i32, stored: &[u8]) -> Result<Vec<u8>, OpenError> {
        if dictionary_id == NO_DICTIONARY {
            return super::decode(stored).map_err(OpenError::Damaged);
        }
        let decoder = match self.find(project, dictionary_id) {
            Some(decoder) => decoder,
            None => {
                let content = dictionaries::content(db, project, dictionary_id).await.map_err(OpenError::Database)?;
                let content = content.ok_or(OpenError::NoDictionary(dictionary_id))?;
                Arc::new(Decoder::new(&content).context("preparing a dictionary").map_err(OpenError::Damaged)?)
            }
        };
        self.keep(project, dictionary_id, &decoder);
        decoder.decode(stored).map_err(OpenError::Damaged)
    }

    fn find(&self, project: ProjectId, id: i32) -> Option<Arc<Decoder>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|one| (one.0, one.1) == (project, id))?;
        Some(kept.remove(at)?.2)
    }

    fn keep(&self, project: ProjectId, id: i32, decoder: &Arc<Decoder>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| (one.0, one.1) != (project, id));
        while kept.iter().map(|one| one.2.memory_len()).sum::<usize>() > MEMORY_LEN_MAX {
            kept.pop_front();
        }
        kept.push_back((project, id, Arc::clone(decoder)));
    }
}
