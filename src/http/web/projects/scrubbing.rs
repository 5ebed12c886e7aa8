//! `/{project}/settings/scrubbing`. *What is never kept of what is sent?*

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use tracing::info;

use crate::actions;
use crate::domain::scrubbing::{Addresses, BadLine, Rule, Scrubbing, parse_names, parse_safe};
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store;

#[derive(Template)]
#[template(path = "pages/projects/scrubbing.html")]
struct Page {
    shell: Shell,
    slug: String,
    name: String,
    may_change: bool,
    chosen: Chosen,
    rules: [Rule; 7],
    bad_names: Vec<String>,
    bad_safe: Vec<String>,
}

/// The form as it was saved or typed.
#[derive(Clone, Default, Deserialize)]
pub struct Chosen {
    /// Present: on.
    defaults: Option<String>,
    #[serde(default)]
    names: String,
    #[serde(default)]
    safe: String,
    /// Present: e-mail addresses are taken out.
    emails: Option<String>,
    #[serde(default)]
    addresses: String,
}

impl From<Scrubbing> for Chosen {
    fn from(saved: Scrubbing) -> Self {
        let present = |is: bool| is.then(|| "on".to_owned());
        Self {
            defaults: present(saved.has_defaults),
            names: saved.names.join("\n"),
            safe: saved.safe.join("\n"),
            emails: present(!saved.keeps_emails),
            addresses: saved.addresses.name().to_owned(),
        }
    }
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess) -> Result<Html<String>, PageError> {
    let saved = store::scrubbing::get(&doors.db, access.project.id).await?;
    show(&doors, &access, saved.into(), vec![], vec![]).await
}

/// Saves it, or shows by line what cannot be understood.
pub async fn save(State(doors): State<Doors>, access: ProjectAccess, Form(typed): Form<Chosen>) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let (names, safe) = match (parse_names(&typed.names), parse_safe(&typed.safe)) {
        (Ok(names), Ok(safe)) => (names, safe),
        (names, safe) => {
            let page = show(&doors, &access, typed, names.err().unwrap_or_default(), safe.err().unwrap_or_default()).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let chosen = Scrubbing {
        has_defaults: typed.defaults.is_some(),
        names,
        safe,
        keeps_emails: typed.emails.is_none(),
        addresses: Addresses::parse(&typed.addresses).unwrap_or_default(),
    };
    actions::scrubbing::change(&doors.db, access.project.id, &chosen).await?;
    info!(
        project.id = access.project.id.0,
        user.id = access.me.user.id.0,
        scrubbing.has_defaults = chosen.has_defaults,
        scrubbing.name_count = chosen.names.len(),
        scrubbing.safe_count = chosen.safe.len(),
        scrubbing.keeps_emails = chosen.keeps_emails,
        scrubbing.addresses = chosen.addresses.name(),
        "changed what is scrubbed in a project"
    );
    let note = Note::ok("Saved. It holds for new events within seconds; what is stored stays as it is.");
    Ok(flash::redirect(&doors, &format!("/{}/settings/scrubbing", access.project.slug), note))
}

async fn show(
    doors: &Doors,
    access: &ProjectAccess,
    chosen: Chosen,
    bad_names: Vec<BadLine>,
    bad_safe: Vec<BadLine>,
) -> Result<Html<String>, PageError> {
    let words = |faults: Vec<BadLine>| faults.iter().map(BadLine::to_string).collect();
    layout::html(&Page {
        shell: Shell::for_project(doors, access, Tab::Settings).await?,
        slug: access.project.slug.clone(),
        name: access.project.name.clone(),
        may_change: access.me.user.role.may_administer(),
        chosen,
        rules: [Rule::Name, Rule::Card, Rule::PrivateKey, Rule::JsonWebToken, Rule::Credentials, Rule::UrlPassword, Rule::Token],
        bad_names: words(bad_names),
        bad_safe: words(bad_safe),
    })
}
