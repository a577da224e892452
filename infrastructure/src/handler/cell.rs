//! One JSON value under one key of a bucket, read from the leader and written only over the
//! revision that was read. Not here: what the values mean.

use std::{fmt, marker::PhantomData};

use async_nats::jetstream::{
    kv::{self, UpdateErrorKind},
    stream::LastRawMessageErrorKind,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

/// Why a value was not read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CellError {
    /// Another write stands where this one was to follow.
    #[error("another write came first")]
    Conflict,
    /// No answer, or a refusal that may pass. The write may have landed.
    #[error("the bucket is away: {0}")]
    Away(String),
    /// What is stored is not ours.
    #[error("the key {key} of the bucket {bucket} cannot be read: {problem}")]
    Foreign { bucket: String, key: String, problem: String },
}

/// One key of a bucket, holding a `V`.
pub(crate) struct Cell<V> {
    bucket: kv::Store,
    key: String,
    holds: PhantomData<fn() -> V>,
}

impl<V> Clone for Cell<V> {
    fn clone(&self) -> Self {
        Self::new(&self.bucket, &self.key)
    }
}

impl<V> Cell<V> {
    pub(crate) fn new(bucket: &kv::Store, key: &str) -> Self {
        Self { bucket: bucket.clone(), key: key.to_owned(), holds: PhantomData }
    }
}

impl<V: Serialize + DeserializeOwned> Cell<V> {
    /// The value, if there is one, and the revision to write over, as the leader has them.
    pub(crate) async fn read(&self) -> Result<(Option<V>, u64), CellError> {
        let (value, revision, _) = self.read_stamped().await?;
        Ok((value, revision))
    }

    /// The same, with the time of the write by the leader's clock.
    pub(crate) async fn read_stamped(
        &self,
    ) -> Result<(Option<V>, u64, Option<DateTime<Utc>>), CellError> {
        let subject = format!("{}{}", self.bucket.prefix, self.key);
        let message = match self.bucket.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => message,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                return Ok((None, 0, None));
            }
            Err(error) => return Err(away(&error)),
        };
        let time = message.time;
        let time = DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond());
        // A deleted key is a message without a body.
        if message.payload.is_empty() {
            return Ok((None, message.sequence, time));
        }
        let value = serde_json::from_slice(&message.payload);
        Ok((Some(value.map_err(|error| self.foreign(&error))?), message.sequence, time))
    }

    /// Writes `value` over `revision` (0: over nothing) and answers the new revision.
    pub(crate) async fn write(&self, value: &V, revision: u64) -> Result<u64, CellError> {
        let body = serde_json::to_vec(value).map_err(|error| self.foreign(&error))?;
        let written = self.bucket.update(&self.key, Bytes::from(body), revision).await;
        written.map_err(|error| match error.kind() {
            UpdateErrorKind::WrongLastRevision => CellError::Conflict,
            UpdateErrorKind::InvalidKey => self.foreign(&error),
            UpdateErrorKind::TimedOut | UpdateErrorKind::Other => away(&error),
        })
    }

    fn foreign(&self, problem: &dyn fmt::Display) -> CellError {
        CellError::Foreign {
            bucket: self.bucket.name.clone(),
            key: self.key.clone(),
            problem: problem.to_string(),
        }
    }
}

fn away(error: &dyn fmt::Display) -> CellError {
    CellError::Away(error.to_string())
}
