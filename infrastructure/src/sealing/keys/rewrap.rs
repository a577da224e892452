//! Wrapping all data keys anew under the newest master key, so that the others can be thrown away.
//! What has been done counts, so that a run that was interrupted is simply run again.
//! Not here: making master keys, and when an instance may use one.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{CellError, KeyError, Keys, Stored, TRIES_MAX};
use crate::{problem::Problem, sealing, store::StreamKey};

/// By which master keys the data keys are wrapped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Wrapped {
    /// The name of the newest master key.
    pub newest: String,
    /// Data keys that it wraps.
    pub by_newest: u64,
    /// Data keys that others wrap, by their names.
    pub by_others: BTreeMap<String, u64>,
    /// Aggregates whose key is destroyed.
    pub destroyed: u64,
}

impl Wrapped {
    /// Data keys that the newest master key does not wrap.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.by_others.values().sum()
    }
}

impl Keys {
    /// Looks at every data key, and unwraps it. Changes nothing.
    ///
    /// # Errors
    /// `master-key-differs` if one is wrapped by a master key that is not here; `corrupt` if it is not what
    /// that has wrapped; `unavailable`.
    pub async fn wrapped(&self) -> Result<Wrapped, Problem> {
        let newest = self.0.masters.newest().to_owned();
        let mut found = Wrapped { newest, ..Wrapped::default() };
        let mut missing: BTreeMap<String, u64> = BTreeMap::new();
        let mut keys = self.names().await?;
        while let Some(key) = keys.try_next().await? {
            let (stored, _) = self.cell(&key).await?.read().await.map_err(super::away)?;
            match &stored {
                // It is being destroyed.
                None => continue,
                Some(Stored::Destroyed { .. }) => found.destroyed += 1,
                Some(Stored::Wrapped { master, .. }) if !self.0.masters.has(master) => {
                    *missing.entry(master.clone()).or_default() += 1;
                    continue;
                }
                Some(Stored::Wrapped { master, .. }) if *master == found.newest => {
                    found.by_newest += 1;
                }
                Some(Stored::Wrapped { master, .. }) => {
                    *found.by_others.entry(master.clone()).or_default() += 1;
                }
            }
            if let Some(stored) = stored {
                self.unwrapped(&key, stored)?;
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let by = missing.iter().map(|(master, keys)| format!("{keys} by {master}"));
        let by = by.collect::<Vec<_>>().join(", ");
        let detail = format!("keys are wrapped by master keys that are not here: {by}");
        Err(Problem::master_key_differs(detail))
    }

    /// Refuses until an instance wraps with the newest master key here. Those that have not been started
    /// with it by then make no new keys, and cannot unwrap what is wrapped anew.
    ///
    /// # Errors
    /// `conflict`, or `master-key-differs` if theirs is not even known here; `unavailable`.
    pub async fn are_wrapped_by_newest(&self) -> Result<(), Problem> {
        match sealing::named(self.client()).await? {
            Some(master) if master == self.0.masters.newest() => Ok(()),
            Some(master) if self.0.masters.has(&master) => Err(Problem::conflict(format!(
                "the instances still wrap with the master key {master}; start all of them with the new one \
                 in the first line"
            ))),
            Some(master) => Err(Problem::master_key_differs(format!(
                "the instances wrap with the master key {master}, which is not here"
            ))),
            None => Ok(()),
        }
    }

    /// Wraps every data key anew that the newest master key does not wrap. `seen` is told how many it were;
    /// after `stop` no more are. Whatever else happens to a key meanwhile stands.
    ///
    /// # Errors
    /// As [`Keys::wrapped`].
    pub async fn rewrap(
        &self,
        seen: &(dyn Fn(u64) + Send + Sync),
        stop: &CancellationToken,
    ) -> Result<u64, Problem> {
        let (mut done, mut keys) = (0, self.names().await?);
        while let Some(key) = keys.try_next().await? {
            if stop.is_cancelled() {
                break;
            }
            if self.rewrapped(&key).await? {
                done += 1;
                seen(done);
            }
        }
        Ok(done)
    }

    /// Whether the key was wrapped anew.
    async fn rewrapped(&self, key: &StreamKey) -> Result<bool, Problem> {
        let cell = self.cell(key).await?;
        for _ in 0..TRIES_MAX {
            let (stored, revision) = cell.read().await.map_err(super::away)?;
            let Some(Stored::Wrapped { key: name, master, wrapped, made }) = stored else {
                return Ok(false);
            };
            if master == self.0.masters.newest() {
                return Ok(false);
            }
            let bytes = self.bytes(key, (&name, &master, &wrapped))?;
            let anew = self.0.masters.wrap(&bytes, key, &name);
            let wrapped = anew.map_err(|error| Problem::internal(error.to_string()))?;
            let master = self.0.masters.newest().to_owned();
            match cell.write(&Stored::Wrapped { key: name, master, wrapped, made }, revision).await
            {
                Ok(_) => return Ok(true),
                // It was destroyed, or another run was first.
                Err(CellError::Conflict) => {}
                Err(error) => return Err(super::away(error).into()),
            }
        }
        Err(Problem::unavailable(format!("others write the key of {key} all the time")))
    }

    /// Every aggregate that has a key, or had one. The leader lists them: a replica that is behind would
    /// leave out keys, and their master key would be thrown away.
    async fn names(&self) -> Result<BoxStream<'static, Result<StreamKey, Problem>>, Problem> {
        let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
        let bucket = self.bucket().await?;
        let (stream, prefix) = (&bucket.stream, bucket.prefix.clone());
        let subjects = stream.info_with_subjects(format!("{prefix}>")).await;
        Ok(subjects
            .map_err(|error| away(&error))?
            .map(move |found| {
                let (subject, _) = found.map_err(|error| away(&error))?;
                let name = subject.strip_prefix(&prefix).unwrap_or(&subject);
                let foreign = || Problem::corrupt(format!("{name:?} is no aggregate's key"));
                let (aggregate, id) = name.split_once('.').ok_or_else(foreign)?;
                let id = id.parse().map_err(|_| foreign())?;
                Ok(StreamKey { aggregate: aggregate.into(), id })
            })
            .boxed())
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Away(why) => Self::unavailable(why),
            KeyError::Unusable(why) => Self::corrupt(why),
        }
    }
}
