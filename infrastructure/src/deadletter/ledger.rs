//! What the records amount to: which keys stand still and where, and what was decided. Pure.
//! Not here: reading and writing them.

use std::{
    collections::{HashMap, hash_map},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use kit::{EventId, Position};
use uuid::Uuid;

use super::{
    parked::{Class, Parked},
    record::{Cursor, Json, Place, Record, Requested},
};

/// What was decided about one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It is never handled.
    Discarded,
    /// It is handled with other data.
    Overridden {
        /// The data.
        data: Json,
        /// The version of its shape; the stored event's own if there is none.
        schema_version: Option<u32>,
    },
}

/// What was decided about the events of one key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    events: HashMap<EventId, Fact>,
    commits: HashMap<Position, Fact>,
}

impl Facts {
    /// What was decided about the event `id`.
    #[must_use]
    pub fn of_event(&self, id: EventId) -> Option<&Fact> {
        self.events.get(&id)
    }

    /// What was decided about the whole of a commit that cannot be read.
    #[must_use]
    pub fn of_commit(&self, position: Position) -> Option<&Fact> {
        self.commits.get(&position)
    }

    fn insert(&mut self, place: &Place, fact: Fact) {
        match place.id {
            Some(id) => drop(self.events.insert(id, fact)),
            None => drop(self.commits.insert(place.at.position, fact)),
        }
    }
}

/// What is to be done about a parked key.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Nothing; it waits for somebody.
    Parked,
    /// What somebody asked for.
    Requested(Box<Requested>),
    /// Handling what waits, from the head on.
    Draining,
}

/// Where a key stands still.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    /// The first event that is not handled.
    pub(crate) at: Cursor,
    /// The event that failed.
    pub(crate) event: Place,
    /// The place of its record in the queue.
    pub(crate) record: u64,
    pub(crate) class: Class,
    pub(crate) attempts: u32,
    pub(crate) first: DateTime<Utc>,
    pub(crate) standing: Standing,
    /// When somebody last asked for another attempt: what was refused before is decided anew.
    pub(crate) asked: Option<DateTime<Utc>>,
}

impl Head {
    /// Whether `request` is what is to be done.
    fn is_asked(&self, request: Uuid) -> bool {
        matches!(&self.standing, Standing::Requested(asked) if asked.request == request)
    }

    fn of(record: u64, parked: &Parked) -> Self {
        Self {
            at: parked.event.at,
            event: parked.event.clone(),
            record,
            class: parked.class,
            attempts: parked.attempts,
            first: parked.first,
            standing: Standing::Parked,
            asked: None,
        }
    }
}

/// One key as its records have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// The last message on its subject.
    pub(crate) last: u64,
    pub(crate) head: Option<Head>,
    pub(crate) facts: Option<Arc<Facts>>,
    /// The last message is by a former owner, does not count, and must be answered.
    pub(crate) stale: bool,
}

/// What one more record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that anybody needs to act upon.
    Noted,
    /// There is something to be done about the key.
    Due,
    /// A former owner wrote it: it does not count.
    Stale,
}

/// The dead letters of one handler. Keys are named by their event subjects.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    epoch: u64,
    keys: HashMap<String, Entry>,
    parked: usize,
    followed: u64,
}

impl Ledger {
    /// How many keys stand still.
    pub(crate) const fn parked(&self) -> usize {
        self.parked
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.keys.get(key)
    }

    pub(crate) fn head(&self, key: &str) -> Option<&Head> {
        self.keys.get(key)?.head.as_ref()
    }

    /// Whether `request` is what is to be done about `key`.
    pub(crate) fn is_asked(&self, key: &str, request: Uuid) -> bool {
        self.head(key).is_some_and(|head| head.is_asked(request))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.keys.iter()
    }

    /// Takes in the beginning of an epoch.
    pub(crate) fn begun(&mut self, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
    }

