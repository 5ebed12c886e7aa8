//! What one spool entry turned out to hold.

use anyhow::bail;
use serde_json::Value;
use time::OffsetDateTime;

use super::sighting::Sighting;
use super::{check_in, letter, session};
use crate::domain::ids::ProjectId;
use crate::domain::outcome::Outcome;
use crate::protocol::category::Category;
use crate::spool::Place;
use crate::store::attachments::NewAttachment;
use crate::store::dead_letters::NewDeadLetter;
use crate::store::feedback::NewFeedback;
use crate::store::outcomes::Tally;
use crate::store::refusals::Refusal;

/// The reason under which everything is counted that became a dead letter; what exactly was wrong is said in the letter.
pub const DEAD_LETTER: &str = "dead_letter";

/// The reason under which is counted what the database does not take and what makes no dead letter.
const REFUSED: &str = "refused_by_database";

/// Everything that one entry adds to the database, and what is needed to give it up.
#[derive(Debug)]
pub struct Reading {
    /// Where the entry lies in the spool.
    pub place: Place,
    /// Whose entry; 0 where not even that could be read.
    pub project_id: ProjectId,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// Events that can be stored.
    pub sightings: Vec<Sighting>,
    /// Items that ended otherwise.
    pub tallies: Vec<Tally>,
    /// Items that could not be read.
    pub letters: Vec<NewDeadLetter>,
    /// Files, each cut into pieces.
    pub attachments: Vec<NewAttachment>,
    /// What people said.
    pub feedback: Vec<NewFeedback>,
    /// Sessions of applications.
    pub sessions: Vec<session::Told>,
    /// What jobs tell.
    pub check_ins: Vec<check_in::Told>,
    /// Limits that refused something.
    pub refusals: Vec<Refusal>,
    given_up: GivenUp,
}

/// How much of a reading was already given up because the database refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GivenUp {
    Nothing,
    Events,
    Everything,
}

impl Reading {
    /// Nothing found yet.
    pub fn new(place: Place, project_id: ProjectId, received_at: OffsetDateTime) -> Self {
        let (sightings, tallies, letters, attachments, feedback, refusals) = (vec![], vec![], vec![], vec![], vec![], vec![]);
        Self {
            place,
            project_id,
            received_at,
            sightings,
            tallies,
            letters,
            attachments,
            feedback,
            refusals,
            sessions: vec![],
            check_ins: vec![],
            given_up: GivenUp::Nothing,
        }
    }

    /// Counts an item that is not stored.
    pub fn tally(&mut self, category: Category, outcome: Outcome, count: i64) {
        let (project_id, at) = (self.project_id, self.received_at);
        self.tallies.push(Tally { project_id, at, category: category.name().to_owned(), outcome, count });
    }

    /// Keeps an item that could not be read, and counts it.
    pub fn give_up(&mut self, category: Category, letter: NewDeadLetter) {
        self.tally(category, Outcome::Invalid(DEAD_LETTER), 1);
        self.letters.push(letter);
    }

    /// Bytes of it that a transaction has to carry.
    pub fn byte_count(&self) -> usize {
        let pieces = self.attachments.iter().flat_map(|file| &file.chunks).map(|piece| piece.content.len());
        self.sightings.iter().map(|sighting| sighting.packed.payload.len()).chain(pieces).sum()
    }

    /// Turns what the database refuses into dead letters: first sessions and check-ins, of which
    /// there is nothing to be looked at later; then feedback and attachments, for which no event must be lost; then the events, which may
    /// be all that is wrong; then everything, into one letter that holds nothing but bytes. `events` is the JSON of each sighting, `body` what was
    /// spooled. An error once even that was refused.
    pub fn bury(&mut self, events: &[Vec<u8>], body: &[u8], reason: &str) -> anyhow::Result<()> {
        match self.given_up {
            GivenUp::Nothing if !self.sessions.is_empty() || !self.check_ins.is_empty() => self.forget_told(),
            GivenUp::Nothing if !self.feedback.is_empty() => {
                for report in std::mem::take(&mut self.feedback) {
                    self.give_up(Category::Feedback, letter::of_feedback(&report, reason));
                }
            }
            GivenUp::Nothing if !self.attachments.is_empty() => {
                for file in std::mem::take(&mut self.attachments) {
                    self.give_up(Category::Attachment, letter::of_attachment(&file, reason));
                }
            }
            GivenUp::Nothing => {
                for (sighting, json) in std::mem::take(&mut self.sightings).iter().zip(events) {
                    self.give_up(Category::Error, letter::of_sighting(sighting, json, reason));
                }
                self.given_up = GivenUp::Events;
            }
            GivenUp::Events => {
                self.sightings.clear();
                self.tallies.clear();
                self.letters.clear();
                self.refusals.clear();
                self.sessions.clear();
                self.check_ins.clear();
                let letter = letter::of_bytes(self.project_id, self.received_at, Value::Null, body, "the database refuses the entry");
                self.give_up(Category::Unknown, letter);
                self.given_up = GivenUp::Everything;
            }
            GivenUp::Everything => bail!("nothing is left to give up"),
        }
        Ok(())
    }

    fn forget_told(&mut self) {
        self.sessions.clear();
        let of_sessions = |tally: &&mut Tally| tally.category == Category::Session.name() && tally.outcome == Outcome::Stored;
        self.tallies.iter_mut().filter(of_sessions).for_each(|tally| tally.outcome = Outcome::Invalid(REFUSED));
        for _ in std::mem::take(&mut self.check_ins) {
            self.tally(Category::Monitor, Outcome::Invalid(REFUSED), 1);
        }
    }
}
