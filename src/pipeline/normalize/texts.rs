//! Messages, breadcrumbs and the data an application attaches.

use super::cut::{self, Size};
use crate::protocol::event::{Breadcrumb, Event, Notes, Place};

/// Most breadcrumbs; the newest are kept.
pub(super) const BREADCRUMBS_MAX: usize = 100;
const MESSAGE_MAX: usize = 8_192;
const BREADCRUMB_DATA: Size = Size { depth: 5, text: 2_048, bytes: 4_096 };
const EXTRA: Size = Size { depth: 7, text: 16_384, bytes: 16_384 };
const EXTRA_TOTAL: usize = 262_144;
const CONTEXT: Size = Size { depth: 7, text: 8_192, bytes: 8_192 };
const CONTEXTS_TOTAL: usize = 131_072;
/// A large Django project has some 300 packages.
const MODULES: Size = Size { depth: 1, text: 200, bytes: 32_768 };
const UNKNOWN: Size = Size { depth: 7, text: 8_192, bytes: 16_384 };
const UNKNOWN_TOTAL: usize = 65_536;
/// What describes the client rather than the error.
const ABOUT_CLIENT: Size = Size { depth: 16, text: 1_024, bytes: 65_536 };

/// Cuts everything that has no other place of its own.
pub(super) fn trim(event: &mut Event<'_>, notes: &mut Notes) {
    if let Some(entry) = &mut event.logentry {
        let at = Place::root("logentry");
        cut::optional(&mut entry.message, MESSAGE_MAX, at.key("message"), notes);
        cut::optional(&mut entry.formatted, MESSAGE_MAX, at.key("formatted"), notes);
        if let Some(params) = &mut entry.params {
            cut::value(params, CONTEXT, at.key("params"), notes);
        }
    }
    trim_breadcrumbs(&mut event.breadcrumbs, notes);
    cut::entries(&mut event.extra, EXTRA, EXTRA_TOTAL, Place::root("extra"), notes);
    cut::entries(&mut event.contexts, CONTEXT, CONTEXTS_TOTAL, Place::root("contexts"), notes);
    cut::object(&mut event.modules, MODULES, Place::root("modules"), notes);
    cut::entries(&mut event.other, UNKNOWN, UNKNOWN_TOTAL, Place::EVENT, notes);
    if let Some(template) = &mut event.template {
        cut::object(template, CONTEXT, Place::root("template"), notes);
    }
    if let Some(sdk) = &mut event.sdk {
        let at = Place::root("sdk");
        cut::optional(&mut sdk.name, 128, at.key("name"), notes);
        cut::optional(&mut sdk.version, 128, at.key("version"), notes);
        cut::object(&mut sdk.other, CONTEXT, at, notes);
    }
    for (field, name) in [(&mut event.client_meta, "_meta"), (&mut event.debug_meta, "debug_meta")] {
        if let Some(value) = field {
            cut::value(value, ABOUT_CLIENT, Place::root(name), notes);
        }
    }
}

fn trim_breadcrumbs(breadcrumbs: &mut Vec<Breadcrumb<'_>>, notes: &mut Notes) {
    let all = Place::root("breadcrumbs");
    let at = all.key("values");
    if breadcrumbs.len() > BREADCRUMBS_MAX {
        notes.cut(all, breadcrumbs.len(), format!("cut to the newest {BREADCRUMBS_MAX} (was {})", cut::grouped(breadcrumbs.len())));
        breadcrumbs.drain(..breadcrumbs.len() - BREADCRUMBS_MAX);
    }
    for (index, breadcrumb) in breadcrumbs.iter_mut().enumerate() {
        let at = at.index(index);
        cut::optional(&mut breadcrumb.message, MESSAGE_MAX, at.key("message"), notes);
        cut::optional(&mut breadcrumb.kind, 128, at.key("type"), notes);
        cut::optional(&mut breadcrumb.category, 128, at.key("category"), notes);
        cut::object(&mut breadcrumb.data, BREADCRUMB_DATA, at.key("data"), notes);
        cut::object(&mut breadcrumb.other, BREADCRUMB_DATA, at, notes);
    }
}
