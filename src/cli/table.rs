//! Columns for people. Scripts ask for `--json`.

use std::fmt::Write;

/// Aligns cells under their headings; two blanks between columns.
pub fn render<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).chain([headings[column].len()]).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in std::iter::once(&headings.map(str::to_owned)).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            write!(line, "{cell:width$}  ").expect("writing to a string");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let rows = [["shop".to_owned(), "Café".to_owned(), "1".to_owned()], ["a".to_owned(), "B".to_owned(), "12".to_owned()]];
    assert_eq!(render(["slug", "name", "id"], &rows), "slug  name  id\nshop  Café  1\na     B     12\n");
}
