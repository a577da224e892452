//! Loading an aggregate: a fold over its commits, checked for gaps and foreign messages.
//! Not here: when to load.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use kit::{Position, Version};
use nats::Subject;
use tokio::time::Instant;

use super::{
    snapshots::{restored, unsealed},
    weight::Weight,
};
use crate::{
    aggregates::{AnyAggregate, AnyState, Untaken},
    envelope::{self, Element},
    problem::Problem,
    receipts::{CommandKey, Fingerprint, Receipt, Receipts},
    sealing::{Held, KeyError, Keys},
    snapshot::Snapshots,
    store::{Commit, Freshness, Pages, ReadError, Start, Store, StreamKey},
};

/// Commits that are folded before the engine gets a turn: some hundred microseconds.
const COMMITS_PER_TURN: usize = 64;

/// What is known of one aggregate.
pub(super) struct Loaded {
    pub(super) state: Box<dyn AnyState>,
    pub(super) version: Version,
    pub(super) position: Position,
    pub(super) receipts: Receipts,
    /// The version of the snapshot.
    pub(super) saved: Version,
    pub(super) saved_at: Option<Instant>,
    /// The key of its personal data, once something was to be sealed.
    pub(super) held: Option<Held>,
    /// Of the state.
    pub(super) weight: Weight,
}

/// A load to be done.
pub(super) struct Load {
    pub(super) slot: usize,
    pub(super) key: StreamKey,
    pub(super) kind: Arc<dyn AnyAggregate>,
    /// What to go on from.
    pub(super) from: Option<Loaded>,
    pub(super) freshness: Freshness,
    /// How long to wait first, so that writers that met in conflict do not meet again.
    pub(super) delay: Duration,
    /// Whether something is to be sealed, so that a key is needed.
    pub(super) to_seal: bool,
}

impl Loaded {
    pub(super) fn new(kind: &dyn AnyAggregate) -> Result<Self, Problem> {
        Ok(Self {
            state: kind.state()?,
            version: Version::ZERO,
            position: Position::ZERO,
            receipts: Receipts::default(),
            saved: Version::ZERO,
            saved_at: None,
            held: None,
            weight: Weight::default(),
        })
    }

    /// The bytes that it holds.
    pub(super) fn bytes(&mut self) -> usize {
        self.weight.of(self.state.as_ref()) + self.receipts.bytes()
    }

    /// The log holds what was pending, in a commit of `bytes`.
    pub(super) fn accept(&mut self, (version, position): (Version, Position), bytes: usize) {
        self.state.accept();
        self.weight.take(bytes);
        self.version = version;
        self.position = position;
        self.receipts.confirm(position);
        self.receipts.forget(Utc::now());
    }

    /// The log does not hold what was pending.
    pub(super) fn give_up(&mut self) {
        self.state.reject();
        self.receipts.take_back();
    }

    /// Whether `commit` is the last one in here, by the id of its last event: positions and versions
    /// come again in a log that has lost its end.
    fn ends_with(&self, commit: &Commit) -> bool {
        let known = self.receipts.iter().next_back().and_then(|last| last.events.last());
        let Ok(elements) = envelope::decode(&commit.body) else { return false };
        commit.position == self.position
            && elements.last().map(|last| last.id) == known.map(|(id, _)| *id)
    }

