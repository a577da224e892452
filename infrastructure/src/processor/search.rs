//! Searching the log for commands that may be older than the receipts. One search serves
//! everything that waits and that the same stretch of the log can tell about.
//! Not here: who must be searched for; the receipts rule most out.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use kit::{EventId, Position};

use super::{
    admission::Waiting,
    load::{corrupt, within},
    round::reused,
};
use crate::{
    envelope::{self, Element},
    problem::Problem,
    receipts::{CommandKey, Fingerprint, Origin, Receipts, SKEW_MAX},
    request::{EventRef, Reply, Status},
    store::{Commit, Freshness, Pages, Start, Store, StreamKey},
};

/// Commits that are looked through before the engine gets a turn.
const COMMITS_PER_TURN: usize = 64;
/// How much earlier than an id was made the search begins: the caller's clock may run ahead of
/// the service's, which the receipts allow for, and the service's ahead of the store's.
const MARGIN: TimeDelta = TimeDelta::seconds(3 * SKEW_MAX.num_seconds());

/// A search to be done.
#[derive(Debug)]
pub(super) struct Search {
    reach: Reach,
    /// The newest receipt that was forgotten stands here; newer ones need no search.
    until: Position,
    wanted: HashMap<CommandKey, Option<Found>>,
}

/// Where a search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Whole,
    Since(DateTime<Utc>),
    After(Position),
}

/// A command that the log holds, with its answer.
#[derive(Debug)]
struct Found {
    fingerprint: Fingerprint,
    reply: Reply,
}

impl Search {
    /// The search that the first in `queue` needs, together with all that it can serve.
    pub(super) fn of(queue: &VecDeque<Box<Waiting>>, receipts: &Receipts) -> Option<Self> {
        let until = receipts.forgotten()?.position;
        let mut reach = reach(queue.front()?);
        let mut wanted = HashMap::new();
        for waiting in queue {
            let known = waiting.unrepeatable
                || receipts.find(waiting.key).is_some()
                || receipts.rules_out(
                    waiting.id(),
                    waiting.causation_position,
                    waiting.absent_until,
                );
            if let Some(wider) = widened(reach, self::reach(waiting)).filter(|_| !known) {
                reach = wider;
                wanted.insert(waiting.key, None);
            }
        }
        Some(Self { reach, until, wanted })
    }

    /// Looks through the log.
    ///
    /// # Errors
    /// `corrupt` or `unavailable`.
    pub(super) async fn run<S: Store>(
        &mut self,
        store: &S,
        key: &StreamKey,
        timeout: Duration,
    ) -> Result<(), Problem> {
        let (start, freshness) = match self.reach {
            Reach::Whole => (Start::WHOLE, Freshness::Leader),
            Reach::After(position) => (Start::After(position), Freshness::Leader),
            Reach::Since(time) => (Start::Since(time), Freshness::Any),
        };
        let ended = self.stretch(Pages::new(store, key, start, freshness), key, timeout).await?;
        if !ended && matches!(self.reach, Reach::Since(_)) {
            // The stretch ends with a commit that is known to be there. If it is not, the clocks
            // differ by more than the margin or a replica lags.
            self.wanted.values_mut().for_each(|found| *found = None);
            let whole = Pages::new(store, key, Start::WHOLE, Freshness::Leader);
            self.stretch(whole, key, timeout).await?;
        }
        Ok(())
    }

    /// Looks through `pages`, and says whether they held the commit at which the search ends.
    async fn stretch<S: Store>(
        &mut self,
        mut pages: Pages<'_, S>,
        key: &StreamKey,
        timeout: Duration,
    ) -> Result<bool, Problem> {
        while let Some(page) = within(timeout, pages.next()).await? {
            for some in page.chunks(COMMITS_PER_TURN) {
                for commit in some {
                    if commit.position > self.until {
                        return Ok(false);
                    }
                    self.look(key, commit)?;
                    if commit.position == self.until {
                        return Ok(true);
                    }
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(false)
    }

    fn look(&mut self, key: &StreamKey, commit: &Commit) -> Result<(), Problem> {
        let elements = envelope::decode(&commit.body)
            .map_err(|bad| corrupt(key, commit.position, &envelope::fault::of_commit(&bad)))?;
        let same =
            |a: &Element<'_>, b: &Element<'_>| a.metadata.command_id == b.metadata.command_id;
        for events in elements.chunk_by(same) {
            let Some(last) = events.last() else { continue };
            // The first decision stands.
            if let Some(found @ None) =
                self.wanted.get_mut(&CommandKey::from(&last.metadata.command_id))
            {
                *found = Some(Found {
                    fingerprint: Fingerprint::read(&last.metadata.command_hash),
                    reply: replayed(key, commit.position, events, last),
                });
            }
        }
        Ok(())
    }

    /// Answers those in `queue` that were found, and notes of the others that they were not.
    pub(super) fn serve(&self, queue: &mut VecDeque<Box<Waiting>>) {
        for mut waiting in std::mem::take(queue) {
            match self.wanted.get(&waiting.key).filter(|_| !waiting.unrepeatable) {
                // Of the same id, but from further back than was searched: it stays for its own.
                Some(None) if widened(self.reach, reach(&waiting)) == Some(self.reach) => {
                    waiting.absent_until = self.until;
                    queue.push_back(waiting);
                }
                None | Some(None) => queue.push_back(waiting),
                Some(Some(found)) => {
                    let same = found.fingerprint.is_of(waiting.fingerprint);
                    let stands = same || waiting.id().is_derived();
                    waiting.answer(if stands { Ok(found.reply.clone()) } else { Err(reused()) });
                }
            }
        }
    }

    /// Answers those in `queue` that were searched for in vain.
    pub(super) fn fail(&self, queue: &mut VecDeque<Box<Waiting>>, problem: &Problem) {
        for waiting in std::mem::take(queue) {
            if self.wanted.contains_key(&waiting.key) {
                waiting.answer(Err(problem.clone()));
            } else {
                queue.push_back(waiting);
            }
        }
    }
}

fn reach(waiting: &Waiting) -> Reach {
    match Origin::of(waiting.id(), waiting.causation_position) {
        Origin::Event(position) => Reach::After(position),
        Origin::Clock(made) => Reach::Since(made - MARGIN),
        Origin::Unknown => Reach::Whole,
    }
}

/// A reach that serves both, if one of the same sort does.
fn widened(reach: Reach, other: Reach) -> Option<Reach> {
    match (reach, other) {
        (Reach::Whole, _) => Some(Reach::Whole),
        (Reach::Since(a), Reach::Since(b)) => Some(Reach::Since(a.min(b))),
        (Reach::After(a), Reach::After(b)) => Some(Reach::After(a.min(b))),
        _ => None,
    }
}

fn replayed(
    key: &StreamKey,
    position: Position,
    events: &[Element<'_>],
    last: &Element<'_>,
) -> Reply {
    let shown = |element: &Element<'_>| EventRef {
        id: EventId::clone(&element.id),
        kind: element.kind.clone().into_owned(),
        version: element.version,
    };
    Reply {
        status: Status::Replayed,
        aggregate: key.aggregate.as_ref().to_owned(),
        id: key.id.clone(),
        version: last.version,
        position,
        events: events.iter().map(shown).collect(),
    }
}
