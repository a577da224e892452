//! The log as it is: every commit counted and folded, up to where the rows are.
//! Not here: comparing.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use kit::Position;

use super::{
    Verification, Verifying,
    findings::{FIRST_MAX, Unfolded},
    gaps::{self, Difference},
    view::{Live, View},
};
use crate::{
    composition::{Composition, HandlerPart},
    deadletter::{Cursor, DeadLetters},
    envelope,
    handler::{Delivery, Log},
    problem::Problem,
    readmodel::{
        passage::Passage,
        release::store_claim,
        scratch::{Scratch, Unfit},
        stretches::{self, Mark, Tally},
    },
    replay,
};

/// Marks of one stretch that are held to name an event; a stretch with more keeps its secret.
const MARKS_MAX: usize = 200_000;

pub(super) struct Audit {
    live: Live,
    letters: DeadLetters,
    scratch: Scratch,
    log: Log,
    passage: Passage,
    projection: &'static str,
    /// What each stretch adds up to.
    expected: BTreeMap<u64, Tally>,
    unfit: Vec<Unfolded>,
    unfit_all: u64,
    begun: Instant,
}

impl Audit {
    pub(super) async fn open(
        client: &async_nats::Client,
        composition: &Composition,
        asked: &Verification,
    ) -> Result<Self, Problem> {
        let name = &asked.projection;
        let part = composition.parts().find(|part| part.info().name == name);
        let Some(HandlerPart::Projection(projection)) = part else {
            let name = kit::excerpt(name);
            return Err(Problem::not_found(format!("{name:?} is no projection of this program")));
        };
        let events = replay::open(client).await?;
        let claim = store_claim(client).await?;
        let identity = (claim.as_ref().map(|claim| claim.store.as_str()), &*Log::id(&events));
        let (name, version) = (projection.name(), projection.version());
        let live = Live::open(&asked.store, (name, version), asked.generation, identity).await?;
        let letters = DeadLetters::open(client).await?;
        let scratch = Scratch::open(&asked.scratch, Arc::clone(projection), None).await?;
        // What it holds already would be compared without having been read from this log.
        if scratch.position() != Position::ZERO {
            let (file, at) = (asked.scratch.display(), scratch.position());
            let detail = format!("{file} holds rows up to {at}; a verification begins with none");
            return Err(Problem::conflict(detail));
        }
        let log = Log::new(client, &events, &projection.aggregates());
        let log = log.opening(composition.keys());
        let passage = Passage::start(log.clone(), &format!("verify-{name}"), Position::ZERO);
        let (expected, unfit, begun) = (BTreeMap::new(), Vec::new(), Instant::now());
        let projection = name;
        Ok(Self {
            live,
            letters,
            scratch,
            log,
            passage,
            projection,
            expected,
            unfit,
            unfit_all: 0,
            begun,
        })
    }

    /// The live rows as they are now.
    pub(super) async fn look(&mut self) -> Result<View, Problem> {
        self.live.look().await
    }

    /// Everything up to here is counted and folded.
    pub(super) const fn position(&self) -> Position {
        self.scratch.position()
    }

    pub(super) const fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    pub(super) const fn expected(&self) -> &BTreeMap<u64, Tally> {
        &self.expected
    }

    /// The first events that this program cannot fold, and how many there are.
    pub(super) fn unfolded(&self) -> (Vec<Unfolded>, u64) {
        (self.unfit.clone(), self.unfit_all)
    }