    async fn fold(&mut self, key: &StreamKey, commits: &[Commit]) -> Result<(), Problem> {
        for some in commits.chunks(COMMITS_PER_TURN) {
            for commit in some {
                self.take(key, commit)?;
            }
            self.receipts.forget(Utc::now());
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    pub(super) fn take(&mut self, key: &StreamKey, commit: &Commit) -> Result<(), Problem> {
        let corrupt = |what: String| corrupt(key, commit.position, &what);
        let elements = envelope::decode(&commit.body)
            .map_err(|bad| corrupt(envelope::fault::of_commit(&bad)))?;
        let mut of_command: Vec<(kit::EventId, &'static str)> = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            if element.aggregate_id != key.id {
                return Err(corrupt(format!("the event {index} is another aggregate's")));
            }
            if element.version != self.version.next() {
                let (found, wanted) = (element.version, self.version.next());
                return Err(corrupt(format!("version {found} stands where {wanted} must")));
            }
            let name = self.state.take(element).map_err(|untaken| match untaken {
                Untaken::Unreadable(reason) => corrupt(envelope::fault::of_event(reason)),
                Untaken::Broken(problem) => problem,
            })?;
            self.version = element.version;
            of_command.push((element.id, name));
            let next = elements.get(index + 1);
            if next.is_none_or(|next| next.metadata.command_id != element.metadata.command_id) {
                let events = std::mem::take(&mut of_command).into();
                self.receipts.record(receipt(element, commit.position, events));
            }
        }
        self.position = commit.position;
        self.weight.take(commit.body.len());
        Ok(())
    }
}

fn receipt(
    last: &Element<'_>,
    position: Position,
    events: Box<[(kit::EventId, &'static str)]>,
) -> Receipt {
    Receipt {
        key: CommandKey::from(&last.metadata.command_id),
        fingerprint: Fingerprint::read(&last.metadata.command_hash),
        version: last.version,
        position,
        time: last.time,
        events,
    }
}

/// Loads an aggregate.
///
/// # Errors
/// `corrupt`, `internal` or `unavailable`.
pub(super) async fn load<S: Store>(
    store: &S,
    (snapshots, keys): (Option<&Snapshots>, Option<&Keys>),
    load: Load,
    timeout: Duration,
) -> Result<Loaded, Problem> {
    let Load { key, kind, from, freshness, delay, to_seal, .. } = load;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let restored = from.is_none();
    let mut loaded = match from {
        Some(loaded) => loaded,
        None => begin((snapshots, keys), &key, kind.as_ref()).await?,
    };
    let behind = match loaded.position {
        // Together with the last known commit, which shows whether it is of this log.
        Position(1..) if restored => Position(loaded.position.0 - 1),
        position => position,
    };
    let mut pages = Pages::new(store, &key, Start::After(behind), freshness);
    let mut page = within(timeout, pages.next()).await?;
    let of_this_log = if behind == loaded.position {
        page.is_some()
            || freshness != Freshness::Leader
            || last(store, &key, timeout).await? >= loaded.position
    } else {
        let first = page.as_mut().filter(|page| page.first().is_some_and(|c| loaded.ends_with(c)));
        first.map(|page| page.remove(0)).is_some()
    };
    if !of_this_log {
        // The log has another history than what is known of it, as after a restored backup, or a
        // replica is behind a snapshot. What the log says is right.
        tracing::warn!(stream = %key, position = %loaded.position, "not in the log as it was known");
        loaded = Loaded::new(kind.as_ref())?;
        pages = Pages::new(store, &key, Start::WHOLE, freshness);
        page = within(timeout, pages.next()).await?;
    }
    while let Some(commits) = page {
        loaded.fold(&key, &commits).await?;
        page = within(timeout, pages.next()).await?;
    }
    loaded.receipts.forget(Utc::now());
    if to_seal {
        loaded.held = Some(sealed_under(keys, &key).await?);
    }
    Ok(loaded)
}

/// The key of `key`, which is made now if it is not there.
async fn sealed_under(keys: Option<&Keys>, key: &StreamKey) -> Result<Held, Problem> {
    let Some(keys) = keys else {
        return Err(Problem::internal("there are no keys for personal data here"));
    };
    keys.obtain(key).await.map_err(|error| match error {
        KeyError::Away(why) => Problem::unavailable(format!("{why}; nothing was appended")),
        KeyError::Unusable(why) => {
            tracing::error!(stream = %key, why, "the key of personal data cannot be used");
            Problem::internal("the key of the aggregate's personal data cannot be used")
        }
    })
}

/// What the tail of the history is to be added to.
async fn begin(
    (snapshots, keys): (Option<&Snapshots>, Option<&Keys>),
    key: &StreamKey,
    kind: &dyn AnyAggregate,
) -> Result<Loaded, Problem> {
    let found = match snapshots {
        Some(snapshots) => snapshots.get(key, kind.state_schema()).await,
        None => None,
    };
    let found = match found {
        Some(found) if kind.is_sealed() => unsealed(found, keys, key).await,
        found => found,
    };
    found.and_then(|found| restored(&found, kind)).map_or_else(|| Loaded::new(kind), Ok)
}

/// Where the last commit stands, as the leader knows it.
///
/// # Errors
/// `unavailable`.
pub(super) async fn last<S: Store>(
    store: &S,
    key: &StreamKey,
    timeout: Duration,
) -> Result<Position, Problem> {
    within(timeout, store.last(key)).await
}

/// Waits for one read, such as one page, but not for ever.
pub(super) async fn within<T>(
    timeout: Duration,
    read: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, Problem> {
    let away = |reason: String| Problem::unavailable(format!("{reason}; nothing was appended"));
    match tokio::time::timeout(timeout, read).await {
        Ok(result) => result.map_err(|error| away(error.to_string())),
        Err(_) => Err(away(format!("the store did not answer within {timeout:?}"))),
    }
}

pub(super) fn corrupt(key: &StreamKey, position: Position, what: &str) -> Problem {
    let subject = Subject::event(&key.aggregate, &key.id);
    tracing::error!(%subject, %position, what, "the stored history cannot be read");
    Problem::corrupt(format!("{subject} at position {position}: {what}"))
}
