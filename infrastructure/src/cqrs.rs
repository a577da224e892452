//! Any `cqrs-es` aggregate on any of our event stores: `CqrsFramework` runs on it as it is.
//!
//! Not here: what our own command processor does beyond it, such as retries, receipts, snapshots
//! and coalescing.

mod codec;
mod commit;
mod metadata;

use std::{collections::HashMap, error::Error, fmt, marker::PhantomData};

use cqrs_es::{Aggregate, AggregateContext, AggregateError, EventEnvelope, EventStore};
use kit::{AggregateId, Position, Version};

pub use codec::{BadVersion, Codec, CodecError, KitEvents, PlainJson, Written};
pub use metadata::BadMetadata;

use crate::{
    envelope::{Element, decode_commit},
    sealing::Keys,
    store::{Freshness, Pages, Start, Store, StreamKey},
};

/// An event store for the aggregate `A` of `cqrs-es` on the store `S`; `C` says how events are
/// written and read.
///
/// Every load reads the whole history as the leader knows it, so that a decision sees what was
/// committed before. Two commits on the same history end as one commit and one
/// `AggregateConflict`, also the first ones.
pub struct CqrsStore<S, A, C = PlainJson> {
    store: S,
    codec: C,
    keys: Option<Keys>,
    aggregate: PhantomData<fn() -> A>,
}

// By hand, because derived ones would ask `A` for what only the store and the codec need.
impl<S: Clone, A, C: Clone> Clone for CqrsStore<S, A, C> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), ..Self::with_codec(self.store.clone(), self.codec.clone()) }
    }
}

impl<S: fmt::Debug, A, C: fmt::Debug> fmt::Debug for CqrsStore<S, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CqrsStore").field("store", &self.store).field("codec", &self.codec).finish()
    }
}

/// A loaded aggregate and where its history ends.
#[derive(Debug)]
pub struct CqrsContext<A> {
    key: StreamKey,
    position: Position,
    version: Version,
    aggregate: A,
}

impl<A: Aggregate> AggregateContext<A> for CqrsContext<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.aggregate
    }
}

impl<S, A> CqrsStore<S, A> {
    /// A store for events that serde writes and reads.
    pub const fn new(store: S) -> Self {
        Self::with_codec(store, PlainJson)
    }
}

impl<S, A, C> CqrsStore<S, A, C> {
    /// A store for events that `codec` writes and reads.
    pub const fn with_codec(store: S, codec: C) -> Self {
        Self { store, codec, keys: None, aggregate: PhantomData }
    }

    /// The same, which seals what is personal in events under `keys`. Without them such events are not
    /// written. To read them, the store is to be opened by the same keys.
    #[must_use]
    pub fn sealing(self, keys: Keys) -> Self {
        Self { keys: Some(keys), ..self }
    }
}

/// A gap in a history: commits are missing, or were written by something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("version {found} stands where {wanted} must, at {position}")]
pub struct Gap {
    /// The version that must stand there.
    pub wanted: Version,
    /// The version found.
    pub found: Version,
    /// The commit.
    pub position: Position,
}

type Cause = Box<dyn Error + Send + Sync>;

/// [`AggregateError`] without the aggregate's own error, which may not be sent between threads.
enum Failed {
    Conflict,
    Away(Cause),
    Unreadable(Cause),
    Unexpected(Cause),
}

impl<E: Error> From<Failed> for AggregateError<E> {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Conflict => Self::AggregateConflict,
            Failed::Away(cause) => Self::DatabaseConnectionError(cause),
            Failed::Unreadable(cause) => Self::DeserializationError(cause),
            Failed::Unexpected(cause) => Self::UnexpectedError(cause),
        }
    }
}

fn unreadable(cause: impl Into<Cause>) -> Failed {
    Failed::Unreadable(cause.into())
}

fn unexpected(cause: impl Into<Cause>) -> Failed {
    Failed::Unexpected(cause.into())
}

impl<S: Store, A: Aggregate, C: Codec<A>> CqrsStore<S, A, C> {
    /// Hands every event over, in order, and says where the history ends.
    async fn each(
        &self,
        key: &StreamKey,
        mut take: impl FnMut(EventEnvelope<A>),
    ) -> Result<(Version, Position), Failed> {
        let mut pages = Pages::new(&self.store, key, Start::WHOLE, Freshness::Leader);
        let (mut version, mut last) = (Version::ZERO, Position::ZERO);
        while let Some(page) = pages.next().await.map_err(|error| Failed::Away(error.into()))? {
            for commit in &page {
                for element in decode_commit(key, commit).map_err(unreadable)? {
                    let (found, wanted) = (element.version, version.next());
                    if found != wanted {
                        let position = commit.position;
                        return Err(unreadable(Gap { wanted, found, position }));
                    }
                    take(self.envelope(&element)?);
                    version = found;
                }
                last = commit.position;
            }
        }
        Ok((version, last))
    }

    fn envelope(&self, element: &Element<'_>) -> Result<EventEnvelope<A>, Failed> {
        let Element { id, time, metadata, .. } = element;
        Ok(EventEnvelope {
            aggregate_id: element.aggregate_id.to_string(),
            sequence: sequence(element.version),
            payload: self.codec.read(element).map_err(unreadable)?,
            metadata: kit::cqrs_metadata(*id, *time, metadata),
        })
    }

    async fn load(&self, id: &str) -> Result<CqrsContext<A>, Failed> {
        let key = key::<A>(id)?;
        let mut aggregate = A::default();
        let (version, position) = self.each(&key, |event| aggregate.apply(event.payload)).await?;
        Ok(CqrsContext { key, position, version, aggregate })
    }
}

impl<S: Store, A: Aggregate, C: Codec<A>> EventStore<A> for CqrsStore<S, A, C> {
    type AC = CqrsContext<A>;

    async fn load_events(
        &self,
        id: &str,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let mut events = Vec::new();
        let loaded = async { self.each(&key::<A>(id)?, |event| events.push(event)).await };
        loaded.await?;
        Ok(events)
    }

    async fn load_aggregate(&self, id: &str) -> Result<CqrsContext<A>, AggregateError<A::Error>> {
        Ok(self.load(id).await?)
    }

    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: CqrsContext<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.write(events, context, metadata).await?)
    }
}

/// Type and id become parts of a subject, so both must be plain tokens.
fn key<A: Aggregate>(id: &str) -> Result<StreamKey, Failed> {
    let aggregate: AggregateId = A::TYPE.parse().map_err(unexpected)?;
    let id = id.parse().map_err(unexpected)?;
    Ok(StreamKey { aggregate: aggregate.as_str().into(), id })
}

fn sequence(version: Version) -> usize {
    usize::try_from(version.0).unwrap_or(usize::MAX)
}
