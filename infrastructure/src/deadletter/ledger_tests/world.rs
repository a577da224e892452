//! A log, a queue, a checkpoint, and owners that do what the runtime does, one step at a time.

use std::collections::{BTreeSet, HashMap};

use chrono::Utc;
use kit::{EventId, Position};
use uuid::Uuid;

use super::{
    super::{ledger::Ledger, wire_tests::parked_at, *},
    KEYS, Step,
};

#[derive(Debug, Default)]
struct Owner {
    epoch: u64,
    ledger: Ledger,
    /// Up to here it has read the queue.
    read: usize,
    /// The checkpoint when it took over, and the last event that it took.
    begun: u64,
    taken: u64,
    skipped: HashMap<String, u64>,
}

/// A log of one event a commit, a queue, a checkpoint, and who is about.
#[derive(Debug)]
pub(super) struct World {
    log: Vec<usize>,
    poison: BTreeSet<u64>,
    queue: Vec<(Option<String>, Record)>,
    checkpoint: u64,
    owner: Owner,
    late: Option<Owner>,
    handled: Vec<u64>,
    discarded: BTreeSet<u64>,
}

fn id(position: u64) -> EventId {
    Uuid::from_u128(0x0193_05a5_8000_7000_8000_0000_0000_0000 + u128::from(position))
}

fn place(position: u64) -> Place {
    let at = Cursor { position: Position(position), index: 0 };
    Place { id: Some(id(position)), kind: None, at }
}

impl Owner {
    fn follow(&mut self, queue: &[(Option<String>, Record)]) {
        for (key, record) in &queue[self.read..] {
            self.read += 1;
            match (key, record) {
                (Some(key), record) => drop(self.ledger.apply(key, self.read as u64, record)),
                (None, Record::Owned(owned)) => self.ledger.begun(owned.epoch),
                (None, _) => unreachable!("only marks stand there"),
            }
            self.ledger.followed(self.read as u64);
        }
    }
}

impl World {
    pub(super) fn new(log: Vec<usize>, poison: BTreeSet<u64>) -> Self {
        let mut world = Self {
            log,
            poison,
            queue: Vec::new(),
            checkpoint: 0,
            owner: Owner::default(),
            late: None,
            handled: Vec::new(),
            discarded: BTreeSet::new(),
        };
        world.take_over();
        world
    }

    /// Which key the event at `position` is of.
    fn of(&self, position: u64) -> Option<usize> {
        self.log.get(usize::try_from(position).unwrap() - 1).copied()
    }

