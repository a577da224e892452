//! `headwater store`: which store has the read models, and giving it up when it is gone.

use anyhow::Result;
use clap::{Args, Subcommand};
use infrastructure::{
    problem::Problem,
    readmodel::{self, StoreClaim},
};

use crate::{
    connection,
    exit::Quietly,
    options::{Global, JsonArgs},
    output::{Output, clean},
    repair::RepairArgs,
};

/// What `headwater store` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater store
  headwater store release 019e... --why 'the disk is gone'         # shows what it would do
  headwater store release 019e... --why 'the disk is gone' --yes")]
pub struct StoreArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    json: JsonArgs,
}

/// What is to be done with it.
#[derive(Debug, Subcommand)]
enum Action {
    /// Give the store up, so that the next `serve` folds the read models anew in its own
    Release {
        /// The store's id, as `headwater store` shows it
        store: String,
        #[command(flatten)]
        repair: RepairArgs,
    },
}

/// Shows the claim, or releases it.
///
/// # Errors
/// If the server does not answer, the claim is another one, or its instance still runs.
pub async fn run(global: &Global, args: StoreArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let client = connection::connect(global).await?;
    let claim = readmodel::store_claim(&client).await?;
    let Some(Action::Release { store, repair }) = args.action else {
        return output.write(&claim, || told(claim.as_ref()));
    };
    if claim.as_ref().is_none_or(|claim| claim.store != store) {
        let stands = told(claim.as_ref());
        let detail = format!("{store} is not the store of the read models: {stands}");
        return Err(Problem::conflict(detail).into());
    }
    if !repair.yes {
        let owners = readmodel::living_owners(&client).await?;
        let plan = serde_json::json!({"status": "planned", "release": claim, "running": owners});
        output.write(&plan, || planned(claim.as_ref(), &owners))?;
        return Err(Quietly(2).into());
    }
    let released = readmodel::release_store(&client, &store, &repair.by()?, &repair.why).await?;
    output.write(&released, || told(Some(&released)))
}

fn told(claim: Option<&StoreClaim>) -> String {
    let Some(StoreClaim { store, instance, released }) = claim else {
        return "no store has the read models yet".to_owned();
    };
    let (store, instance) = (clean(store), clean(instance));
    match released {
        None => format!("store {store}, claimed by the instance {instance}"),
        Some(release) => format!(
            "store {store} of the instance {instance}, released at {} by {}: {}",
            release.at.format("%Y-%m-%dT%H:%M:%SZ"),
            clean(&release.by),
            clean(&release.why)
        ),
    }
}

fn planned(claim: Option<&StoreClaim>, owners: &[String]) -> String {
    let first = match owners {
        [] => "would release".to_owned(),
        owners => format!("refused while {} runs projections; would release", owners.join(", ")),
    };
    format!(
        "{first} the {}\nThe next instance with projections folds them from the first event, in its \
         own file; the rows of this store are never read again.\nNothing has been done: repeat it \
         with --yes.",
        told(claim)
    )
}
