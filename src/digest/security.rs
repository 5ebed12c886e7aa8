//! What browsers report on their own: each report an event, or left out where it is noise.

use super::event::{self, Source};
use super::item::Cx;
use super::letter;
use super::reading::Reading;
use crate::domain::outcome::Outcome;
use crate::pipeline::security::{self, Noise, Told};
use crate::protocol::category::Category;
use crate::protocol::envelope::{self, Item};
use crate::protocol::json::Json;
use crate::protocol::receipt::{BodyForm, Receipt};
use crate::protocol::security_report;

/// Reads the reports of an item, most often one.
pub fn read(item: &Item<'_>, cx: &mut Cx<'_>, reading: &mut Reading) {
    if item.payload.len() > cx.settings.event_bytes {
        let reason = format!("the report has {} bytes, {} are taken", item.payload.len(), cx.settings.event_bytes);
        return give_up(item, item.payload, cx, reading, reason);
    }
    match security_report::split(item.payload) {
        Ok(reports) => reports.into_iter().for_each(|report| one(item, report, cx, reading)),
        Err(error) => give_up(item, item.payload, cx, reading, error.to_string()),
    }
}

fn one(item: &Item<'_>, sent: Json<'_>, cx: &mut Cx<'_>, reading: &mut Reading) {
    let Some(report) = security_report::read(sent.clone()) else {
        return give_up(item, sent.to_string().as_bytes(), cx, reading, "it is no report of a kind that is known".to_owned());
    };
    let of_header = |name: &str| item.header.get(name).and_then(Json::as_str);
    let told = Told {
        received_at: cx.receipt.received_at,
        release: of_header("sentry_release"),
        environment: of_header("sentry_environment"),
        user_agent: cx.receipt.user_agent.as_deref(),
    };
    match security::event(&report, told) {
        Err(Noise(reason)) => reading.tally(Category::Security, Outcome::Filtered(reason), 1),
        Ok(json) => {
            event::read(&Source::Sent { json: &json, sent_at: None }, cx, reading);
            cx.event_count += 1;
        }
    }
}

/// Kept with its headers, so that a later version may understand it.
fn give_up(item: &Item<'_>, report: &[u8], cx: &Cx<'_>, reading: &mut Reading, reason: String) {
    let body = envelope::write(b"{}", &[(&item.header, report)]);
    let receipt = Receipt { encoding: String::new(), ..cx.receipt.clone() };
    reading.give_up(Category::Security, letter::of_body(&receipt, BodyForm::Envelope, None, &item.kind, &body, reason));
}
