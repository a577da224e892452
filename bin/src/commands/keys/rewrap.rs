//! `headwater keys rewrap`: the keys of personal data, wrapped anew by the newest master key.
//! Not here: when an instance may use a master key; each says so when it starts.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use infrastructure::{
    backup::Progress,
    sealing::{Keys, Wrapped},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    connection,
    copies::{Bar, advised, stoppable},
    exit::Advised,
    master_keys,
    options::{Global, JsonArgs},
    output::Output,
    secret,
};

/// What `headwater keys rewrap` takes.
#[derive(Debug, Args)]
pub(super) struct RewrapArgs {
    /// The service's secret, where keys may be wrapped by what follows from it [default: the data folder's]
    #[arg(long, value_name = "FILE", env = "HEADWATER_SECRET_FILE", hide_env_values = true)]
    secret_file: Option<PathBuf>,
    /// Unwrap every key, and say what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    json: JsonArgs,
}

/// Looks at all keys, and wraps anew those that an older master key wraps.
///
/// # Errors
/// `master-key-differs` if one cannot be unwrapped, and then none is changed; `conflict` if instances do not
/// have the newest master key; when it is interrupted.
pub(super) async fn run(global: &Global, args: &RewrapArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let masters = match &args.secret_file {
        Some(path) => Some(master_keys::of(global, &secret::read(path)?)?),
        None => master_keys::known(global)?,
    };
    let masters = masters.ok_or_else(|| {
        Advised::usage(
            "there are no master keys here",
            "Name their file with --master-key-file, the new one in its first line.",
        )
    })?;
    let keys = Keys::new(connection::connect(global).await?, masters);
    let before = keys.wrapped().await?;
    if args.dry_run {
        let answer = json!({ "would_wrap": before.others(), "keys": before });
        return output.write(&answer, || planned(&before));
    }
    keys.are_wrapped_by_newest().await.map_err(|problem| match problem.code.as_str() {
        "conflict" => advised(problem, ""),
        _ => problem.into(),
    })?;
    let (bar, token) = (Bar::new(output), CancellationToken::new());
    let of = before.others();
    let seen = |at| bar.show(Progress { doing: "wrapping", stream: "keys", at, of });
    let done = stoppable(&token, Box::pin(keys.rewrap(&seen, &token))).await??;
    drop(bar);
    let after = keys.wrapped().await?;
    if after.others() > 0 {
        let message = format!("{done} keys were wrapped anew, {} are left", after.others());
        return Err(Advised::new(message, "Run it again: it goes on from there.").into());
    }
    output.write(&json!({ "wrapped": done, "keys": after }), || {
        let Wrapped { newest, by_newest, .. } = &after;
        format!(
            "{done} keys were wrapped anew; all {by_newest} are wrapped by {newest}\n\
             backups from before need the older master keys as long as they are kept"
        )
    })
}

fn planned(found: &Wrapped) -> String {
    let Wrapped { newest, by_newest, by_others, destroyed } = found;
    let others = by_others.iter().map(|(master, keys)| format!("\n{keys} by {master}"));
    format!(
        "would wrap {} keys anew; {by_newest} are wrapped by {newest} already, {destroyed} are destroyed{}",
        found.others(),
        others.collect::<String>()
    )
}
