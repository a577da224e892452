//! Whenever an aggregate says that its personal data are erased, its key is destroyed, and its snapshot
//! with it. Every composition with such an aggregate has this effect; nobody can forget to list it.
//! Not here: what leads to the event.

use async_nats::jetstream;
use futures::{FutureExt as _, future::BoxFuture};
use kit::{AggregateId, CommandId, Delivery, Order, Outcome, Retries, Start};
use nats::names;

use super::{KeyError, Keys};
use crate::handler::{AnyEffect, Failure, Note, Source};

/// The effect's name. Part of the wire: it names the checkpoint.
const NAME: &str = "destroy-keys";

/// Destroys keys. At least once, and from the first event of the log on: no erasure is passed over.
pub(crate) struct DestroyKeys {
    keys: Option<Keys>,
    /// Aggregate types with the events that erase.
    erasing: Vec<(&'static str, &'static [&'static str])>,
}

impl DestroyKeys {
    pub(crate) const fn new(
        keys: Option<Keys>,
        erasing: Vec<(&'static str, &'static [&'static str])>,
    ) -> Self {
        Self { keys, erasing }
    }

    fn concerns(&self, source: &Source<'_>) -> bool {
        let kind = source.element.kind.split_once('.').map_or("", |(_, kind)| kind);
        let mut erasing = self.erasing.iter();
        erasing.any(|(aggregate, kinds)| *aggregate == source.aggregate && kinds.contains(&kind))
    }

    async fn destroy(&self, aggregate: &str, id: &AggregateId) -> Outcome {
        let Some(keys) = &self.keys else {
            return Outcome::Halt { reason: "there are no keys here".to_owned() };
        };
        match keys.destroy_with_snapshot(aggregate, id).await {
            Ok(()) => Outcome::done(),
            Err(KeyError::Away(reason)) => Outcome::Away { reason },
            Err(KeyError::Unusable(reason)) => Outcome::Halt { reason },
        }
    }
}

impl Keys {
    /// Destroys the key, and purges the snapshot that was sealed under it.
    async fn destroy_with_snapshot(
        &self,
        aggregate: &str,
        id: &AggregateId,
    ) -> Result<(), KeyError> {
        self.destroy(aggregate, id).await?;
        let away = |error: &dyn std::fmt::Display| KeyError::Away(error.to_string());
        let snapshots = jetstream::new(self.client().clone()).get_key_value(names::SNAPSHOTS).await;
        let snapshots = snapshots.map_err(|error| away(&error))?;
        let key = format!("{aggregate}.{id}");
        if snapshots.entry(&key).await.map_err(|error| away(&error))?.is_some() {
            snapshots.purge(&key).await.map_err(|error| away(&error))?;
        }
        Ok(())
    }
}

impl AnyEffect for DestroyKeys {
    fn name(&self) -> &'static str {
        NAME
    }

    fn start(&self) -> Start {
        Start::Beginning
    }

    fn retries(&self) -> Retries {
        Retries::DEFAULT
    }

    fn dependency(&self) -> Option<&'static str> {
        None
    }

    /// Nothing that it reads is sealed, and it must not wait for a key that nobody has any more.
    fn opens(&self) -> bool {
        false
    }

    fn aggregates(&self) -> Vec<&'static str> {
        self.erasing.iter().map(|(aggregate, _)| *aggregate).collect()
    }

    fn delivery(&self, source: &Source<'_>) -> Result<Option<Delivery>, Failure> {
        Ok(self.concerns(source).then_some(Delivery::AtLeastOnce))
    }

    fn note(&self, _: &Source<'_>, _: Note) -> Result<Vec<Order>, Failure> {
        Ok(Vec::new())
    }

    fn perform<'a>(
        &'a self,
        source: Source<'a>,
        _: &'a CommandId,
    ) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move { Ok(self.destroy(source.aggregate, &source.element.aggregate_id).await) }
            .boxed()
    }
}
