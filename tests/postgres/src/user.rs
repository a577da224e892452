//! Under whom the server runs: PostgreSQL refuses root.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt as _},
    path::Path,
    process::Command,
};

/// The user and the group of a server, if they are not our own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User(Option<(u32, u32)>);

impl User {
    /// Ourselves, or, if we are root, `postgres` or at least `nobody`.
    pub(crate) fn fit_for_postgres() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self(None);
        }
        let users = fs::read_to_string("/etc/passwd").expect("the list of users");
        let found = ["postgres", "nobody"].iter().find_map(|name| ids(&users, name));
        Self(Some(found.expect("a user who is not root")))
    }

    pub(crate) fn give(self, folder: &Path) {
        if let Self(Some((user, group))) = self {
            chown(folder, Some(user), Some(group)).expect("the folder changes hands");
        }
    }

    pub(crate) fn run_as(self, command: &mut Command) {
        if let Self(Some((user, group))) = self {
            command.uid(user).gid(group);
        }
    }
}

fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = users
        .lines()
        .map(|line| line.split(':'))
        .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    let user = fields.nth(1)?.parse().ok()?;
    Some((user, fields.next()?.parse().ok()?))
}
