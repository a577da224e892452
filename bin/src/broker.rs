//! The nats-server that this program starts by itself. Not here: starting it.

use std::path::{Path, PathBuf};

use infrastructure::broker::{BrokerError, find_or_install};

use crate::exit::Advised;

/// Finds one, or installs it below the folder `data`.
///
/// # Errors
/// What is wrong with the one that was named, or why there is none, and what to do about it.
pub(crate) async fn binary(data: &Path) -> Result<PathBuf, Advised> {
    find_or_install(data).await.map_err(|error| {
        let advice = match &error {
            BrokerError::Unusable { .. } | BrokerError::TooOld { .. } => {
                "HEADWATER_NATS_SERVER names it. Without that variable the first one on the PATH that \
                 is new enough is taken, or one is installed."
            }
            _ => "",
        };
        Advised::new(error.to_string(), advice)
    })
}
