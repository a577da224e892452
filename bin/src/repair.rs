//! What every repair by hand takes: who, why, and that it is meant.
//! Not here: what is repaired.

use anyhow::Result;
use clap::Args;

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
/// If neither is known, as in a container: nobody could ask them later.
pub(crate) fn by(given: Option<&str>) -> Result<String> {
    let user = || std::env::var("USER").ok();
    let name = given.map(str::to_owned).or_else(user).filter(|name| !name.trim().is_empty());
    let nobody = || Advised::usage("$USER names nobody", "Say on whose behalf: --by NAME.");
    Ok(name.ok_or_else(nobody)?)
}
