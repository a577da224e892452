//! One secret for all instances: codes and reservations of one must mean something to the others.
//!
//! The first instance leaves a fingerprint of its secret; one with another secret does not start.
//! Not here: where the secret comes from.

use async_nats::{Client, jetstream};
use kit::Secret;
use nats::{buckets::stream_of, names};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    handler::{Cell, CellError},
    problem::Problem,
    provision,
};

/// The bucket key, beside the handlers' names, of the fingerprint.
const KEY: &str = "secret";
/// What is digested. Part of the wire: another label is another fingerprint.
const PURPOSE: &str = "headwater.fingerprint";

/// What the key holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    /// An HMAC of a fixed label: it tells secrets apart and says nothing about them.
    fingerprint: String,
    /// The instance that left it.
    instance: String,
}

/// Leaves the fingerprint of `secret`, or compares it with the one that is there.
///
/// # Errors
/// `secret-differs`; `unavailable` if the bucket does not answer.
pub(crate) async fn check(client: &Client, secret: &Secret, instance: &str) -> Result<(), Problem> {
    let away = |error: &dyn std::fmt::Display| {
        Problem::unavailable(format!("{} does not answer: {error}", names::HANDLERS))
    };
    let bucket = jetstream::new(client.clone()).get_key_value(names::HANDLERS).await;
    let cell: Cell<Fingerprint> = Cell::new(&bucket.map_err(|error| away(&error))?, KEY);
    let digest = secret.digest(PURPOSE, b"");
    let fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mine = Fingerprint { fingerprint, instance: instance.to_owned() };
    loop {
        let (found, revision) = cell.read().await.map_err(|error| away(&error))?;
        match found {
            Some(found) if found.fingerprint == mine.fingerprint => return Ok(()),
            Some(found) => {
                return Err(Problem::secret_differs(format!(
                    "the log was begun by the instance {} with another secret; give this one the \
                     same. If the other secret was the mistake, stop every instance and delete \
                     the key `{KEY}` of the bucket {}",
                    found.instance,
                    names::HANDLERS
                )));
            }
            None => {}
        }
        match cell.write(&mine, revision).await {
            Ok(_) => return Ok(()),
            Err(CellError::Conflict) => {}
            Err(error) => return Err(away(&error)),
        }
    }
}

/// The instance that began the log behind `client` with its secret; none if nobody has yet.
///
/// # Errors
/// `unavailable` if the server does not answer.
pub async fn left_by(client: &Client) -> Result<Option<String>, Problem> {
    let found = left::<Fingerprint>(client, KEY).await?;
    Ok(found.map(|found| found.instance))
}

/// What an instance has left under `key`, on a server that may be empty.
pub(crate) async fn left<V: Serialize + DeserializeOwned>(
    client: &Client,
    key: &str,
) -> Result<Option<V>, Problem> {
    let context = jetstream::new(client.clone());
    let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
    let found = provision::find(&context, &stream_of(names::HANDLERS)).await;
    if found.map_err(|error| away(&error))?.is_none() {
        return Ok(None);
    }
    let bucket = context.get_key_value(names::HANDLERS).await.map_err(|error| away(&error))?;
    let (found, _) = Cell::new(&bucket, key).read().await.map_err(|error| away(&error))?;
    Ok(found)
}
