//! What limits refused at the door: into the accounting, and since when, for the pages.

use super::letter;
use super::reading::Reading;
use crate::domain::outcome::Outcome;
use crate::domain::rate_limit::{Limit, Scope};
use crate::protocol::category::Category;
use crate::protocol::receipt::{BodyForm, Receipt};
use crate::protocol::refused::{self, Refused};
use crate::store::outcomes::Tally;
use crate::store::refusals::Refusal;

/// Reads the sums of one project.
pub fn read(receipt: &Receipt, body: &[u8], reading: &mut Reading) {
    match refused::read(body) {
        Ok(sums) => sums.into_iter().for_each(|sum| add(sum, reading)),
        Err(reason) => reading.give_up(Category::Unknown, letter::of_body(receipt, BodyForm::Refused, None, "refused", body, reason)),
    }
}

fn add(sum: Refused, reading: &mut Reading) {
    let project_id = reading.project_id;
    let Refused { limit, public_key, category, count, first_at, last_at } = sum;
    let Some(limit) = Limit::parse(&limit) else { return };
    reading.tallies.push(Tally { project_id, at: first_at, category, outcome: Outcome::RateLimited(limit.reason()), count });
    let public_key = if limit.scope == Scope::Key { public_key } else { String::new() };
    reading.refusals.push(Refusal { project_id, public_key, period: limit.period, since: first_at, last_at, item_count: count });
}
