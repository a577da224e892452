//! What every repair by hand takes: who, why, and that it is meant.
//! Not here: what is repaired.

use std::fs;

use anyhow::Result;
use clap::Args;
use rustix::process::geteuid;

use crate::exit::Advised;

/// Longest word on who and why, in bytes: it is kept for ever.
const WORDS_MAX: usize = 4_096;

/// Who repairs, and why.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Repair")]
pub(crate) struct RepairArgs {
    /// Why, for whoever reads the log later
    #[arg(long, value_name = "TEXT", value_parser = words)]
    pub(crate) why: String,
    /// On whose behalf [default: the user's name on this machine]
    #[arg(long, value_name = "NAME", value_parser = words)]
    by: Option<String>,
    /// Do it; without this it is only shown
    #[arg(long)]
    pub(crate) yes: bool,
}

fn words(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("somebody will want to know".to_owned()),
        text if text.len() > WORDS_MAX => Err(format!("longer than {WORDS_MAX} bytes")),
        text => Ok(text.to_owned()),
    }
}

impl RepairArgs {
    /// On whose behalf.
    ///
    /// # Errors
    /// As [`by`].
    pub(crate) fn by(&self) -> Result<String> {
        by(self.by.as_deref())
    }
}

/// On whose behalf something is done: whom `given` names, or the user of this machine.
///
/// # Errors
/// If neither is known, as in some containers: nobody could ask them later.
pub(crate) fn by(given: Option<&str>) -> Result<String> {
    let said = std::env::var("USER").ok().filter(|name| !name.trim().is_empty());
    let listed = || listed(&fs::read_to_string("/etc/passwd").ok()?, geteuid().as_raw());
    let name = given.map(str::to_owned).or(said).or_else(listed);
    let advice = "Say on whose behalf: --by NAME.";
    Ok(name.ok_or_else(|| Advised::usage("your user has no name on this machine", advice))?)
}

/// The name of the user `id` in a list like `/etc/passwd`.
fn listed(users: &str, id: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_name_that_the_system_lists_or_none() {
        let users = "root:x:0:0:root:/root:/bin/bash\n# a remark\nada:x:1000:1000::/home/ada:\n";
        assert_eq!(listed(users, 0).as_deref(), Some("root"));
        assert_eq!(listed(users, 1000).as_deref(), Some("ada"));
        assert_eq!(listed(users, 4711), None, "as where a container runs under any number");
    }
}
