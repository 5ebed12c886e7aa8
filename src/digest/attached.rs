//! Storing the files of a batch: once each, as many as an event may have, and none of events that are not stored.

use std::collections::{BTreeSet, HashMap};

use super::Settings;
use super::failure::Failure;
use super::fates::{EventKey, Fates};
use super::reading::Reading;
use crate::domain::ids::ProjectId;
use crate::domain::outcome::Outcome;
use crate::protocol::category::Category;
use crate::store::Tx;
use crate::store::attachments::{self, NewAttachment, chunks};
use crate::store::counters::projects::HeldProject;
use crate::store::outcomes::Tally;

/// The reason of files of an event that has as many, or as large ones, as it may have.
const EVENT_FULL: &str = "event_full";

/// Stores them and tells how each ended: those of `unstored` events of the batch, or of earlier ones that `fates` knows, like these. Nothing
/// is asked of the database where there is no file, as in nearly all batches.
pub async fn store(
    tx: &mut Tx,
    readings: &[Reading],
    projects: &HashMap<ProjectId, HeldProject>,
    unstored: &HashMap<EventKey, Outcome>,
    fates: &Fates,
    settings: &Settings,
) -> Result<Vec<Tally>, Failure> {
    let files = readings.iter().flat_map(|reading| &reading.attachments).filter(|file| projects.contains_key(&file.project_id));
    let files: Vec<&NewAttachment> = files.collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let fate = |file: &NewAttachment| unstored.get(&owner(file)).cloned().or_else(|| fates.of(owner(file)));
    let (lost, files): (Vec<_>, Vec<_>) = files.into_iter().map(|file| (file, fate(file))).partition(|(_, fate)| fate.is_some());
    let lost = lost.into_iter().filter_map(|(file, fate)| Some(tally(file, fate?)));
    let files: Vec<&NewAttachment> = files.into_iter().map(|(file, _)| file).collect();
    let mut known = attachments::known(tx, &files).await?;
    let (fresh, known): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| known.insert((file.project_id, file.attachment_id)));
    let (fitting, surplus) = fit(tx, fresh, settings).await?;
    let inserted = attachments::insert(tx, &fitting).await?;
    let (stored, raced): (Vec<_>, Vec<_>) = fitting.into_iter().partition(|file| inserted.contains(&(file.project_id, file.attachment_id)));
    chunks::insert(tx, &stored).await?;
    let ends =
        [(stored, Outcome::Stored), (known, Outcome::Duplicate), (raced, Outcome::Duplicate), (surplus, Outcome::Invalid(EVENT_FULL))];
    let others = ends.into_iter().flat_map(|(files, outcome)| files.into_iter().map(move |file| tally(file, outcome.clone())));
    Ok(lost.chain(others).collect())
}

/// Which of the files their events have room for, in the order of arrival, and which they have not. Two nodes that add to one event at the
/// same moment do not see each other's files; then it has more than it may, by what one batch holds.
async fn fit<'a>(
    tx: &mut Tx,
    files: Vec<&'a NewAttachment>,
    settings: &Settings,
) -> Result<(Vec<&'a NewAttachment>, Vec<&'a NewAttachment>), Failure> {
    let owners: BTreeSet<_> = files.iter().map(|file| owner(file)).collect();
    let mut sums = attachments::sums(tx, &owners).await?;
    Ok(files.into_iter().partition(|file| {
        let (count, bytes) = sums.entry(owner(file)).or_default();
        let fits = settings.attachments.has_room(*count, *bytes, file.byte_count);
        if fits {
            (*count, *bytes) = (*count + 1, *bytes + file.byte_count);
        }
        fits
    }))
}

fn owner(file: &NewAttachment) -> EventKey {
    (file.project_id, file.event_id)
}

fn tally(file: &NewAttachment, outcome: Outcome) -> Tally {
    Tally { project_id: file.project_id, at: file.received_at, category: Category::Attachment.name().to_owned(), outcome, count: 1 }
}
