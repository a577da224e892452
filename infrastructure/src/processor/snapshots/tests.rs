use bytes::Bytes;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use kit::{CommandId, Event as _, Metadata, Position, Version};
use proptest::prelude::*;

use super::{restored, snapshot};
use crate::{
    aggregates::{Aggregates, AnyAggregate},
    envelope::{self, NewEvent},
    processor::load::Loaded,
    receipts::CommandKey,
    store::{Commit, StreamKey},
};

#[path = "../../../tests/it/processor/counter.rs"]
mod counter;

use counter::{Added, Counter, CounterEvent, Taken};

fn key() -> StreamKey {
    StreamKey { aggregate: "counter".into(), id: "a".parse().unwrap() }
}

fn id(command: usize) -> CommandId {
    format!("command-{command}").parse().unwrap()
}

fn metadata(command: usize) -> Metadata {
    Metadata {
        command_id: id(command),
        command_hash: String::new(),
        correlation_id: String::new(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    }
}

/// A history with one commit for each number of commands in `commits`, some events each.
fn history(commits: &[usize], newest: DateTime<Utc>, apart: TimeDelta) -> Vec<Commit> {
    let (mut version, mut command, mut written) = (Version::ZERO, 0, Vec::new());
    for (at, commands) in commits.iter().enumerate() {
        let time = newest - apart * i32::try_from(commits.len() - at).unwrap();
        let mut events = Vec::new();
        for _ in 0..*commands {
            command += 1;
            for event in [Added { by: command as u64 }.into(), Taken { by: 1 }.into()] {
                let event: CounterEvent = event;
                version = version.next();
                let new = NewEvent {
                    id: uuid::Uuid::now_v7(),
                    kind: event.kind(),
                    version,
                    time: time.trunc_subsecs(6),
                    data: event.data().unwrap(),
                };
                events.push((new, metadata(command)));
            }
        }
        let body: Bytes =
            envelope::encode(&key(), events.iter().map(|(event, metadata)| (event, metadata)))
                .unwrap();
        written.push(Commit { position: Position(10 * (at as u64 + 1)), time, body });
    }
    written
}

fn folded(mut loaded: Loaded, commits: &[Commit], now: DateTime<Utc>) -> Loaded {
    for commit in commits {
        loaded.take(&key(), commit).unwrap();
    }
    loaded.receipts.forget(now);
    loaded
}

/// What both say of a command that is in the history: its receipt, or that it must be searched.
fn same_of(whole: &Loaded, split: &Loaded, command: usize) {
    let receipt = |loaded: &Loaded| {
        let found = loaded.receipts.find(CommandKey::from(&id(command)));
        assert!(
            found.is_some() || !loaded.receipts.rules_out(&id(command), None, Position::ZERO),
            "command {command} would be carried out again"
        );
        found.and_then(|number| loaded.receipts.get(number).cloned())
    };
    if let (Some(one), Some(other)) = (receipt(whole), receipt(split)) {
        assert_eq!(one, other);
    }
}

/// A state that panics on its way to a snapshot and back.
#[derive(Debug, Clone, Default, PartialEq)]
struct Brittle;

impl serde::Serialize for Brittle {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("told to break")
    }
}

impl<'de> serde::Deserialize<'de> for Brittle {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("told to break")
    }
}

impl kit::Aggregate for Brittle {
    const TYPE: &'static str = "counter";
    const STATE_SCHEMA: u32 = 1;
    type Command = counter::CounterCommand;
    type Event = CounterEvent;
    type Error = counter::TooFew;

    fn decide(
        &self,
        _: &Self::Command,
        _: &kit::Context,
    ) -> Result<Vec<CounterEvent>, counter::TooFew> {
        Ok(Vec::new())
    }

    fn evolve(&mut self, _: &CounterEvent) {}
}

#[test]
fn a_state_that_panics_when_saved_or_restored_has_no_snapshot() {
    let aggregates = Aggregates::new().with::<Brittle>();
    let brittle: &dyn AnyAggregate = aggregates.get("counter").unwrap().kind.as_ref();
    let problem = snapshot(&Loaded::new(brittle).unwrap(), &key(), brittle).unwrap_err();
    assert_eq!(problem.code, "internal");
    let aggregates = Aggregates::new().with::<Counter>();
    let sound: &dyn AnyAggregate = aggregates.get("counter").unwrap().kind.as_ref();
    let saved = snapshot(&Loaded::new(sound).unwrap(), &key(), sound).unwrap().unwrap();
    assert!(restored(&saved, sound).is_some());
    assert!(restored(&saved, brittle).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn loading_with_and_without_a_snapshot_gives_the_same(
        commits in prop::collection::vec(1..8_usize, 1..120),
        at in any::<prop::sample::Index>(),
        seconds in 0..5_i64,
    ) {
        let aggregates = Aggregates::new().with::<Counter>();
        let kind: &dyn AnyAggregate = aggregates.get("counter").unwrap().kind.as_ref();
        let now = Utc::now();
        let history = history(&commits, now, TimeDelta::seconds(seconds));
        let (before, after) = history.split_at(at.index(history.len()));
        let whole = folded(Loaded::new(kind).unwrap(), &history, now);
        let saved = snapshot(&folded(Loaded::new(kind).unwrap(), before, now), &key(), kind).unwrap().unwrap();
        let saved = serde_json::from_slice(&serde_json::to_vec(&saved).unwrap()).unwrap();
        let split = folded(restored(&saved, kind).unwrap(), after, now);
        prop_assert_eq!((whole.version, whole.position), (split.version, split.position));
        let state = |loaded: &Loaded| loaded.state.save().unwrap().get().to_owned();
        prop_assert_eq!(state(&whole), state(&split));
        (1..=commits.iter().sum()).for_each(|command| same_of(&whole, &split, command));
    }
}
