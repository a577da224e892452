//! The log as the checks read it, and what holds of every log: versions are dense, no event stands
//! twice, and the events of one command stand in one commit.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

use chrono::{DateTime, Utc};
use infrastructure::{
    deadletter::Cursor,
    envelope::{self, Element},
    store::Commit,
};
use kit::{AggregateId, EventId, Position};
use nats::Subject;

use super::{Evidence, Violation};

/// One event of the log.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) aggregate: String,
    pub(super) id: AggregateId,
    /// `<aggregate>.<id>`.
    pub(super) key: String,
    pub(super) at: Cursor,
    pub(super) stored: DateTime<Utc>,
    pub(super) element: Element<'a>,
}

/// The log.
#[derive(Debug)]
pub(super) struct History<'a> {
    pub(super) events: Vec<Event<'a>>,
    commands: HashMap<String, usize>,
    ids: HashMap<EventId, usize>,
    /// The commits of each aggregate that can be read.
    pub(super) commits: BTreeMap<String, Vec<Commit>>,
}

impl<'a> History<'a> {
    pub(super) fn read(evidence: &'a Evidence) -> Result<Self, Violation> {
        let mut events: Vec<Event<'a>> = Vec::new();
        let mut commits = BTreeMap::<String, Vec<Commit>>::new();
        for stored in &evidence.log {
            let position = Position(stored.position);
            let at = |index| Cursor { position, index };
            let Some(Subject::Event { aggregate, id }) = Subject::parse(&stored.subject) else {
                let what = format!("{} is not an aggregate's subject", stored.subject);
                return Err(Violation::new("readable-log", what).at(at(0)));
            };
            let key = format!("{aggregate}.{id}");
            let elements = match envelope::decode(stored.body.as_bytes()) {
                Ok(elements) => elements,
                Err(_) if evidence.foreign.iter().any(|it| it.at == at(0)) => continue,
                Err(error) => {
                    let violation = Violation::new("readable-log", error.to_string());
                    return Err(violation.at(at(0)).about(key));
                }
            };
            let body = stored.body.clone().into_bytes().into();
            commits.entry(key.clone()).or_default().push(Commit {
                position,
                time: stored.time,
                body,
            });
            events.extend(elements.into_iter().enumerate().map(|(index, element)| Event {
                aggregate: aggregate.clone(),
                id: id.clone(),
                key: key.clone(),
                at: at(index),
                stored: stored.time,
                element,
            }));
        }
        let mut commands = HashMap::new();
        for (at, event) in events.iter().enumerate() {
            let command = event.element.metadata.command_id.to_string();
            commands.entry(command).or_insert(at);
        }
        let ids = events.iter().enumerate().map(|(at, event)| (event.element.id, at)).collect();
        Ok(Self { events, commands, ids, commits })
    }

    /// The first event of a command.
    pub(super) fn of_command(&self, command: &str) -> Option<&Event<'a>> {
        self.commands.get(command).and_then(|at| self.events.get(*at))
    }

    /// The event with an id.
    pub(super) fn of_id(&self, id: EventId) -> Option<&Event<'a>> {
        self.ids.get(&id).and_then(|at| self.events.get(*at))
    }

    /// Checks what holds of every log.
    pub(super) fn sound(&self) -> Result<(), Violation> {
        let mut versions: HashMap<&str, u64> = HashMap::new();
        let mut ids = HashSet::new();
        let mut places: HashMap<(&str, &str), Position> = HashMap::new();
        for event in &self.events {
            let wrong = |promise, what: String| {
                Err(Violation::new(promise, what).at(event.at).about(event.key.clone()))
            };
            let version = versions.entry(&event.key).or_default();
            *version += 1;
            if event.element.version.0 != *version {
                let found = event.element.version;
                return wrong("dense-versions", format!("version {found} where {version} is due"));
            }
            if !ids.insert(event.element.id) {
                return wrong("events-once", format!("event {} stands twice", event.element.id));
            }
            let command = event.element.metadata.command_id.as_str();
            match places.entry((&event.key, command)) {
                Entry::Vacant(place) => drop(place.insert(event.at.position)),
                Entry::Occupied(place) if *place.get() == event.at.position => {}
                Entry::Occupied(place) => {
                    let first = place.get();
                    let what = format!("command {command} stands at {first} already");
                    return wrong("commands-once", what);
                }
            }
        }
        Ok(())
    }
}
