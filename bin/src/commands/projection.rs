//! `headwater projection`: the generations of a projection's rows, and how they take turns.
//! Not here: what is done with them; the projection's owner does it.

pub(super) mod progress;
mod verify;

use anyhow::Result;
use clap::{Args, Subcommand};
use infrastructure::{
    problem::Problem,
    readmodel::{
        self, GenerationAction, GenerationInfo, GenerationReport, GenerationRequest, GenerationRole,
    },
};
use serde_json::json;

use crate::{
    connection,
    exit::Quietly,
    options::{Global, JsonArgs},
    output::{Output, clean},
    repair,
};

/// What `headwater projection` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "A projection answers all the while: a new generation is filled beside the \
one that answers, compared with it at one position, and takes over with one write. The tool only \
asks; it can be ended at any time, and asks for nothing twice. It needs the service's credentials; \
`verify` only reads, but the store, too.

Examples:
  headwater projection list
  headwater projection rebuild people
  headwater projection rollback people
  headwater projection drop people --generation 1 --yes
  headwater projection verify people --store postgres://headwater@db.example.org/models"
)]
pub struct ProjectionArgs {
    #[command(subcommand)]
    action: Action,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
enum Action {
    /// Show the generations of every projection
    List(ListArgs),
    /// Fill a new generation from the log, and let it take over
    Rebuild(RebuildArgs),
    /// Let the generation before answer again
    Rollback(RollbackArgs),
    /// Delete a generation that does not answer
    Drop(DropArgs),
    /// Prove from the log that no event was skipped or applied twice
    Verify(verify::VerifyArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct RebuildArgs {
    /// The projection
    name: String,
    /// Let the new generation take over even if its rows differ from the ones before
    #[arg(long)]
    accept: bool,
    #[command(flatten)]
    who: WhoArgs,
}

#[derive(Debug, Args)]
struct RollbackArgs {
    /// The projection
    name: String,
    #[command(flatten)]
    who: WhoArgs,
}

#[derive(Debug, Args)]
struct DropArgs {
    /// The projection
    name: String,
    /// Which generation [default: the only one that does not answer]
    #[arg(long, value_name = "NUMBER")]
    generation: Option<i64>,
    /// Do it; without this it is only shown
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    who: WhoArgs,
}

#[derive(Debug, Args)]
struct WhoArgs {
    /// On whose behalf [default: the user's name on this machine]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Shows generations, or asks for something and waits until it is done.
///
/// # Errors
/// If the server does not answer, or the owner refuses.
pub async fn run(global: &Global, args: ProjectionArgs) -> Result<()> {
    let client = connection::connect(global).await?;
    let (name, action, who) = match args.action {
        Action::Verify(args) => return verify::run(global, &client, args).await,
        Action::List(ListArgs { json }) => return list(Output::with(global, json), &client).await,
        Action::Rebuild(RebuildArgs { name, accept, who }) => {
            (name, GenerationAction::Rebuild { accept }, who)
        }
        Action::Rollback(RollbackArgs { name, who }) => (name, GenerationAction::Rollback, who),
        Action::Drop(DropArgs { name, generation, yes, who }) => {
            if !yes {
                return planned(Output::with(global, who.json), &client, &name, generation).await;
            }
            (name, GenerationAction::Drop { generation }, who)
        }
    };
    let output = Output::with(global, who.json);
    let by = repair::by(who.by.as_deref())?;
    let request = readmodel::request_generation(&client, &name, action, &by).await?;
    let GenerationRequest { id, .. } = &request;
    let outcome = progress::follow(output, &client, &name, id).await?;
    output.write(&outcome, || {
        let mut told = clean(&outcome.told);
        for key in &outcome.differing {
            told.push_str("\n  differs: ");
            told.push_str(&clean(key));
        }
        told
    })?;
    if outcome.done { Ok(()) } else { Err(Quietly(4).into()) }
}

async fn list(output: Output, client: &async_nats::Client) -> Result<()> {
    for report in readmodel::generation_reports(client).await? {
        output.write(&report, || told(&report))?;
    }
    Ok(())
}

fn told(report: &GenerationReport) -> String {
    let mut text = clean(&report.projection);
    for GenerationInfo { generation, version, position, role } in &report.generations {
        let role = match role {
            GenerationRole::Current => "answers",
            GenerationRole::Filling => "is being filled",
            GenerationRole::Standby => "stands by",
            GenerationRole::Left => "is not fed",
        };
        text.push_str(&format!(
            "\n  generation {generation}, version {version}, at {position}, {role}"
        ));
    }
    if let Some(filling) = &report.filling {
        text.push_str("\n  ");
        text.push_str(&progress::line(filling));
    }
    if let Some(outcome) = &report.outcome {
        text.push_str("\n  last: ");
        text.push_str(&clean(&outcome.told));
    }
    text
}

/// What a drop would delete.
async fn planned(
    output: Output,
    client: &async_nats::Client,
    name: &str,
    generation: Option<i64>,
) -> Result<()> {
    let Some(report) = readmodel::generation_report(client, name).await? else {
        return Err(Problem::not_found(format!("no projection {name:?} has run yet")).into());
    };
    let mut others = report.generations;
    others.retain(|it| it.role != GenerationRole::Current);
    others.retain(|it| generation.is_none_or(|number| it.generation == number));
    let plan = json!({"status": "planned", "projection": name, "drop": others});
    output.write(&plan, || {
        let one = |it: &GenerationInfo| {
            let GenerationInfo { generation, version, position, .. } = it;
            format!("would delete generation {generation}, version {version}, at {position}\n")
        };
        let them: String = others.iter().map(one).collect();
        format!("{them}Nothing has been done: repeat it with --yes.")
    })?;
    Err(Quietly(2).into())
}
