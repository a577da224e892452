//! Another program that writes persons of its own into the log, with broker rights: some events in
//! a shape that is newer than this code, and some that are no events at all. And the person who
//! repairs what becomes of them.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, bail};
use async_nats::{HeaderMap, jetstream};
use chrono::Utc;
use fastrand::Rng;
use infrastructure::deadletter::{
    Action, Cursor, DeadLetter, DeadLetters, DeadLettersError, Json, Requested, Standing,
};
use kit::{EventId, Position};
use nats::{Subject, headers};
use serde::Serialize;
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long the log may be away while something is written.
const PATIENCE: Duration = Duration::from_secs(60);
/// The wait between two attempts.
const WAIT: Duration = Duration::from_millis(50);

/// An event that no handler can read.
#[derive(Debug, Clone, Serialize)]
pub struct Foreign {
    /// Whose event it is said to be, `person.<id>`.
    pub key: String,
    /// Where it stands.
    pub at: Cursor,
    /// Its id; none if the whole commit cannot be read.
    pub event: Option<EventId>,
}

/// What the strangers have written, and what is done about it.
#[derive(Debug)]
pub(super) struct Strangers {
    context: jetstream::Context,
    letters: DeadLetters,
    rng: Rng,
    foreign: Vec<Foreign>,
    people: u32,
    /// How often each dead letter was asked about.
    asked: BTreeMap<String, u32>,
}

/// One person, as the program writes it.
struct Person {
    id: String,
    version: u64,
    position: u64,
}

impl Strangers {
    pub(super) async fn open(connection: &async_nats::Client, seed: u64) -> Result<Self> {
        Ok(Self {
            context: jetstream::new(connection.clone()),
            letters: DeadLetters::open(connection).await?,
            rng: Rng::with_seed(!seed),
            foreign: Vec::new(),
            people: 0,
            asked: BTreeMap::new(),
        })
    }

    pub(super) fn written(&self) -> Vec<Foreign> {
        self.foreign.clone()
    }

    /// Writes a person with an event in the middle that nobody can read, and `behind` it.
    pub(super) async fn come(&mut self, behind: usize) -> Result<()> {
        self.people += 1;
        let mut person = Person { id: format!("x{}", self.people), version: 0, position: 0 };
        let name = json!({"given": ["Grace"], "family": ["Hopper"]});
        let created = json!({"name": name, "source": "api", "onboarding": true});
        self.write(&mut person, &[("person-created", 2, created)]).await?;
        self.contact(&mut person).await?;
        match self.rng.u8(..4) {
            0 => self.garbage(&mut person).await?,
            1 => self.newer(&mut person, 0).await?,
            _ => self.newer(&mut person, 1).await?,
        }
        for _ in 0..behind {
            self.contact(&mut person).await?;
        }
        Ok(())
    }

    async fn contact(&mut self, person: &mut Person) -> Result<()> {
        let contact = format!("c{}", person.version);
        let value = format!("{contact}-{}@example.org", person.id);
        let added = json!({"contact_id": contact, "kind": "email", "value": value});
        self.write(person, &[("contact-added", 1, added)]).await.map(drop)
    }

    /// Behind `before` events that can be read, in the same commit.
    async fn newer(&mut self, person: &mut Person, before: usize) -> Result<()> {
        let tagged = json!({"tag": format!("t{}", person.version)});
        let mut events = vec![("tagged", 1, tagged); before];
        events.push(("name-changed", 99, json!({"names": "in a new shape"})));
        let ids = self.write(person, &events).await?;
        let at = Cursor { position: Position(person.position), index: before };
        let key = format!("person.{}", person.id);
        self.foreign.push(Foreign { key, at, event: ids.get(before).copied() });
        Ok(())
    }

    async fn garbage(&mut self, person: &mut Person) -> Result<()> {
        self.publish(person, b"this is no commit".to_vec()).await?;
        let at = Cursor { position: Position(person.position), index: 0 };
        self.foreign.push(Foreign { key: format!("person.{}", person.id), at, event: None });
        Ok(())
    }

