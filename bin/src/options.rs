//! The options that every subcommand shares. Not here: the subcommands, which are listed in
//! `arguments`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::connection::ConnectionArgs;

/// Options that every subcommand shares.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Folder with the broker's files, the read models and the secret of `headwater dev`
    #[arg(long, global = true, env = "HEADWATER_DATA", hide_env_values = true, value_name = "DIR")]
    #[arg(default_value = "./.headwater", help_heading = "General")]
    pub data: PathBuf,
    /// Output for people, or JSON for machines
    #[arg(
        long,
        global = true,
        env = "HEADWATER_OUTPUT",
        hide_env_values = true,
        value_enum,
        value_name = "FORMAT"
    )]
    #[arg(default_value_t = Format::Human, hide_possible_values = true, help_heading = "General")]
    pub output: Format,
    /// What to log, such as `info` or `warn,infrastructure=debug`
    #[arg(
        long,
        global = true,
        env = "HEADWATER_LOG",
        hide_env_values = true,
        value_name = "FILTER"
    )]
    #[arg(help_heading = "General")]
    pub log: Option<String>,
    /// How to write the log: human or json
    #[arg(
        long,
        global = true,
        env = "HEADWATER_LOG_FORMAT",
        hide_env_values = true,
        value_enum,
        value_name = "FORMAT"
    )]
    #[arg(default_value_t = Format::Human, hide_possible_values = true, help_heading = "General")]
    pub log_format: Format,
    /// File with the keys that wrap those of personal data, one in each line, the newest first
    /// [default: the data folder's, or one that follows from the service's secret]
    #[arg(
        long,
        global = true,
        env = "HEADWATER_MASTER_KEY_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    #[arg(help_heading = "General")]
    pub master_key_file: Option<PathBuf>,
    /// How to reach NATS.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// For whom a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// People.
    Human,
    /// Machines.
    Json,
}

/// The shorthand of subcommands whose `--json` does not hold a body.
#[derive(Debug, Clone, Copy, Args)]
pub struct JsonArgs {
    /// Short for `--output json`
    #[arg(long)]
    pub json: bool,
}
