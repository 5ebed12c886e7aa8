//! `docs/compatibility.md`: its tables are what tests found, not what somebody wrote. A test that finds something else fails until
//! `make compatibility` has written it down.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

const DOC: &str = "docs/compatibility.md";
/// Tests run side by side, and the tables are in one file.
static WRITING: Mutex<()> = Mutex::new(());

/// A table of the document, between `<!-- name -->` and `<!-- end of name -->`.
pub struct Table {
    name: &'static str,
    lines: Vec<String>,
}

impl Table {
    /// Without rows.
    pub fn new(name: &'static str, columns: &[&str]) -> Self {
        let mut table = Self { name, lines: Vec::new() };
        table.row(columns);
        table.lines.push(format!("|{}", "---|".repeat(columns.len())));
        table
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[impl AsRef<str>]) {
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        self.lines.push(format!("| {} |", cells.join(" | ")));
    }

    /// Insists that the document says the same, or makes it say so where `BUGLE_BLESS` is set.
    pub fn insist(&self) {
        let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOC);
        let document = std::fs::read_to_string(&path).expect("the document is there");
        let (begin, end) = (format!("<!-- {} -->\n", self.name), format!("<!-- end of {} -->", self.name));
        let (before, rest) = document.split_once(&begin).expect("the document has a place for the table");
        let (said, after) = rest.split_once(&end).expect("the place has an end");
        let found = self.lines.join("\n") + "\n";
        if said != found && std::env::var_os("BUGLE_BLESS").is_some() {
            std::fs::write(&path, format!("{before}{begin}{found}{end}{after}")).expect("the checkout is writable");
        } else {
            assert!(said == found, "{DOC} says\n{said}\nand the tests found\n{found}\nIf that is right: make compatibility");
        }
    }
}

/// What a cell says of an outcome as `project_outcomes` has it; `None` where nothing of the kind arrived.
pub fn word(outcome: Option<&str>) -> String {
    match outcome {
        None => "–".to_owned(),
        Some("stored") => "kept".to_owned(),
        Some("unsupported") => "counted".to_owned(),
        Some(other) => format!("**{other}**"),
    }
}
