//! The master keys of all instances fit together. The first instance leaves the name of the one that it
//! wraps with; one that does not have it does not start, and one that has a newer one leaves that.
//! Not here: the keys themselves.

use async_nats::{Client, jetstream};
use nats::names;
use serde::{Deserialize, Serialize};

use super::MasterKeys;
use crate::{
    fingerprint,
    handler::{Cell, CellError},
    problem::Problem,
};

/// The bucket key, beside the handlers' names.
const KEY: &str = "master-key";

/// What the key holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Newest {
    /// The name of the master key that wraps.
    pub(super) master: String,
    /// The instance that left it.
    pub(super) instance: String,
}

/// Where it is left.
///
/// # Errors
/// `unavailable` if the bucket does not answer.
pub(super) async fn cell(client: &Client) -> Result<Cell<Newest>, Problem> {
    let bucket = jetstream::new(client.clone()).get_key_value(names::HANDLERS).await;
    Ok(Cell::new(&bucket.map_err(|error| away(&error))?, KEY))
}

fn away(error: &dyn std::fmt::Display) -> Problem {
    Problem::unavailable(format!("{} does not answer: {error}", names::HANDLERS))
}

/// Compares `masters` with what others have, and leaves word of a newer one.
///
/// # Errors
/// `master-key-differs`; `unavailable` if the bucket does not answer.
pub(crate) async fn check(
    client: &Client,
    masters: &MasterKeys,
    instance: &str,
) -> Result<(), Problem> {
    let cell = cell(client).await?;
    let mine = Newest { master: masters.newest().to_owned(), instance: instance.to_owned() };
    loop {
        let (found, revision) = cell.read().await.map_err(|error| away(&error))?;
        match found {
            Some(found) if found.master == mine.master => return Ok(()),
            Some(found) if !masters.has(&found.master) => {
                return Err(Problem::master_key_differs(format!(
                    "the instance {} wraps keys with the master key {}, which is not among those of \
                     this one; give it the same file",
                    found.instance, found.master
                )));
            }
            _ => {}
        }
        match cell.write(&mine, revision).await {
            Ok(_) => return Ok(()),
            Err(CellError::Conflict) => {}
            Err(error) => return Err(away(&error)),
        }
    }
}

/// The name of the master key that wraps in the log behind `client`; none if no instance has left one.
///
/// # Errors
/// `unavailable` if the server does not answer.
pub async fn named(client: &Client) -> Result<Option<String>, Problem> {
    let found = fingerprint::left::<Newest>(client, KEY).await?;
    Ok(found.map(|found| found.master))
}
