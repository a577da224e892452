//! `headwater handlers`: how far each policy and projection has come.

use anyhow::Result;
use clap::Args;
use infrastructure::handler::{self, HandlerReport, HandlerState};

use crate::{
    arguments::{Global, JsonArgs},
    connection,
    output::{Output, clean},
};

/// What `headwater handlers` takes.
#[derive(Debug, Args)]
pub struct HandlersArgs {
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints every registered handler, one a line.
///
/// # Errors
/// If the server does not answer.
pub async fn run(global: &Global, args: HandlersArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let client = connection::connect(global).await?;
    let handlers = handler::report(&client).await?;
    if !output.is_json() {
        output.line(format!(
            "{:<26} {:<11} {:<9} {:>10} {:>8} {:>8}  owner",
            "handler", "kind", "state", "position", "lag", "refused"
        ))?;
    }
    for handler in handlers {
        output.write(&handler, || line(&handler))?;
    }
    Ok(())
}

fn line(handler: &HandlerReport) -> String {
    let HandlerReport { name, kind, owner, state, position, lag, refused, .. } = handler;
    let (state, reason) = match (owner, state) {
        (Some(_), _) if handler.stale => ("stale", None),
        (None, _) | (_, None) => ("nowhere", None),
        (_, Some(HandlerState::Waiting)) => ("waiting", None),
        (_, Some(HandlerState::Running)) => ("running", None),
        (_, Some(HandlerState::Stopped)) => ("stopped", None),
        (_, Some(HandlerState::Retrying { reason })) => ("retrying", Some(reason)),
        (_, Some(HandlerState::Halted { reason })) => ("halted", Some(reason)),
    };
    let owner = clean(owner.as_deref().unwrap_or("-"));
    let (kind, position) = (kind.to_string(), position.to_string());
    let mut line =
        format!("{name:<26} {kind:<11} {state:<9} {position:>10} {lag:>8} {refused:>8}  {owner}");
    if let Some(reason) = reason {
        line.push_str("\n    ");
        line.push_str(&clean(reason));
    }
    line
}
