//! The dead letters, against what could not be read and against the log: nothing that nobody can
//! read is passed over, nothing overtakes a key that stands still, and in the end nothing waits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use infrastructure::{
    deadletter::{Class, Cursor, Json, Key, Place, Record},
    replay::Planned,
};
use kit::{EventId, Position};
use nats::Subject;

use super::{Evidence, Violation, history::History};

/// What was decided about one event.
#[derive(Debug, Clone)]
pub(super) enum Decided {
    Discarded,
    Overridden(Json, Option<u32>),
}

/// A time in which a key stood still, and nobody had asked for anything.
#[derive(Debug)]
struct Still {
    from: Cursor,
    since: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

/// The dead letters as their owners meant them: what a former owner wrote too late is left out.
#[derive(Debug, Default)]
pub(super) struct Letters {
    events: HashMap<(String, EventId), Decided>,
    commits: HashMap<(String, Position), Decided>,
    still: BTreeMap<(String, String), Vec<Still>>,
    parked: BTreeSet<(String, Cursor)>,
    open: BTreeMap<(String, String), Cursor>,
}

impl Letters {
    pub(super) fn read(evidence: &Evidence) -> Self {
        let (mut letters, mut epochs) = (Self::default(), HashMap::<String, u64>::new());
        for stored in &evidence.letters {
            let Ok(record) = Record::decode(stored.body.as_bytes()) else { continue };
            if let (Some(Subject::DeadLetterOwners { handler }), Record::Owned(owned)) =
                (Subject::parse(&stored.subject), &record)
            {
                let epoch = epochs.entry(handler).or_default();
                *epoch = owned.epoch.max(*epoch);
                continue;
            }
            let Some(key) = Key::of(&stored.subject) else { continue };
            let current = epochs.get(&key.handler).copied().unwrap_or_default();
            if record.epoch().is_some_and(|epoch| epoch < current) {
                continue;
            }
            letters.take(&key, stored.time, record);
        }
        letters
    }

    fn take(&mut self, key: &Key, time: DateTime<Utc>, record: Record) {
        let of = (key.handler.clone(), format!("{}.{}", key.aggregate, key.id));
        match record {
            Record::Parked(parked) => {
                self.parked.insert((key.handler.clone(), parked.event.at));
                self.open.insert(of.clone(), parked.event.at);
                // What waits only for something outside is tried again by itself.
                if parked.class != Class::Waiting {
                    let still = Still { from: parked.event.at, since: time, until: None };
                    self.still.entry(of).or_default().push(still);
                }
            }
            Record::Requested(_) => self.moves(&of, time),
            Record::Discarded(it) => self.decide(&key.handler, &it.event, Decided::Discarded),
            Record::Overridden(it) => {
                let decided = Decided::Overridden(it.data, it.schema_version);
                self.decide(&key.handler, &it.event, decided);
            }
            Record::Released(_) => {
                self.moves(&of, time);
                self.open.remove(&of);
            }
            Record::Declined(_)
            | Record::Drained(_)
            | Record::Owned(_)
            | Record::Reset(_)
            | Record::Rewound(_)
            | Record::Restored(_) => {}
        }
    }

    fn moves(&mut self, of: &(String, String), time: DateTime<Utc>) {
        if let Some(last) = self.still.get_mut(of).and_then(|all| all.last_mut()) {
            last.until.get_or_insert(time);
        }
    }

    fn decide(&mut self, handler: &str, place: &Place, decided: Decided) {
        let handler = handler.to_owned();
        match place.id {
            Some(id) => drop(self.events.insert((handler, id), decided)),
            None => drop(self.commits.insert((handler, place.at.position), decided)),
        }
    }

    /// What was decided about an event for `handler`.
    pub(super) fn of_event(&self, handler: &str, id: EventId) -> Option<&Decided> {
        self.events.get(&(handler.to_owned(), id))
    }
}

/// The number of events that nobody could read.
pub(super) fn check(
    evidence: &Evidence,
    history: &History<'_>,
    letters: &Letters,
) -> Result<usize, Violation> {
    for foreign in &evidence.foreign {
        for reader in &evidence.readers {
            if !letters.parked.contains(&((*reader).to_owned(), foreign.at)) {
                let what = "an event that cannot be read was passed over";
                let violation = Violation::new("nothing-skipped", what).of(reader);
                return Err(violation.about(foreign.key.clone()).at(foreign.at));
            }
        }
    }
    overtaking(evidence, history, letters)?;
    if let Some(((handler, key), at)) = letters.open.first_key_value() {
        let violation = Violation::new("comes-to-its-end", "it still stands still").of(handler);
        return Err(violation.about(key.clone()).at(*at));
    }
    Ok(evidence.foreign.len())
}

/// Whether anything was ordered because of an event behind one at which its key stood still.
fn overtaking(
    evidence: &Evidence,
    history: &History<'_>,
    letters: &Letters,
) -> Result<(), Violation> {
    for due in &evidence.due {
        let Planned::Send(order) = &due.planned else { continue };
        let Some(still) = letters.still.get(&(due.handler.to_owned(), due.key.clone())) else {
            continue;
        };
        let Some(landed) = history.of_command(order.command_id.as_str()) else { continue };
        let Some(source) = history.of_id(due.event) else { continue };
        let overtook = still.iter().find(|it| {
            let until = it.until.unwrap_or(evidence.time);
            source.at > it.from && landed.stored > it.since && landed.stored < until
        });
        if let Some(still) = overtook {
            let what = format!("what follows from {} overtook {}", source.at, still.from);
            let violation = Violation::new("no-overtaking", what).of(due.handler);
            return Err(violation.about(due.key.clone()).at(landed.at));
        }
    }
    Ok(())
}
