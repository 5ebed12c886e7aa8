//! Who the cluster runs as. Postgres refuses root, so root hands it to somebody with less power.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::unistd::{Gid, Uid, User, geteuid};

/// The user of the cluster's processes and files.
#[derive(Clone, Debug)]
pub struct Identity {
    /// For messages.
    pub name: String,
    /// Set when we are root and have to step down; otherwise the processes are simply ours.
    pub step_down: Option<(Uid, Gid)>,
}

impl Identity {
    /// Gives a file or directory to the user of the cluster.
    pub fn own(&self, path: &Path) -> anyhow::Result<()> {
        match self.step_down {
            Some((uid, gid)) => {
                nix::unistd::chown(path, Some(uid), Some(gid)).with_context(|| format!("giving {} to {}", path.display(), self.name))
            }
            None => Ok(()),
        }
    }

    /// The numeric user.
    pub fn uid(&self) -> u32 {
        self.step_down.map_or_else(|| geteuid().as_raw(), |(uid, _)| uid.as_raw())
    }
}

/// As root: the owner of an existing cluster, else `postgres`, else `nobody`. As anybody else: ourselves.
pub fn choose(data_dir: &Path) -> anyhow::Result<Identity> {
    let cluster = super::cluster_dir(data_dir);
    let owner = std::fs::metadata(cluster.join("PG_VERSION")).ok().map(|meta| Uid::from_raw(meta.uid()));
    let me = geteuid();
    if !me.is_root() {
        return ourselves(me, owner, &cluster);
    }
    let user = match owner.filter(|owner| !owner.is_root()) {
        Some(owner) => User::from_uid(owner)?.with_context(|| format!("{} belongs to user id {owner}, which does not exist here", cluster.display()))?,
        None => User::from_name("postgres")?.or(User::from_name("nobody")?).context("there is neither a user “postgres” nor a user “nobody”, and Postgres refuses to run as root; start Bugle as an ordinary user, or set DATABASE_URL")?,
    };
    must_be_reachable(data_dir, &user)?;
    Ok(Identity { name: user.name, step_down: Some((user.uid, user.gid)) })
}

fn ourselves(me: Uid, owner: Option<Uid>, cluster: &Path) -> anyhow::Result<Identity> {
    if let Some(owner) = owner.filter(|owner| *owner != me) {
        let owner = User::from_uid(owner)?.map_or_else(|| format!("user id {owner}"), |user| format!("user “{}”", user.name));
        bail!("the private Postgres in {} belongs to {owner}; start Bugle as that user or as root", cluster.display());
    }
    let user = User::from_uid(me)?.with_context(|| {
        format!(
            "Postgres needs a named user, and user id {me} has no entry in /etc/passwd. \
             Run Bugle as a user that exists (docker: leave out --user, or mount an /etc/passwd that names it), or set DATABASE_URL"
        )
    })?;
    Ok(Identity { name: user.name, step_down: None })
}

/// Our own name, for messages.
pub fn own_name() -> String {
    let me = geteuid();
    User::from_uid(me).ok().flatten().map_or_else(|| format!("user id {me}"), |user| format!("user “{}”", user.name))
}

/// A directory that only root may pass through hides the cluster from its own user. Said here, since Postgres's own message
/// (`could not access directory: Permission denied`) does not name the directory to open.
fn must_be_reachable(data_dir: &Path, user: &User) -> anyhow::Result<()> {
    if let Some(closed) = data_dir.ancestors().find(|dir| !may_pass(dir, user)) {
        let (closed, data_dir): (PathBuf, _) = (closed.to_owned(), data_dir.display());
        bail!(
            "Postgres runs as user “{}”, who may not pass through {} to {data_dir}. \
             Choose another BUGLE_DATA_DIR, or run: chmod o+x {}",
            user.name,
            closed.display(),
            closed.display()
        );
    }
    Ok(())
}

fn may_pass(dir: &Path, user: &User) -> bool {
    let Ok(meta) = std::fs::metadata(dir) else { return true };
    let mode = meta.permissions().mode();
    let bit = if meta.uid() == user.uid.as_raw() {
        0o100
    } else if meta.gid() == user.gid.as_raw() {
        0o010
    } else {
        0o001
    };
    mode & bit != 0
}
