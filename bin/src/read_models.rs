//! Where the read models are, as the command line or the environment says.
//! Not here: opening them.

use std::env;

use anyhow::Result;
use clap::Args;
use infrastructure::readmodel::{StoreLocation, StoreLocationError};

use crate::exit::Advised;

/// What is right.
const STORES: &str = "Give it a path, sqlite:PATH or postgres://USER@HOST/DATABASE.";

/// Which store.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReadModelsArgs {
    /// Read models: a SQLite file, or `postgres://USER@HOST/DATABASE` for several instances
    /// [default: `DATABASE_URL`, else read.sqlite in the data folder]
    #[arg(long, value_name = "STORE", env = "HEADWATER_STORE", hide_env_values = true)]
    store: Option<String>,
}

impl ReadModelsArgs {
    /// The store that is named, or else the one of the variable that database tools share.
    pub(crate) fn named(&self) -> Result<Option<StoreLocation>> {
        let (name, text) = match self.store.clone() {
            Some(text) => ("--store", text),
            None => match env::var("DATABASE_URL") {
                Ok(text) if !text.is_empty() => ("DATABASE_URL", text),
                _ => return Ok(None),
            },
        };
        let store: StoreLocation = text.parse().map_err(|error: StoreLocationError| {
            Advised::usage(format!("{name} names no store: {error}"), STORES)
        })?;
        tracing::info!("the read models are in {store}, as {name} says");
        Ok(Some(store))
    }
}
