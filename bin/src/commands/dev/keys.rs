//! The secret and the master keys of the data folder: made once, unless the log that is there was begun
//! with others, as one is that was restored. Not here: how they are read and made.

use anyhow::{Error, Result};
use infrastructure::{
    connection::{ConnectOptions, connect},
    fingerprint,
    problem::Problem,
    sealing::{self, MasterKeys},
};
use kit::Secret;

use crate::{connection, data::DataFolder, exit::Advised};

/// What `data` has, or now gets; `named` are the master keys that the command line names.
///
/// # Errors
/// `secret-differs` or `master-key-differs` if the log has another one's fingerprint, before anything is
/// made; if something can be neither read nor made.
pub(super) async fn of(
    data: &DataFolder,
    named: Option<MasterKeys>,
    nats: &ConnectOptions,
) -> Result<(Secret, MasterKeys)> {
    let has_masters = named.is_some() || data.master_keys_path().exists();
    if !(data.secret_path().exists() && has_masters) {
        let client = connect(nats).await.map_err(|error| connection::explained(&error))?;
        let folder = data.path().display();
        if !data.secret_path().exists()
            && let Some(instance) = fingerprint::left_by(&client).await?
        {
            let detail = format!("the log in {folder} was begun by {instance} with its own secret");
            let advice = format!(
                "Copy the `secret` that the service had into {folder}, and its `master-key`. None was made."
            );
            return Err(
                Error::from(Problem::secret_differs(detail)).context(Advised::new("", advice))
            );
        }
        if !has_masters
            && let Some(master) = sealing::named(&client).await?
            && !MasterKeys::derived(&data.secret()?).has(&master)
        {
            let detail =
                format!("keys in the log in {folder} are wrapped by the master key {master}");
            let advice = format!(
                "Copy the `master-key` that the service had into {folder}, or name it with \
                 --master-key-file. None was made."
            );
            let problem = Problem::master_key_differs(detail);
            return Err(Error::from(problem).context(Advised::new("", advice)));
        }
    }
    let secret = data.secret()?;
    let masters = match named {
        Some(masters) => masters,
        None => data.master_keys()?,
    };
    let masters = masters.and_derived(&secret);
    Ok((secret, masters))
}
