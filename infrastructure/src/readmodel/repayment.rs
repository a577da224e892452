//! Making good what generations owe: the events of a key that came by while it stood still are read
//! from the log again and folded, with the place that was reached in the same transaction.
//!
//! The generations that queries wait for do it first, while the key still stands still for all
//! others, and then release it. Every other generation owes its own events until it has made them
//! good. Not here: what was decided about the key.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use futures::{FutureExt as _, future::BoxFuture};
use kit::Position;
use tokio::sync::Notify;

use super::{
    batch::{ApplyError, Payment},
    generation::Generation,
    parked::Debt,
    projector::{Patience, Projector},
    reading::Fault,
};
use crate::{
    deadletter::{Cursor, Standing},
    handler::{Delivery, Ended, Feed, Item},
};

impl Projector {
    /// Does what is due, and makes good what is owed of keys that do not stand still.
    pub(super) async fn make_good(&mut self) -> Result<(), Ended> {
        self.do_what_is_due().await?;
        for debt in self.debts().await? {
            if self.letters.book.at(&debt).is_none() {
                self.repay(&debt).await?;
            }
        }
        Ok(())
    }

    /// Does what somebody asked for, or an owner before began; whether there was anything.
    pub(super) fn do_what_is_due(&mut self) -> BoxFuture<'_, Result<bool, Ended>> {
        self.do_all_that_is_due().boxed()
    }

    async fn do_all_that_is_due(&mut self) -> Result<bool, Ended> {
        let mut any = false;
        if !self.leads {
            return Ok(any);
        }
        let letters = Arc::clone(&self.letters);
        for (key, head) in letters.book.heads() {
            if head.standing == Standing::Parked {
                continue;
            }
            any = true;
            self.reach("drain.begun").await;
            if !self.write(letters.book.decide(&key, &head)).await? {
                continue;
            }
            self.reach("drain.decided").await;
            self.debts().await?;
            if !self.repay(&key).await? {
                continue;
            }
            self.reach("drain.before-release").await;
            let position = self.generations.iter().map(|generation| generation.position).max();
            self.write(letters.book.release(&key, position.unwrap_or_default())).await?;
            self.waits().released(&key);
            self.settle(&key).await?;
        }
        Ok(any)
    }

    /// The subjects of which anything is owed, as the store has them.
    async fn debts(&mut self) -> Result<Vec<String>, Ended> {
        let mut owed = Vec::new();
        for generation in &self.generations {
            let debts = self.owed_by(generation).await?;
            owed.extend(debts.into_iter().map(|debt| debt.subject));
        }
        owed.sort();
        owed.dedup();
        self.owed = owed.iter().cloned().collect();
        Ok(owed)
    }

    /// Folds what is owed of `key`; false if one of its events failed and it stands still there.
    async fn repay(&mut self, key: &str) -> Result<bool, Ended> {
        let mut owing = self.owing(key).await?;
        let from = owing.iter().map(|(_, from)| *from).min();
        let frontier = owing.iter().map(|(generation, _)| generation.position).max();
        if let (Some(from), Some(frontier)) = (from, frontier)
            && from.position <= frontier
        {
            self.drains += 1;
            let poke = Arc::new(Notify::new());
            let number = owing.first().map_or(0, |(generation, _)| generation.number);
            let (name, epoch, drain) = (self.duty.name, self.duty.epoch, self.drains);
            let name = format!("drain-{name}-{epoch}-{number}-{drain}");
            let before = Position(from.position.0.saturating_sub(1));
            let mut feed = Feed::start(self.log.of(key), name, before, Arc::clone(&poke));
            let mut ended = false;
            while !ended {
                let commits = self.stretch(&mut feed, &poke, frontier, &mut ended).await?;
                if let Some((delivery, fault)) = self.pay(key, &mut owing, &commits).await? {
                    self.park(&delivery, fault).await?;
                    return Ok(false);
                }
                if self.leads {
                    self.waits().handled(key, commits.len() as u64);
                }
            }
        }
        if self.letters.book.at(key).is_none() {
            self.settle(key).await?;
        }
        Ok(true)
    }

    /// The next commits up to `frontier`, as many as one transaction takes.
    async fn stretch(
        &self,
        feed: &mut Feed,
        poke: &Notify,
        frontier: Position,
        ended: &mut bool,
    ) -> Result<VecDeque<Delivery>, Ended> {
        let mut commits = VecDeque::new();
        while commits.len() < self.duty.options.batch_max && !*ended {
            let item = tokio::select! {
                biased;
                () = self.duty.lost.cancelled() => return Err(Ended::Lost),
                () = self.duty.stop.cancelled() => return Err(Ended::Stopped),
                item = feed.next() => item,
            };
            match item {
                None => return Err(Ended::Lost),
                Some(Item::Nothing(position)) => *ended = position >= frontier,
                Some(Item::Commit(delivery)) if delivery.position > frontier => *ended = true,
                Some(Item::Commit(delivery)) => {
                    *ended = delivery.position == frontier;
                    // Behind the last one the end of the log is asked for at once.
                    if delivery.pending == 0 {
                        poke.notify_one();
                    }
                    commits.push_back(delivery);
                }
            }
        }
        Ok(commits)
    }

    /// Folds `commits` into those that owe them; the first event that cannot be folded, if any.
    async fn pay(
        &self,
        key: &str,
        owing: &mut [(Generation, Cursor)],
        commits: &VecDeque<Delivery>,
    ) -> Result<Option<(Delivery, Fault)>, Ended> {
        let Some(last) = commits.back() else { return Ok(None) };
        let (begun, projection) = (Instant::now(), &*self.projection);
        let mut reading = self.reader().owed(commits);
        loop {
            let end = Cursor { position: last.position.next(), index: 0 };
            let to = reading.fault.as_ref().map_or(end, |fault| fault.at);
            let payment =
                Payment { subject: key, touches: &reading.touches, marks: &reading.marks, to };
            let mut patience = Patience::new(&self.duty, self.held_up);
            let made = loop {
                let made = self.store.make_good(owing, projection, &payment).await;
                if let Some(made) = patience.take(made).await? {
                    break made;
                }
            };
            match made {
                Err(fault) => reading.fault = Some(fault),
                Ok(()) => {
                    for (_, from) in owing.iter_mut() {
                        *from = to.max(*from);
                    }
                    self.count(&reading, begun.elapsed());
                    self.reach("drain.handled").await;
                    let failed = reading.fault.take();
                    let of = |at: Position| commits.iter().find(|it| it.position == at).cloned();
                    return Ok(failed.and_then(|fault| Some((of(fault.at.position)?, fault))));
                }
            }
        }
    }

    /// The generations that owe anything of `key`, and from where on.
    async fn owing(&self, key: &str) -> Result<Vec<(Generation, Cursor)>, Ended> {
        let mut owing = Vec::new();
        for generation in &self.generations {
            let debts = self.owed_by(generation).await?;
            let debt = debts.into_iter().find(|debt| debt.subject == key);
            owing.extend(debt.map(|debt| (generation.clone(), debt.from)));
        }
        Ok(owing)
    }

    async fn owed_by(&self, generation: &Generation) -> Result<Vec<Debt>, Ended> {
        let mut patience = Patience::new(&self.duty, self.held_up);
        loop {
            let debts = self.store.debts(generation).await;
            if let Some(debts) = patience.take(debts.map_err(ApplyError::Sql)).await? {
                return Ok(debts.unwrap_or_default());
            }
        }
    }

    /// Forgets that anything of `key` was owed.
    async fn settle(&mut self, key: &str) -> Result<(), Ended> {
        for generation in &self.generations {
            let mut patience = Patience::new(&self.duty, self.held_up);
            loop {
                let settled = self.store.settle(generation, key).await;
                if patience.take(settled.map_err(ApplyError::Sql)).await?.is_some() {
                    break;
                }
            }
        }
        self.owed.remove(key);
        Ok(())
    }
}
