//! Where `postgres` and `initdb` are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;

/// Oldest major version Bugle's SQL is written for.
pub const MAJOR_MIN: u32 = 14;

/// A directory with a usable server.
#[derive(Clone, Debug, PartialEq)]
pub struct Binaries {
    /// Holds `postgres` and `initdb`.
    pub bindir: PathBuf,
    /// 15 for 15.18.
    pub major: u32,
}

/// The given directory, or the best one found: the same major as an existing cluster, else the newest.
pub fn find(given: Option<&Path>, existing_major: Option<u32>) -> anyhow::Result<Binaries> {
    let found: Vec<Binaries> = match given {
        Some(bindir) => match inspect(bindir) {
            Some(binaries) => vec![binaries],
            None => bail!(
                "BUGLE_PG_BINDIR is {}, but there is no working postgres and initdb in it. Correct it, or unset it and install PostgreSQL \
                 (Debian and Ubuntu: apt install postgresql)",
                bindir.display()
            ),
        },
        None => candidates().iter().filter_map(|bindir| inspect(bindir)).collect(),
    };
    choose(found, existing_major)
}

fn choose(found: Vec<Binaries>, existing_major: Option<u32>) -> anyhow::Result<Binaries> {
    let majors = found.iter().map(|binaries| binaries.major.to_string()).collect::<Vec<_>>().join(", ");
    let best = match existing_major {
        Some(major) => found.into_iter().find(|binaries| binaries.major == major),
        None => found.into_iter().filter(|binaries| binaries.major >= MAJOR_MIN).max_by_key(|binaries| binaries.major),
    };
    match (best, existing_major) {
        (Some(best), _) => Ok(best),
        (None, Some(major)) => bail!(
            "the private Postgres in the data directory was made by PostgreSQL {major}, which is not installed{}. \
             Install it (Debian and Ubuntu: apt install postgresql-{major}) or set BUGLE_PG_BINDIR to where it is. \
             To move to another version: run pg_dump with version {major}, start Bugle on an empty data directory, and restore",
            if majors.is_empty() { String::new() } else { format!(" (found: {majors})") }
        ),
        (None, None) if majors.is_empty() => bail!(
            "no PostgreSQL found. Install it (Debian and Ubuntu: apt install postgresql; Fedora: dnf install postgresql-server; \
             macOS: brew install postgresql@17), set BUGLE_PG_BINDIR to where postgres and initdb are, or set DATABASE_URL to a running server"
        ),
        (None, None) => bail!("Bugle needs PostgreSQL {MAJOR_MIN} or newer; found only {majors}. Install a newer one, or set DATABASE_URL"),
    }
}

/// Most likely first. Debian keeps majors side by side, so does the PostgreSQL project on Red Hat.
fn candidates() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for (parent, prefix, suffix) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
    ] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        dirs.extend(entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).map(|entry| entry.path().join(suffix)));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        dirs.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    dirs.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    dirs.retain(|dir| dir.join("postgres").is_file() && dir.join("initdb").is_file());
    dirs
}

/// Asks the binary itself: a directory's name may lie.
fn inspect(bindir: &Path) -> Option<Binaries> {
    if !bindir.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(bindir.join("postgres")).arg("--version").output().ok()?;
    let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { bindir: bindir.to_owned(), major })
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` gives 15, `… 19beta2` gives 19.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(major: u32) -> Binaries {
        Binaries { bindir: PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")), major }
    }

    #[test]
    fn the_version_is_read_from_what_the_binary_says() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta2"), Some(19));
        assert_eq!(major_of("something else"), None);
    }

    #[test]
    fn a_new_cluster_takes_the_newest_and_an_old_one_its_own() {
        assert_eq!(choose(vec![at(15), at(17), at(13)], None).expect("found"), at(17));
        assert_eq!(choose(vec![at(15), at(17)], Some(15)).expect("found"), at(15));
    }

    #[test]
    fn a_refusal_says_what_to_install() {
        let refusal = |found, existing| choose(found, existing).expect_err("refused").to_string();
        assert!(refusal(vec![], None).contains("apt install postgresql;"));
        assert!(refusal(vec![at(17)], Some(15)).contains("apt install postgresql-15"));
        assert!(refusal(vec![at(17)], Some(15)).contains("found: 17"));
        assert!(refusal(vec![at(13)], None).contains("14 or newer"));
    }
}
