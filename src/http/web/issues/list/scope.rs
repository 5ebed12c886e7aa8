//! Which projects a list is about.

use crate::domain::ids::ProjectId;
use crate::domain::project::Project;

/// One project, or all that the caller may see.
pub struct Scope {
    /// Path of the list.
    pub base: String,
    /// What to call it in a sentence.
    pub name: String,
    /// The projects.
    pub projects: Vec<Project>,
    /// It is one project.
    pub single: bool,
}

impl Scope {
    /// `/shop-web/issues`
    pub fn of_project(project: Project) -> Self {
        Self { base: format!("/{}/issues", project.slug), name: project.name.clone(), projects: vec![project], single: true }
    }

    /// `/issues`
    pub fn of_all(projects: Vec<Project>) -> Self {
        Self { base: "/issues".to_owned(), name: "your projects".to_owned(), projects, single: false }
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<ProjectId> {
        self.projects.iter().map(|project| project.id).collect()
    }
}
