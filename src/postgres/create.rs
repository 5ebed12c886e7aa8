//! Makes a new cluster. It appears under its name only when complete, so a process killed half-way leaves nothing that looks like one.

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, bail};
use tracing::{info, warn};

use super::binaries::Binaries;
use super::child::Launch;
use super::identity::Identity;
use super::{DATABASE, USER, cluster_dir, password};

/// Byte order, so that no upgrade of the C library breaks an index, with Unicode's idea of upper and lower case.
const LOCALE: &[&str] = &["--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C", "--lc-monetary=C", "--lc-numeric=C", "--lc-time=C"];

/// `initdb`, password, database, then the rename.
pub fn cluster(data_dir: &Path, binaries: &Binaries, identity: &Identity) -> anyhow::Result<()> {
    info!(postgres.major = binaries.major, "creating a private PostgreSQL {} in {}", binaries.major, data_dir.display());
    let unfinished = data_dir.join("pg.new");
    let password_file = data_dir.join("pg.pwfile");
    password::write(&password_file, &password::create(data_dir)?)?;
    identity.own(&password_file)?;
    let made = initdb(binaries, identity, &unfinished, &password_file);
    std::fs::remove_file(&password_file).context("removing the password file of initdb")?;
    made?;
    create_database(binaries, identity, &unfinished)?;
    std::fs::rename(&unfinished, cluster_dir(data_dir)).context("giving the finished cluster its name")?;
    File::open(data_dir).and_then(|dir| dir.sync_all()).context("making the new name durable")
}

fn initdb(binaries: &Binaries, identity: &Identity, dir: &Path, password_file: &Path) -> anyhow::Result<()> {
    let refused = match try_initdb(binaries, identity, dir, password_file, LOCALE)? {
        None => return Ok(()),
        Some(complaint) => complaint,
    };
    if !refused.contains("locale") {
        bail!("initdb failed: {refused}");
    }
    warn!("the locale C.UTF-8 is missing: searching will tell É from é");
    match try_initdb(binaries, identity, dir, password_file, &["--no-locale"])? {
        None => Ok(()),
        Some(complaint) => bail!("initdb failed: {complaint}"),
    }
}

/// Answers what `initdb` complained about, if it failed.
fn try_initdb(
    binaries: &Binaries,
    identity: &Identity,
    dir: &Path,
    password_file: &Path,
    locale: &[&str],
) -> anyhow::Result<Option<String>> {
    empty_dir(dir, identity)?;
    let mut launch = Launch::new(&binaries.bindir.join("initdb"), identity);
    launch.arg("-D").arg(dir).arg("-U").arg(USER).args(["-E", "UTF8"]).args(locale);
    launch.args(["-A", "scram-sha-256", "--data-checksums", "--no-instructions"]).arg("--pwfile").arg(password_file);
    let output = launch.run("")?;
    Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// In single-user mode: the cluster is complete before anybody can connect to it.
fn create_database(binaries: &Binaries, identity: &Identity, dir: &Path) -> anyhow::Result<()> {
    let mut launch = Launch::new(&binaries.bindir.join("postgres"), identity);
    launch.args(["--single", "-c", "exit_on_error=on", "-D"]).arg(dir).arg("postgres");
    let output = launch.run(&format!("CREATE DATABASE {DATABASE}\n"))?;
    if !output.status.success() {
        bail!("creating the database failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Removes what an earlier attempt left.
fn empty_dir(dir: &Path, identity: &Identity) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(problem) if problem.kind() != ErrorKind::NotFound => {
            return Err(problem).with_context(|| format!("removing {}", dir.display()));
        }
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(dir).with_context(|| format!("making {}", dir.display()))?;
    identity.own(dir)
}
