//! The log that handlers catch up with: people who live through every event a person can have, one
//! event a commit, again and again. Whose turn it is, is random and the same in every run.

use anyhow::{Context as _, Result};
use async_nats::HeaderMap;
use async_nats::Message;
use chrono::Utc;
use domain::person::{Person, PersonEvent, examples};
use infrastructure::{
    envelope::{self, NewEvent},
    readmodel::yardstick::Row,
    store::StreamKey,
};
use kit::{Aggregate as _, Event as _, Position, Projection as _, Recorded, Version};
use nats::{Subject, headers};
use projections::{People, people::PersonView};
use uuid::Uuid;

use crate::bench::{
    load::{Request, Work},
    work,
};

/// Seed of whose turn it is.
const SEED: u64 = 3;

/// One person.
struct Life {
    key: StreamKey,
    lived: usize,
    view: PersonView,
}

/// People who live, as appends to the log.
pub(super) struct Lives {
    people: Vec<Life>,
    events: Vec<(PersonEvent, Vec<u8>)>,
    turns: fastrand::Rng,
    /// Events so far, which are the positions of their commits.
    position: u64,
    keep_every: u64,
    /// The document after every so many events.
    pub(super) rows: Vec<Row>,
}

impl Lives {
    /// `people` who have not lived yet. Of every `keep_every` events one leaves a row.
    pub(super) fn new(people: usize, keep_every: u64) -> Result<Self> {
        let life = |number: usize| -> Result<Life> {
            let key = StreamKey {
                aggregate: Person::TYPE.into(),
                id: format!("person-{number}").parse()?,
            };
            Ok(Life { key, lived: 0, view: PersonView::default() })
        };
        let events = examples::events().into_iter().map(|event| {
            let data = event.data()?;
            Ok((event, data))
        });
        Ok(Self {
            people: (0..people).map(life).collect::<Result<_>>()?,
            events: events.collect::<Result<_>>()?,
            turns: fastrand::Rng::with_seed(SEED),
            position: 0,
            keep_every: keep_every.max(1),
            rows: Vec::new(),
        })
    }

    fn live(&mut self) -> Result<Request> {
        let turn = self.turns.usize(..self.people.len());
        let life = self.people.get_mut(turn).context("nobody lives")?;
        let (event, data) = &self.events[life.lived % self.events.len()];
        life.lived += 1;
        self.position += 1;
        let metadata = work::metadata("live", data);
        let new = NewEvent {
            id: Uuid::now_v7(),
            kind: event.kind(),
            version: Version(life.lived as u64),
            time: Utc::now(),
            data: data.clone(),
        };
        let body = envelope::encode(&life.key, [(&new, &metadata)])?;
        let recorded = Recorded {
            id: new.id,
            aggregate: life.key.aggregate.to_string(),
            aggregate_id: life.key.id.clone(),
            version: new.version,
            position: Position(self.position),
            index: 0,
            time: new.time,
            metadata,
            event: event.clone(),
        };
        People::fold(&mut life.view, &recorded);
        if self.position.is_multiple_of(self.keep_every) {
            self.rows.push(Row {
                key: life.key.id.to_string(),
                position: self.position,
                document: serde_json::to_string(&life.view)?,
            });
        }
        let mut map = HeaderMap::new();
        map.insert(headers::CONTENT_TYPE, headers::CLOUDEVENTS_BATCH);
        let subject = Subject::event(&life.key.aggregate, &life.key.id).into();
        Ok(Request { subject, headers: map, body })
    }
}

impl Work for Lives {
    fn next(&mut self, _: usize) -> Result<Request> {
        self.live()
    }

    fn answered(&mut self, _: usize, answer: &Message) -> Result<()> {
        work::acknowledged(answer).map(|_| ())
    }
}
