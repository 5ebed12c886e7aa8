//! The shell around every page: head, top bar, project switcher, tabs, flash note, foot.
//! A page struct holds a `shell: Shell` and its template extends `base.html`.

use askama::Template;
use axum::response::Html;
use time::OffsetDateTime;

use crate::domain::project::Project;
use crate::domain::user::{Theme, User};
use crate::http::Doors;
use crate::http::web::flash::Note;
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::http::web::signed_in::{SignedIn, Visit};
use crate::store;
use crate::store::projects::SwitcherRow;

/// Most projects the switcher offers; the rest is under "All projects".
const SWITCHER_MAX: i64 = 20;

/// The tab a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Of the instance.
    Projects,
    /// Of the instance.
    Members,
    /// Of the instance.
    Instance,
    /// Of a project.
    Issues,
    /// Of a project.
    Feedback,
    /// Of a project.
    Alerts,
    /// Of a project.
    Settings,
    /// None: account, help.
    Other,
}

/// Everything around the content of a page.
pub struct Shell {
    /// Of the reader.
    pub theme: Theme,
    /// The reader; `None` on the doors (sign-in, setup).
    pub user: Option<User>,
    /// The project the page is about.
    pub project: Option<Project>,
    /// Where one can switch to, the current project first.
    pub switcher: Vec<SwitcherRow>,
    /// The lit tab.
    pub tab: Tab,
    /// What happened just before.
    pub note: Option<Note>,
    /// The moment all relative times of the page are counted from.
    pub now: OffsetDateTime,
    /// Path and query of this page: the theme form leads back here.
    pub here: String,
    /// The public base URL, without a trailing slash.
    pub base_url: String,
}

impl Shell {
    /// For a door: nobody is signed in.
    pub fn gate(doors: &Doors, visit: Visit) -> Self {
        Self {
            theme: visit.theme,
            user: None,
            project: None,
            switcher: Vec::new(),
            tab: Tab::Other,
            note: visit.note,
            now: doors.clock.now(),
            here: visit.path,
            base_url: doors.config.url.clone(),
        }
    }

    /// For a page about the instance or several projects.
    pub async fn load(doors: &Doors, me: &SignedIn, tab: Tab) -> Result<Self, PageError> {
        let gate = Self::gate(doors, me.visit.clone());
        Ok(Self { user: Some(me.user.clone()), tab, ..gate })
    }

    /// For a page about one project.
    pub async fn for_project(doors: &Doors, access: &ProjectAccess, tab: Tab) -> Result<Self, PageError> {
        let user = &access.me.user;
        let switcher = store::projects::list_for_switcher(&doors.db, user, Some(access.project.id), SWITCHER_MAX).await?;
        let shell = Self::load(doors, &access.me, tab).await?;
        Ok(Self { project: Some(access.project.clone()), switcher, ..shell })
    }

    /// Whether `tab` is the lit one.
    pub fn is(&self, tab: &str) -> bool {
        format!("{:?}", self.tab).eq_ignore_ascii_case(tab)
    }

    /// The reader may see the pages about people and the instance.
    pub fn administers(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.role.may_administer())
    }

    /// Unresolved issues of the current project, as said in the tab: at most "999+".
    pub fn unresolved(&self) -> String {
        let current = self.project.as_ref().and_then(|project| self.switcher.iter().find(|row| row.slug == project.slug));
        capped(current.map_or(0, |row| row.unresolved_count))
    }
}

/// A count that was only taken up to 1,000.
pub fn capped(count: i64) -> String {
    if count >= 1_000 { "999+".to_owned() } else { count.to_string() }
}

/// The version of this build.
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Draws a page.
pub fn html(page: &impl Template) -> Result<Html<String>, PageError> {
    Ok(Html(page.render()?))
}
