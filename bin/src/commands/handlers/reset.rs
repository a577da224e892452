//! `headwater handlers reset`: events are delivered to a policy or an effect again, with whatever it
//! does about them. The tool only asks; the handler's owner goes back. Not here: looking at what a
//! handler would do (`replay`), folding a projection anew (`projection rebuild`).

use std::time::Duration;

use anyhow::Result;
use async_nats::Client;
use clap::Args;
use infrastructure::{
    composition::Composition,
    deadletter::Reset,
    handler::{self, Acted, Standpoint},
    replay::Bound,
};
use kit::Position;
use serde_json::json;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::preview::Preview;
use crate::{
    connection, contexts,
    exit::Quietly,
    master_keys,
    options::{Global, JsonArgs},
    output::{Output, clean},
    repair::RepairArgs,
};

/// How long between two looks.
const INTERVAL: Duration = Duration::from_millis(100);

/// What `headwater handlers reset` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --yes nothing is done: it shows what would be delivered again, and what the handler would do \
about it.\nEvents at or behind a dead letter go on waiting for it.

Exit codes: 4, if another reset is not done yet; 6, if --wait ended before the owner had acted.

Examples:
  headwater handlers reset onboarding-driver --from 1200 --why 'fixed in 1.4'
  headwater handlers reset onboarding-driver --from 2026-11-21T03:00:00Z --why 'fixed in 1.4' --yes --wait
  headwater handlers history onboarding-driver")]
pub(super) struct ResetArgs {
    /// The policy or effect
    #[arg(value_name = "NAME")]
    handler: String,
    /// The first position to deliver again, or the time from which commits are
    #[arg(long, value_name = "POS|TIME")]
    from: Bound,
    /// Take the place of this request, which is not done yet
    #[arg(long, value_name = "REQUEST")]
    instead_of: Option<Uuid>,
    /// Wait until the handler's owner has gone back
    #[arg(long)]
    wait: bool,
    /// How long to wait at most
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 30_000, requires = "wait")]
    wait_ms: u64,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    repair: RepairArgs,
}

pub(super) async fn run(global: &Global, args: &ResetArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let client = connection::connect(global).await?;
    let stands = handler::standpoint(&client, &args.handler).await?;
    let from = args.from.first(&client).await?;
    let past = stands.is_past(from)?;
    // To take the place of another request is something to do in any case.
    if !past && args.instead_of.is_none() {
        let (handler, at) = (&stands.handler, stands.checkpoint);
        let value = json!({"status": "unchanged", "handler": handler, "checkpoint": at});
        return output
            .write(&value, || format!("{handler} is at {at}: there is nothing to deliver again"));
    }
    if !args.repair.yes {
        let composition = master_keys::opening(contexts::for_looking(), global, &client)?;
        return planned(output, (&client, &composition), &stands, from).await;
    }
    let (who, why) = (args.repair.by()?, &args.repair.why);
    let reset = stands.ask(&client, from, (&who, why), args.instead_of).await?;
    say(output, &stands, &reset, "requested", stands.checkpoint)?;
    if args.wait { wait(output, &client, &stands, &reset, args.wait_ms).await } else { Ok(()) }
}

async fn planned(
    output: Output,
    log: (&Client, &Composition),
    stands: &Standpoint,
    from: Position,
) -> Result<()> {
    let Standpoint { handler, checkpoint, owner, pending, .. } = stands;
    let preview = match from > *checkpoint {
        true => Preview::default(),
        false => Preview::of(log, handler, (from, *checkpoint)).await?,
    };
    let value = json!({
        "status": "planned",
        "handler": handler,
        "from": from,
        "checkpoint": checkpoint,
        "owner": owner,
        "pending": pending,
        "again": preview,
    });
    output.write(&value, || {
        let Preview { commits, events, .. } = preview;
        let mut lines = vec![format!(
            "would deliver to {handler} again: {commits} commits with {events} events, from {from} to \
             {checkpoint}"
        )];
        lines.extend(preview.lines());
        if owner.is_none() {
            lines.push("No instance owns it now: it goes back when one does.".to_owned());
        }
        if let Some(Reset { request, from, who, why, .. }) = pending {
            let (who, why) = (clean(who), clean(why));
            lines.push(format!("{who} asked for it from {from} on, which is not done yet: {why}"));
            lines.push(format!("To take its place add --instead-of {request}."));
        }
        lines.push("Nothing has been done: repeat it with --yes.".to_owned());
        lines.join("\n")
    })?;
    Err(Quietly(2).into())
}

fn say(
    output: Output,
    stands: &Standpoint,
    reset: &Reset,
    status: &str,
    checkpoint: Position,
) -> Result<()> {
    let (handler, from) = (&stands.handler, reset.from);
    let value = json!({
        "status": status,
        "handler": handler,
        "request": reset.request,
        "from": from,
        "checkpoint": checkpoint,
    });
    output.write(&value, || {
        let nobody = status == "requested" && stands.owner.is_none();
        let nobody = if nobody { "; no instance owns it now" } else { "" };
        format!("{status:<9} {handler} from {checkpoint} back before {from}{nobody}")
    })
}

async fn wait(
    output: Output,
    client: &Client,
    stands: &Standpoint,
    reset: &Reset,
    wait_ms: u64,
) -> Result<()> {
    let deadline = Instant::now() + Duration::from_millis(wait_ms);
    loop {
        match handler::acted_on(client, &stands.handler, reset.request).await? {
            Acted::Done { checkpoint, .. } => {
                return say(output, stands, reset, "rewound", checkpoint);
            }
            Acted::Replaced { who } => {
                let who = clean(&who);
                let value = json!({"status": "replaced", "handler": stands.handler, "by": who});
                output.write(&value, || format!("replaced  {} by {who}", stands.handler))?;
                return Err(Quietly(4).into());
            }
            Acted::NotYet if Instant::now() >= deadline => {
                say(output, stands, reset, "pending", stands.checkpoint)?;
                return Err(Quietly(6).into());
            }
            Acted::NotYet => sleep(INTERVAL).await,
        }
    }
}