    fn key(&self, position: u64) -> &'static str {
        KEYS[self.of(position).unwrap()]
    }

    /// Appends for `epoch`, which has read the queue up to `read`, unless a later owner wrote.
    fn append(&mut self, epoch: u64, read: usize, key: &str, record: Record) -> bool {
        let later = |(of, it): &(Option<String>, Record)| {
            of.as_deref() == Some(key) && it.epoch().is_some_and(|it| it > epoch)
        };
        let fenced = self.queue[read..].iter().any(later);
        if !fenced {
            self.queue.push((Some(key.to_owned()), record));
        }
        !fenced
    }

    fn write(&mut self, key: &str, record: Record) {
        let (epoch, read) = (self.owner.epoch, self.owner.read);
        assert!(self.append(epoch, read, key, record), "the present owner is never fenced");
        self.owner.follow(&self.queue);
    }

    fn take_over(&mut self) {
        let epoch = self.owner.epoch + 1;
        let owned = Owned { epoch, instance: String::new(), time: Utc::now() };
        self.queue.push((None, Record::Owned(owned)));
        let (begun, taken) = (self.checkpoint, self.checkpoint);
        let owner = Owner { epoch, begun, taken, ..Owner::default() };
        self.late = Some(std::mem::replace(&mut self.owner, owner));
        self.owner.follow(&self.queue);
        self.repair();
    }

    fn repair(&mut self) {
        for key in KEYS {
            if self.owner.ledger.get(key).is_none_or(|entry| !entry.stale) {
                continue;
            }
            let head = self.owner.ledger.head(key).cloned();
            match head {
                None => self.release(key, 0),
                Some(head) if head.standing == Standing::Parked => self.park(head.at.position.0),
                Some(_) => {}
            }
        }
    }

    fn release(&mut self, key: &str, position: u64) {
        let epoch = self.owner.epoch;
        let released = Released { position: Position(position), epoch, time: Utc::now() };
        self.write(key, Record::Released(released));
    }

    fn park(&mut self, position: u64) {
        let record = parked_at(place(position), self.owner.epoch);
        self.write(self.key(position), record);
    }

    /// Handles one event, or parks its key there; whether it is behind us.
    fn handle(&mut self, position: u64) -> bool {
        let facts = self.owner.ledger.get(self.key(position)).and_then(|it| it.facts.clone());
        if facts.is_some_and(|facts| facts.of_event(id(position)).is_some()) {
            return true;
        }
        if self.poison.contains(&position) {
            self.park(position);
            return false;
        }
        self.handled.push(position);
        true
    }

    fn deliver(&mut self) {
        if self.of(self.owner.taken + 1).is_none() {
            return;
        }
        self.owner.taken += 1;
        let position = self.owner.taken;
        let key = self.key(position);
        let waits = self.owner.ledger.head(key).is_some_and(|it| it.at.position.0 <= position);
        if waits || !self.handle(position) {
            self.owner.skipped.insert(key.to_owned(), position);
        }
    }

    fn request(&mut self, key: &str, action: Action) {
        let Some(head) = self.owner.ledger.head(key) else { return };
        let requested = Requested {
            request: Uuid::nil(),
            action,
            event: head.event.clone(),
            data: None,
            schema_version: None,
            who: String::new(),
            why: String::new(),
            selection: None,
            time: Utc::now(),
        };
        self.queue.push((Some(key.to_owned()), Record::Requested(Box::new(requested))));
        self.owner.follow(&self.queue);
    }

    fn drain(&mut self, key: &str) {
        let Some(head) = self.owner.ledger.head(key).cloned() else { return };
        let (epoch, time) = (self.owner.epoch, Utc::now());
        if let Standing::Requested(request) = &head.standing
            && request.action == Action::Discard
            && head.at == head.event.at
        {
            self.discarded.insert(head.at.position.0);
            let (event, request) = (head.event, request.request);
            let (who, why) = (String::new(), String::new());
            let record = Discarded { event, request, who, why, epoch, time };
            return self.write(key, Record::Discarded(record));
        }
        if head.standing == Standing::Parked {
            return;
        }
        let skipped = self.owner.skipped.get(key).copied().unwrap_or(0);
        let frontier = self.owner.begun.max(skipped);
        let next = (head.at.position.0..=frontier).find(|position| self.key(*position) == key);
        match next {
            None => {
                self.release(key, frontier);
                self.owner.skipped.remove(key);
            }
            Some(position) if self.handle(position) => {
                let to = Cursor { position: Position(position + 1), index: 0 };
                self.write(key, Record::Drained(Drained { to, epoch, time }));
            }
            Some(_) => {}
        }
    }

    fn late(&mut self, key: &str, record: impl FnOnce(&Owner) -> Option<Record>) {
        let Some(late) = self.late.take() else { return };
        if let Some(record) = record(&late) {
            self.append(late.epoch, late.read, key, record);
            self.owner.follow(&self.queue);
            self.repair();
        }
        self.late = Some(late);
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Deliver => self.deliver(),
            Step::Checkpoint => self.checkpoint = self.owner.taken,
            Step::TakeOver => self.take_over(),
            Step::Request(key, action) => self.request(KEYS[key], action),
            Step::Drain(key) => self.drain(KEYS[key]),
            Step::Mend(position) => drop(self.poison.remove(&position)),
            Step::LateParks(key) => {
                let of = |owner: &Owner| {
                    let next = (owner.taken + 1..=owner.taken + 9)
                        .find(|position| self.of(*position) == Some(key))?;
                    Some(parked_at(place(next), owner.epoch))
                };
                let record = self.late.as_ref().and_then(of);
                self.late(KEYS[key], |_| record);
            }
            Step::LateReleases(key) => self.late(KEYS[key], |owner| {
                owner.ledger.head(KEYS[key])?;
                let (epoch, time) = (owner.epoch, Utc::now());
                Some(Record::Released(Released { position: Position::ZERO, epoch, time }))
            }),
        }
    }

    /// Everything is mended, and everything that stands still is tried again.
    pub(super) fn finish(&mut self) {
        self.poison.clear();
        self.take_over();
        for _ in 0..self.log.len() {
            self.deliver();
        }
        for key in KEYS {
            self.request(key, Action::Retry);
            for _ in 0..=self.log.len() + 1 {
                self.drain(key);
            }
            assert_eq!(self.owner.ledger.head(key), None);
        }
        assert_eq!(self.owner.ledger.parked(), 0);
    }

    pub(super) fn check(&self) {
        for (at, key) in KEYS.iter().enumerate() {
            let of = |position: &u64| self.of(*position) == Some(at);
            let mut seen = BTreeSet::new();
            let first = self.handled.iter().filter(|it| of(it)).filter(|it| seen.insert(**it));
            let first: Vec<u64> = first.copied().collect();
            // What was discarded may have been handled before it failed in another owner's hands.
            let due = (1..=self.log.len() as u64).filter(of);
            let due = due.filter(|it| first.contains(it) || !self.discarded.contains(it));
            assert_eq!(first, due.collect::<Vec<_>>(), "{key}: {:?}", self.queue);
        }
        // Whoever only looks at the last record of a subject learns the truth.
        for key in KEYS {
            let last = self.queue.iter().rev().find(|(of, _)| of.as_deref() == Some(key));
            let released = last.is_none_or(|(_, it)| matches!(it, Record::Released(_)));
            assert_eq!(released, self.owner.ledger.head(key).is_none());
        }
    }
}