    async fn write(
        &mut self,
        person: &mut Person,
        events: &[(&str, u32, Value)],
    ) -> Result<Vec<EventId>> {
        let (mut commit, mut ids) = (Vec::new(), Vec::new());
        let command = format!("stranger-{}-{}", person.id, person.version);
        for (kind, schema, data) in events {
            person.version += 1;
            let id = Uuid::now_v7();
            ids.push(id);
            commit.push(json!({
                "specversion": "1.0",
                "id": id,
                "source": "headwater/person",
                "type": format!("person.{kind}"),
                "subject": person.id,
                "time": Utc::now().to_rfc3339(),
                "datacontenttype": "application/json",
                "schemaversion": schema,
                "sequence": format!("{:010}", person.version),
                "commandid": command,
                "commandhash": "0".repeat(32),
                "correlationid": command,
                "data": data,
            }));
        }
        self.publish(person, serde_json::to_vec(&commit)?).await?;
        Ok(ids)
    }

    /// Appends behind the last commit, once, however often the line breaks.
    async fn publish(&self, person: &mut Person, body: Vec<u8>) -> Result<()> {
        let subject = Subject::Event { aggregate: "person".to_owned(), id: person.id.parse()? };
        let subject = subject.to_string();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut map = HeaderMap::new();
            let expected = person.position.to_string();
            map.insert(headers::EXPECTED_LAST_SUBJECT_SEQUENCE, expected.as_str());
            let sent = self.context.publish_with_headers(subject.clone(), map, body.clone().into());
            let position = match sent.await {
                Ok(sent) => sent.await.ok().map(|acknowledged| acknowledged.sequence),
                Err(_) => None,
            };
            // Nobody else writes there: what stands behind the expectation is this.
            if let Some(position) = position.or(self.landed(&subject, person.position).await) {
                person.position = position;
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the log took nothing for {} s", PATIENCE.as_secs());
            }
            sleep(WAIT).await;
        }
    }

    async fn landed(&self, subject: &str, expected: u64) -> Option<u64> {
        let stream = self.context.get_stream(nats::names::EVENTS).await.ok()?;
        let last = stream.get_last_raw_message_by_subject(subject).await.ok()?;
        (last.sequence > expected).then_some(last.sequence)
    }

    /// The keys that stand still.
    pub(super) async fn standing(&self) -> Result<Vec<DeadLetter>, DeadLettersError> {
        self.letters.list(None).await
    }

    /// Asks for something about every key that stands still and about which nobody has asked.
    pub(super) async fn repair(&mut self) -> Result<(), DeadLettersError> {
        for letter in self.standing().await? {
            if letter.standing != Standing::Parked {
                continue;
            }
            let request = self.decide(&letter);
            match self.letters.request(&letter.key, letter.last, request).await {
                Ok(_) | Err(DeadLettersError::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sometimes the same once more, in vain; then other data, if there can be, or never.
    fn decide(&mut self, letter: &DeadLetter) -> Requested {
        let asked = self.asked.entry(letter.key.to_string()).or_default();
        *asked += 1;
        let readable = letter.parked.event.id.is_some();
        let (action, name) = match self.rng.u8(..4) {
            0 if *asked == 1 => (Action::Retry, None),
            1 | 2 if readable => {
                let name = json!({"given": ["Grace"], "family": ["Murray"]});
                (Action::Override, Some(json!({"use": "official", "name": name})))
            }
            _ => (Action::Discard, None),
        };
        let data = name.and_then(|name| to_raw_value(&name).ok()).map(Json);
        Requested {
            request: Uuid::now_v7(),
            action,
            event: letter.parked.event.clone(),
            schema_version: data.is_some().then_some(2),
            data,
            who: "soak".to_owned(),
            why: "it is a test".to_owned(),
            selection: None,
            time: Utc::now(),
        }
    }
}
