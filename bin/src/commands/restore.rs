//! `headwater restore`: a backup put back on an empty server, whole or up to a point.
//! Not here: read models; the service folds them when it starts.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use infrastructure::{
    backup::{Backup, Plan, Progress, Restore, Restored},
    broker::{Broker, BrokerOptions},
    connection::{self as nats, ConnectOptions},
    replay::Bound,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{
    broker, connection, contexts,
    copies::{Bar, advised, stoppable},
    data::DataFolder,
    options::{Global, JsonArgs},
    output::Output,
};

/// What `headwater restore` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
The server must hold nothing of the service, and no instance may run on it. No instance starts before \
the restore is done; one that was interrupted is run again. Give the service the secret and the master \
keys that it had; with a data folder, copy the old `secret` and `master-key` into it before. Read models are folded anew: delete the old store, or take another.

With --until, what was done outside after that point is unknown to the log: a mail of that time may be \
sent again.

Examples:
  headwater restore /mnt/backup/2026-11-21 --nats nats://new.example.org --replicas 3 --dry-run
  headwater restore /mnt/backup/2026-11-21 --until 2026-11-21T09:30:00Z
  headwater restore /mnt/backup/2026-11-21 --data ./new --own-broker      # for `headwater dev`")]
pub struct RestoreArgs {
    /// The folder of the backup
    folder: PathBuf,
    /// The last position, or the time up to which commits come back [default: all]
    #[arg(long, value_name = "POS|TIME")]
    until: Option<Bound>,
    /// Read the backup, look at the server, and say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Copies that the server is to keep of every stream
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=5))]
    replicas: u8,
    /// Start the broker of the data folder for it, as `headwater dev` does
    #[arg(long, conflicts_with = "nats")]
    own_broker: bool,
    #[command(flatten)]
    json: JsonArgs,
}

/// Restores, and says what is there now.
///
/// # Errors
/// `corrupt` if the backup is damaged, `conflict` if the server is used; what else stands in the way.
pub async fn run(global: &Global, args: RestoreArgs) -> Result<()> {
    let backup = Backup::open(&args.folder).map_err(|problem| advised(problem, NOTHING))?;
    if !args.own_broker {
        let client = connection::connect(global).await?;
        return restore(global, &args, &backup, &client).await;
    }
    // To look is not to make: a folder without a broker would come to have an empty one.
    let has_broker = global.data.join("nats").exists();
    let elsewhere = (args.dry_run && !has_broker).then(tempfile::tempdir).transpose()?;
    let folder = elsewhere.as_ref().map_or(global.data.as_path(), TempDir::path);
    let data = DataFolder::create(folder)?;
    let _lock = data.lock()?;
    let binary = broker::binary(data.path()).await?;
    let broker = Broker::start(BrokerOptions::new(binary, data.path())).await?;
    let client = nats::connect(&ConnectOptions::new(broker.url())).await;
    let done = match client {
        Ok(client) => restore(global, &args, &backup, &client).await,
        Err(error) => Err(connection::explained(&error)),
    };
    broker.stop().await?;
    done
}

async fn restore(
    global: &Global,
    args: &RestoreArgs,
    backup: &Backup,
    client: &async_nats::Client,
) -> Result<()> {
    let output = Output::with(global, args.json);
    let composition = contexts::for_looking();
    let restore = Restore {
        client,
        backup,
        composition: &composition,
        until: args.until,
        replicas: args.replicas.into(),
    };
    let (bar, token) = (Bar::new(output), CancellationToken::new());
    let seen = |progress: Progress<'_>| bar.show(progress);
    let plan = restore.plan(&seen).await.map_err(|problem| advised(problem, NOTHING))?;
    if args.dry_run {
        drop(bar);
        return output.write(&plan, || planned(&plan, "would restore"));
    }
    let work = restore.run(plan, (&seen, &token));
    let restored = stoppable(&token, Box::pin(work)).await?;
    let restored = restored.map_err(|problem| advised(problem, AGAIN))?;
    drop(bar);
    output.write(&restored, || {
        let Restored { plan, compared, others } = &restored;
        let next = match args.own_broker {
            true => {
                let folder = global.data.display();
                format!(
                    "before `headwater dev --data {folder}` copy the `secret` and the `master-key` that the \
                     service had into {folder}"
                )
            }
            false => "give the service the secret and the master keys that it had".to_owned(),
        };
        format!(
            "{}\n{compared} commits are as they were, {others} other messages are back\n{next}",
            planned(plan, "restored")
        )
    })
}

const NOTHING: &str = "Nothing was changed.";
const AGAIN: &str = "No instance starts on what is there. Run it again: it goes on from there.";

fn planned(plan: &Plan, verb: &str) -> String {
    let Plan { backup, position, of, resumed, cut } = plan;
    let again = if *resumed { ", as was begun before" } else { "" };
    let mut text = format!("{verb} the backup {backup} up to {position} of {of}{again}");
    if let Some(cut) = cut {
        text.push_str(&format!("\nthe log as it was at {}", cut.time));
        for it in &cut.rewound {
            let why = if it.timers { "it sets timers" } else { "what it ordered was cut off" };
            text.push_str(&format!("\n{} goes on behind {}: {why}", it.handler, it.to));
        }
    }
    text
}