    /// Everything up to `sequence` has been taken in, in the order of the queue.
    pub(crate) fn followed(&mut self, sequence: u64) {
        self.followed = self.followed.max(sequence);
    }

    /// Takes in `record`, which stands at `sequence`. What was taken in before changes nothing.
    pub(crate) fn apply(&mut self, key: &str, sequence: u64, record: &Record) -> Change {
        let known = self.keys.get(key).map_or(0, |entry| entry.last).max(self.followed);
        if sequence <= known {
            return Change::Noted;
        }
        let entry = self.keys.entry(key.to_owned()).or_default();
        let stood = entry.head.is_some();
        let late = record.epoch().is_some_and(|epoch| epoch < self.epoch);
        entry.last = sequence;
        let change = entry.take(sequence, record, late);
        let stands = entry.head.is_some();
        self.parked = self.parked + usize::from(stands) - usize::from(stood);
        change
    }

    /// Takes in that a message at `sequence`, which is no record, is the last on its subject.
    pub(crate) fn pass(&mut self, key: &str, sequence: u64) {
        let entry = self.keys.entry(key.to_owned()).or_default();
        entry.last = entry.last.max(sequence);
    }

    /// Forgets a key about which there is nothing to know.
    pub(crate) fn tidy(&mut self, key: &str) {
        if let hash_map::Entry::Occupied(entry) = self.keys.entry(key.to_owned()) {
            let it = entry.get();
            let needed = it.head.is_some() || it.facts.is_some() || it.stale;
            if !needed && it.last <= self.followed {
                entry.remove();
            }
        }
    }
}

impl Entry {
    fn take(&mut self, sequence: u64, record: &Record, late: bool) -> Change {
        // What people decided holds whoever wrote it down; only an owner's own steps can be late.
        let step = matches!(record, Record::Parked(_) | Record::Drained(_) | Record::Released(_));
        if late && step {
            self.stale = true;
            return Change::Stale;
        }
        let change = self.follow(sequence, record);
        // The subject ends as if the key stood still, and it does not.
        self.stale = self.head.is_none() && !matches!(record, Record::Released(_));
        if self.stale { Change::Stale } else { change }
    }

    fn follow(&mut self, sequence: u64, record: &Record) -> Change {
        match record {
            Record::Parked(parked) => self.head = Some(Head::of(sequence, parked)),
            Record::Released(_) => self.head = None,
            Record::Drained(drained) => {
                if let Some(head) = &mut self.head {
                    (head.at, head.standing) = (drained.to, Standing::Draining);
                }
            }
            Record::Requested(requested) => {
                self.stand(Standing::Requested(requested.clone()));
                if let Some(head) = &mut self.head {
                    head.asked = Some(requested.time);
                }
                return Change::Due;
            }
            Record::Declined(_) => {
                let begun = self.head.as_ref().is_some_and(|head| head.at != head.event.at);
                self.stand(if begun { Standing::Draining } else { Standing::Parked });
                if let Some(head) = &mut self.head {
                    head.asked = None;
                }
            }
            Record::Discarded(it) => return self.decide(&it.event, Fact::Discarded),
            Record::Overridden(it) => {
                let (data, schema_version) = (it.data.clone(), it.schema_version);
                return self.decide(&it.event, Fact::Overridden { data, schema_version });
            }
            // These stand on subjects of the handler's own.
            Record::Owned(_) | Record::Reset(_) | Record::Rewound(_) | Record::Restored(_) => {}
        }
        Change::Noted
    }

    fn stand(&mut self, standing: Standing) {
        if let Some(head) = &mut self.head {
            head.standing = standing;
        }
    }

    fn decide(&mut self, event: &Place, fact: Fact) -> Change {
        let mut facts = self.facts.as_deref().cloned().unwrap_or_default();
        facts.insert(event, fact);
        self.facts = Some(Arc::new(facts));
        self.stand(Standing::Draining);
        Change::Due
    }
}
