//! The queue read from its beginning, for somebody who looks: what stands still, without bodies.

use std::collections::{BTreeMap, HashMap};

use nats::Subject;

use super::{
    super::{
        book::key_of,
        ledger::{Facts, Ledger},
        parked::{Body, Parked},
        record::Record,
    },
    Key,
};
use crate::handler::Delivery;

/// All ledgers, with the records that opened their heads.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) ledgers: BTreeMap<String, Ledger>,
    pub(super) parked: HashMap<u64, (Key, Parked)>,
}

impl Reading {
    /// What was decided about the events of one handler, by their subjects.
    pub(super) fn facts(&self, handler: &str) -> HashMap<String, Facts> {
        let keys = self.ledgers.get(handler).into_iter().flat_map(Ledger::keys);
        let facts =
            keys.filter_map(|(key, it)| Some((key.clone(), (**it.facts.as_ref()?).clone())));
        facts.collect()
    }

    pub(super) fn take(&mut self, delivery: &Delivery) {
        let sequence = delivery.position.0;
        let Ok(record) = Record::decode(&delivery.body) else {
            // It changes nothing, and a request is appended after it all the same.
            if let (Some(key), Some(event)) =
                (Key::of(&delivery.subject), key_of(&delivery.subject))
            {
                self.ledgers.entry(key.handler).or_default().pass(&event, sequence);
            }
            return;
        };
        if let Some(Subject::DeadLetterOwners { handler }) = Subject::parse(&delivery.subject) {
            if let Record::Owned(owned) = record {
                self.ledgers.entry(handler).or_default().begun(owned.epoch);
            }
            return;
        }
        let (Some(key), Some(event)) = (Key::of(&delivery.subject), key_of(&delivery.subject))
        else {
            return;
        };
        let ledger = self.ledgers.entry(key.handler.clone()).or_default();
        ledger.apply(&event, sequence, &record);
        let heads = ledger.head(&event).map(|head| head.record);
        if let Record::Parked(mut parked) = record
            && heads == Some(sequence)
        {
            let bytes = match &parked.original.body {
                Body::Text(text) => text.len(),
                Body::Base64(text) => text.len() / 4 * 3,
                Body::LeftOut(bytes) => *bytes,
            };
            parked.original.body = Body::LeftOut(bytes);
            self.parked.insert(sequence, (key, *parked));
        }
    }
}
