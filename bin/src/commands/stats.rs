//! `headwater stats`: how much the log holds, how fast it grows, and how much room there is.

use std::fmt::Write as _;

use anyhow::Result;
use chrono::SecondsFormat;
use clap::Args;
use infrastructure::{
    backup::PutBack,
    growth::{self, Growth},
};

use crate::{
    connection, contexts,
    data::DataFolder,
    options::{Global, JsonArgs},
    output::Output,
};

/// Nobody plans further ahead than ten years.
const FORESEEN_DAYS: f64 = 3_650.0;

/// What `headwater stats` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater stats
  headwater stats --days 30 --json")]
pub struct StatsArgs {
    /// Days to look back, and today
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=90))]
    days: u8,
    /// Monitoring address of the server, such as `http://host:8222`, to read its room for files from
    /// [default: the running `headwater dev`'s]
    #[arg(long, value_name = "URL", env = "HEADWATER_MONITORING", hide_env_values = true)]
    monitoring: Option<String>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints the figures.
///
/// # Errors
/// `unavailable` if there is no log, or it does not answer.
pub async fn run(global: &Global, args: StatsArgs) -> Result<()> {
    let client = connection::connect(global).await?;
    let own = global.connection.nats.is_none();
    let announced = || DataFolder::at(&global.data).announced_monitoring().filter(|_| own);
    let monitoring = args.monitoring.or_else(announced);
    let aggregates = contexts::readers().into_iter().map(|reader| reader.aggregate);
    let growth = growth::examine(&client, aggregates, args.days, monitoring.as_deref()).await?;
    Output::with(global, args.json).write(&growth, || text(&growth))
}

fn text(growth: &Growth) -> String {
    let Growth { commits, bytes, first_position, last_position, days, pace, .. } = growth;
    let mut text = format!(
        "log         {commits} commits, {bytes} bytes, positions {first_position} to {last_position}\n\
         pace        {:.0} commits and {:.0} bytes a day, over {:.1} days\n\
         in 30 days  {:.0} bytes\n\
         storage     {}\n",
        pace.commits_per_day,
        pace.bytes_per_day,
        pace.over_days,
        growth.bytes_in_30_days,
        growth.room
    );
    // Writing to a String cannot fail.
    if let Some(PutBack { position, begun, .. }) = &growth.restored {
        let begun = begun.to_rfc3339_opts(SecondsFormat::Secs, true);
        let _ = writeln!(
            text,
            "restored    up to position {position} at {begun}; pace and days are of what came since"
        );
    }
    if let Some(days) = growth.full_in_days.filter(|days| *days < FORESEEN_DAYS) {
        let _ = writeln!(text, "full        in {days:.0} days at this pace");
    }
    let _ = writeln!(text, "\n{:<12} {:>12}", "day (UTC)", "commits");
    for day in days {
        let _ = writeln!(text, "{:<12} {:>12}", day.day, day.commits);
    }
    let _ = writeln!(text, "\n{:<16} {:>12} {:>12}", "aggregate", "commits", "in that time");
    for of in &growth.aggregates {
        let _ = writeln!(text, "{:<16} {:>12} {:>12}", of.aggregate, of.commits, of.recent);
    }
    text.trim_end().to_owned()
}
