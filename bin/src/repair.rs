//! What every repair by hand takes: who, why, and that it is meant.
//! Not here: what is repaired.

use clap::Args;

/// Who repairs, and why.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Repair")]
pub(crate) struct RepairArgs {
    /// Why, for whoever reads the log later
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    /// On whose behalf [default: the user's name on this machine]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Do it; without this it is only shown
    #[arg(long)]
    pub(crate) yes: bool,
}

impl RepairArgs {
    /// On whose behalf.
    #[must_use]
    pub(crate) fn by(&self) -> String {
        let name = || std::env::var("USER").ok().filter(|name| !name.is_empty());
        self.by.clone().or_else(name).unwrap_or_else(|| "unknown".to_owned())
    }
}
