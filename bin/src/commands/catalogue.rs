//! `headwater commands`: what may be sent, as the running service says it.

use anyhow::Result;
use clap::Args;
use infrastructure::problem::Problem;
use kit::{CommandInfo, FieldInfo, excerpt};
use serde::Serialize;

use crate::{
    connection,
    options::{Global, JsonArgs},
    output::{Output, clean},
};

/// What `headwater commands` takes.
#[derive(Debug, Args)]
#[command(after_help = "A field with a star must be there. A body is given to `headwater send` \
with --json, from a file or from standard input.

Examples:
  headwater commands
  headwater commands person --json")]
pub struct CatalogueArgs {
    /// Only the commands of this aggregate type, such as person
    aggregate: Option<String>,
    #[command(flatten)]
    json: JsonArgs,
}

/// One command. The JSON form is part of the command line's contract.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    aggregate: &'a str,
    #[serde(flatten)]
    command: &'a CommandInfo,
}

/// Asks the service and prints every command, with its fields and an example of its body.
///
/// # Errors
/// `unknown-aggregate`, or `unavailable` if no instance answers.
pub async fn run(global: &Global, args: CatalogueArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let commands = connection::client(global).await?.offer().await?.commands;
    if commands.is_empty() {
        return Err(Problem::unavailable("no instance takes commands here").into());
    }
    if let Some(wanted) = &args.aggregate
        && !commands.contains_key(wanted)
    {
        let known = commands.into_keys().collect::<Vec<_>>().join(", ");
        let detail = format!("{:?} is none of {known}", excerpt(wanted));
        return Err(Problem::unknown_aggregate(detail).into());
    }
    let wanted = |name: &str| args.aggregate.as_deref().is_none_or(|only| only == name);
    for (aggregate, commands) in commands.iter().filter(|(name, _)| wanted(name)) {
        for command in commands {
            let listed = Listed { aggregate, command };
            output.write(&listed, || listed.words())?;
        }
    }
    Ok(())
}

impl Listed<'_> {
    fn words(&self) -> String {
        let Self { aggregate, command: CommandInfo { name, fields, example, .. } } = self;
        let mut text = format!("{aggregate} {name}");
        for FieldInfo { name, kind, required } in fields {
            let star = if *required == Some(true) { "*" } else { " " };
            text.push_str(&format!("\n  {star} {name:<16} {}", clean(kind)));
        }
        if let Some(example) = example {
            text.push_str(&format!("\n    {}", clean(&example.to_string())));
        }
        text.push('\n');
        text
    }
}