    /// Reads on up to `to`, where the rows are without what `debts` says.
    pub(super) async fn read(
        &mut self,
        to: Position,
        debts: BTreeMap<String, Cursor>,
        told: &(impl Fn(Verifying) + Sync),
    ) -> Result<(), Problem> {
        // After the debts: what is decided later is about events that were still owed then.
        let facts = self.letters.facts(self.projection).await?;
        self.scratch.facts = facts.into_iter().map(|(key, it)| (key, Arc::new(it))).collect();
        let before = std::mem::take(&mut self.scratch.waiting);
        for (subject, from) in before {
            let until = debts.get(&subject).copied();
            if until != Some(from) {
                self.make_good(&subject, from, until).await?;
            }
        }
        self.scratch.waiting = debts;
        while self.position() < to {
            let hand = self.passage.next(to).await?;
            for commit in &hand.commits {
                let waiting = self.scratch.waiting.get(&commit.subject);
                count(&mut self.expected, commit, |at| waiting.is_none_or(|from| at < *from));
            }
            let unfit = self.scratch.fold(hand.commits, hand.to).await?;
            unfit.into_iter().for_each(|unfit| self.note(unfit));
            told(Verifying::since(self.begun, self.position(), to));
        }
        Ok(())
    }

    /// Takes in the events of `subject` from `from` on that no longer wait.
    async fn make_good(
        &mut self,
        subject: &str,
        from: Cursor,
        until: Option<Cursor>,
    ) -> Result<(), Problem> {
        let to = self.position();
        let end = Cursor { position: to.next(), index: 0 };
        let until = until.unwrap_or(end).min(end);
        let before = Position(from.position.0.saturating_sub(1));
        let mut passage = Passage::start(self.log.of(subject), "verify-subject", before);
        loop {
            let hand = passage.next(to).await?;
            for commit in &hand.commits {
                count(&mut self.expected, commit, |at| at >= from && at < until);
            }
            if !self.scratch.is_unfit(subject) {
                let unfit = self.scratch.make_good(subject, &hand.commits, (from, until)).await?;
                unfit.into_iter().for_each(|unfit| self.note(unfit));
            }
            if hand.to >= to {
                return Ok(());
            }
        }
    }

    fn note(&mut self, unfit: Unfit) {
        self.unfit_all += 1;
        if self.unfit.len() < FIRST_MAX {
            let Unfit { at, subject, reason, .. } = unfit;
            self.unfit.push(Unfolded { at: at.to_string(), subject, reason });
        }
    }

    /// Which events make the difference of one stretch, if that can be told.
    pub(super) async fn place(
        &self,
        difference: &Difference,
    ) -> Result<Option<gaps::Run>, Problem> {
        let (from, to) = difference.bounds(self.position());
        let before = Position(from.0.saturating_sub(1));
        let mut passage = Passage::start(self.log.clone(), "verify-stretch", before);
        let mut events = Vec::new();
        loop {
            let hand = passage.next(to).await?;
            for commit in hand.commits {
                let waiting = self.scratch.waiting.get(&commit.subject);
                let marks = marks(&commit);
                let known = marks.into_iter().filter(|mark| waiting.is_none_or(|it| mark.at < *it));
                let subject: Arc<str> = commit.subject.as_str().into();
                events.extend(known.map(|mark| (Arc::clone(&subject), mark)));
            }
            if events.len() > MARKS_MAX {
                return Ok(None);
            }
            if hand.to >= to {
                return Ok(difference.run(&events));
            }
        }
    }
}

fn count(expected: &mut BTreeMap<u64, Tally>, commit: &Delivery, counts: impl Fn(Cursor) -> bool) {
    for mark in marks(commit).into_iter().filter(|mark| counts(mark.at)) {
        expected.entry(stretches::stretch_of(mark.at.position)).or_default().add(mark);
    }
}

/// The marks of all events of `commit`, read without the help of what folds them.
fn marks(commit: &Delivery) -> Vec<Mark> {
    let place = |index| Cursor { position: commit.position, index };
    match envelope::decode(&commit.body) {
        Err(_) => vec![Mark::of(place(0), None)],
        Ok(elements) => {
            let mark = |(index, element): (usize, &envelope::Element<'_>)| {
                Mark::of(place(index), Some(element.id))
            };
            elements.iter().enumerate().map(mark).collect()
        }
    }
}
