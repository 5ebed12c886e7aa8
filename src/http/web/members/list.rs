//! The page.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use time::OffsetDateTime;

use crate::domain::ids::UserId;
use crate::domain::user::Role;
use crate::http::Doors;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store;
use crate::store::projects::SwitcherRow;
use crate::store::users::PersonRow;

/// Projects offered in the invitation.
const PROJECTS_MAX: i64 = 200;

#[derive(Template)]
#[template(path = "pages/members.html")]
struct Page {
    shell: Shell,
    people: Vec<Row>,
    roles: Vec<Role>,
    projects: Vec<SwitcherRow>,
    may_change: bool,
    sends_mail: bool,
    said: Said,
}

struct Row {
    of: PersonRow,
    projects: String,
    is_me: bool,
    may_change: bool,
    last_seen_at: Option<OffsetDateTime>,
}

/// What the page says about the invitation that was just sent.
#[derive(Default)]
pub struct Said {
    /// What is wrong with it.
    pub error: String,
    /// The address that was typed.
    pub email: String,
    /// The link that was made, to hand over in other ways.
    pub link: String,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, me: SignedIn) -> Result<Html<String>, PageError> {
    page(&doors, &me, Said::default()).await
}

/// The page again, with what is wrong, as 422.
pub async fn refused(doors: &Doors, me: &SignedIn, said: Said) -> Result<Response, PageError> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(doors, me, said).await?).into_response())
}

/// The page with what was said.
pub async fn page(doors: &Doors, me: &SignedIn, said: Said) -> Result<Html<String>, PageError> {
    let shell = Shell { here: "/members".to_owned(), ..Shell::load(doors, me, Tab::Members).await? };
    let role = me.user.role;
    let slugs = store::members::list_slugs(&doors.db).await?;
    let projects = store::projects::list_for_switcher(&doors.db, &me.user, None, PROJECTS_MAX).await?;
    // Who belongs where is shown only for projects the reader may see.
    let visible = |slug: &str| role.may_administer() || projects.iter().any(|project| project.slug == slug);
    let of = |id: UserId| -> Vec<&str> {
        slugs.iter().filter(|(user, slug)| *user == id && visible(slug)).map(|(_, slug)| slug.as_str()).collect()
    };
    let people = store::users::list(&doors.db, shell.now).await?;
    let people = people
        .into_iter()
        .filter(|person| role.may_administer() || (person.joined && person.disabled_at.is_none()))
        .map(|person| Row {
            projects: of(person.user.id).join(", "),
            is_me: person.user.id == me.user.id,
            may_change: role.may_grant(person.user.role),
            last_seen_at: person.last_seen_at,
            of: person,
        })
        .collect();
    layout::html(&Page {
        people,
        roles: Role::ALL.into_iter().rev().filter(|other| role.may_grant(*other)).collect(),
        projects,
        may_change: role.may_administer(),
        sends_mail: doors.config.mail.smtp_url.is_some(),
        said,
        shell,
    })
}
