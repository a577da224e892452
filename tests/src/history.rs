//! The whole log, read back after a fault, and what must hold of it whatever happened.

use std::collections::{BTreeMap, HashSet};

use async_nats::{Client, jetstream};
use futures::StreamExt;
use infrastructure::envelope::decode;
use kit::{CommandId, EventId, Position, Version};
use nats::{Subject, names};

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The commit that holds it.
    pub position: Position,
    /// Its place in its aggregate.
    pub version: Version,
    /// Its id.
    pub id: EventId,
    /// `<aggregate>.<kind>`.
    pub kind: String,
    /// The command that decided it.
    pub command: CommandId,
    /// The message that led to the command.
    pub causation: Option<String>,
}

/// Every event in the log, by aggregate, in order.
#[derive(Debug, Default)]
pub struct History {
    /// `<aggregate>.<id>` and its events.
    pub aggregates: BTreeMap<String, Vec<Entry>>,
}

impl History {
    /// Reads the log up to where it ends now.
    ///
    /// # Panics
    /// When the log cannot be read, or holds what is not a commit.
    pub async fn read(client: &Client) -> Self {
        let context = jetstream::new(client.clone());
        let mut stream = context.get_stream(names::EVENTS).await.expect("the log is there");
        let last = stream.info().await.expect("the log's state").state.last_sequence;
        let mut history = Self::default();
        if last == 0 {
            return history;
        }
        let config = jetstream::consumer::pull::OrderedConfig::default();
        let consumer = stream.create_consumer(config).await.expect("a reader of the log");
        let mut messages = consumer.messages().await.expect("the log's messages");
        while let Some(message) = messages.next().await {
            let message = message.expect("a message of the log");
            let position = message.info().expect("a place in the log").stream_sequence;
            history.take(&message.subject, Position(position), &message.payload);
            if position >= last {
                break;
            }
        }
        history
    }

    fn take(&mut self, subject: &str, position: Position, body: &[u8]) {
        let Some(Subject::Event { aggregate, id }) = Subject::parse(subject) else {
            unreachable!("{subject} is not the subject of an aggregate")
        };
        let entries = self.aggregates.entry(format!("{aggregate}.{id}")).or_default();
        for element in decode(body).expect("a commit") {
            entries.push(Entry {
                position,
                version: element.version,
                id: element.id,
                kind: element.kind.clone().into_owned(),
                command: element.metadata.command_id.clone(),
                causation: element.metadata.causation_id.clone(),
            });
        }
    }

    /// The events of one aggregate, such as `person.ada`.
    #[must_use]
    pub fn of(&self, aggregate: &str) -> &[Entry] {
        self.aggregates.get(aggregate).map_or(&[], Vec::as_slice)
    }

    /// Checks what holds of every log: versions are dense from 1, no event stands twice, and the
    /// events of one command stand in one commit.
    ///
    /// # Panics
    /// When it does not hold.
    pub fn assert_sound(&self) {
        let mut events = HashSet::new();
        for (aggregate, entries) in &self.aggregates {
            let mut places: BTreeMap<&CommandId, Position> = BTreeMap::new();
            for (index, entry) in entries.iter().enumerate() {
                let due = Version(index as u64 + 1);
                assert_eq!(entry.version, due, "{aggregate} has a gap or a double: {entry:?}");
                assert!(events.insert(entry.id), "{aggregate} holds an event twice: {entry:?}");
                let place = *places.entry(&entry.command).or_insert(entry.position);
                assert_eq!(place, entry.position, "{aggregate} did a command twice: {entry:?}");
            }
        }
    }

    /// Checks that each of `commands` is in `aggregate` once.
    ///
    /// # Panics
    /// When one is missing.
    pub fn assert_holds<'a>(
        &self,
        aggregate: &str,
        commands: impl IntoIterator<Item = &'a CommandId>,
    ) {
        self.assert_sound();
        let there: HashSet<&CommandId> = self.of(aggregate).iter().map(|e| &e.command).collect();
        for command in commands {
            assert!(there.contains(command), "{aggregate} lost the acknowledged {command}");
        }
    }
}
