//! `docs/attacks.md` says which test shows the answer to which attack. Here it is made sure that those tests exist.

use std::fs;
use std::path::Path;

#[test]
fn every_class_of_attack_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/attacks.md")).expect("the table is there");
    let mut sources = String::new();
    for folder in ["src", "tests/it"] {
        read_all(&root.join(folder), &mut sources);
    }
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes().get(2).is_some_and(u8::is_ascii_digit))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let numbers: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(numbers, (1..=13).map(|number| number.to_string()).collect::<Vec<_>>());
    for row in rows {
        let named: Vec<&str> = row[3].split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "attack {} names no test", row[0]);
        for name in named {
            let name = name.rsplit("::").next().expect("never empty");
            assert!(sources.contains(&format!("fn {name}(")), "attack {}: there is no test {name}", row[0]);
        }
    }
}

fn read_all(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("entry is readable").path();
        if path.is_dir() {
            read_all(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).expect("source is UTF-8"));
        }
    }
}
