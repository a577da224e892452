//! Keys that stand still: passed over, drained when it is time, and repaired when a former owner wrote
//! too late. Not here: their events, which a drain handles.

use std::sync::Arc;

use futures::FutureExt as _;

use super::{Ran, Run};
use crate::{
    deadletter::{Class, Followed, Head, Standing},
    handler::{deliveries::Delivery, drain::Drain, feed::Item},
};

/// Keys that are drained at the same time; each has a consumer of its own.
const DRAINS_MAX: usize = 16;

impl Run {
    /// Finds what the owner before left to be done.
    pub(super) fn take_over(&mut self) {
        for (key, head) in self.hands.book.heads() {
            if head.standing != Standing::Parked || head.class == Class::Waiting {
                self.agenda.is_due(key);
            }
        }
        for key in self.hands.book.stale() {
            self.repair(key);
        }
    }

    /// Leaves commits of a key that stands still to wait in the log.
    pub(super) fn pass(&mut self, mut run: Vec<Delivery>) {
        for at in 0..run.len() {
            let Delivery { subject, position, .. } = &run[at];
            if let Some(reason) = self.waits.full(subject) {
                tracing::error!(handler = self.hands.duty.name, "halted: {reason}");
                self.hands.duty.gauge.halted(reason.clone());
                self.overfull = Some(reason);
                return self.lanes.put_back(run.split_off(at));
            }
            self.waits.pass(subject, *position);
            self.lanes.behind_us(*position);
        }
        if let Some(first) = run.first() {
            self.lanes.ended(&first.subject);
        }
    }

    pub(super) fn begin_drains(&mut self) {
        for _ in 0..self.agenda.len() {
            if self.drains >= DRAINS_MAX {
                return;
            }
            let Some(key) = self.agenda.next() else { return };
            if !self.lanes.claim(&key) {
                self.agenda.is_due(key);
                continue;
            }
            (self.drains, self.drains_ever) = (self.drains + 1, self.drains_ever + 1);
            let drain = Drain {
                hands: Arc::clone(&self.hands),
                log: self.log.clone(),
                frontier: self.begun.max(self.waits.last(&key)),
                key: key.clone(),
                number: self.drains_ever,
            };
            self.running.push(drain.run().map(|outcome| Ran::Drain(key, outcome)).boxed());
        }
    }

    /// A key that waits only for something outside is tried again after a while.
    pub(super) fn rest(&mut self, key: &str) {
        let waiting =
            |head: &Head| head.class == Class::Waiting && head.standing == Standing::Parked;
        if self.hands.book.head(key).as_ref().is_some_and(waiting) {
            self.agenda.rest(key, self.hands.reactor.retries().transient.max_delay);
        }
    }

    /// Takes in what came to the queue; false if a later epoch has begun.
    pub(super) fn follow(&mut self, letter: &Item) -> bool {
        match self.hands.book.follow(letter) {
            Followed::Nothing => {}
            Followed::Due(key) => self.agenda.is_due(key),
            Followed::Stale(key) => self.repair(key),
            Followed::Fenced => {
                self.hands.duty.lost.cancel();
                return false;
            }
            // What runs may finish, as for any stop.
            Followed::Reset => {
                self.reset = true;
                self.hands.duty.stop.cancel();
            }
        }
        true
    }

    pub(super) fn repair(&self, key: String) {
        let hands = Arc::clone(&self.hands);
        let repair = async move { Ran::Repair(hands.write(hands.book.repair(&key)).await) };
        self.running.push(repair.boxed());
    }
}
