//! `headwater charts`: every state machine, drawn from the code that runs.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::{
    contexts,
    options::{Global, JsonArgs},
    output::Output,
};

/// What `headwater charts` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater charts > machines.md
  headwater charts --aggregate onboarding --table")]
pub struct ChartsArgs {
    /// Only the machines of this aggregate type
    #[arg(long, value_name = "TYPE")]
    aggregate: Option<String>,
    /// Transition tables instead of Mermaid diagrams
    #[arg(long)]
    table: bool,
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints Markdown with a diagram or a table of each machine.
///
/// # Errors
/// If there is no such aggregate type.
pub fn run(global: &Global, args: &ChartsArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    if let Some(wanted) = &args.aggregate {
        contexts::reader(wanted)?;
    }
    let wanted = |name: &str| args.aggregate.as_deref().is_none_or(|only| only == name);
    let charts: Vec<_> = contexts::composition()
        .charts()
        .into_iter()
        .filter(|(aggregate, _)| wanted(aggregate))
        .collect();
    for (aggregate, machines) in charts {
        for chart in machines {
            let arrows = chart.arrows.iter();
            let value = json!({
                "aggregate": aggregate,
                "machine": chart.name,
                "initial": chart.initial,
                "arrows": arrows.map(|a| json!({"from": a.from, "event": a.event, "to": a.to}))
                    .collect::<Vec<_>>(),
                "mermaid": chart.mermaid(),
            });
            output.write(&value, || {
                let heading = format!("## {aggregate}: {}\n", chart.name);
                let picture = format!("```mermaid\n{}```\n", chart.mermaid());
                format!("{heading}\n{}", if args.table { chart.table() } else { picture })
            })?;
        }
    }
    Ok(())
}
