//! Given what has happened, when this is asked, then that follows: domain tests as sentences.
//!
//! Every step also checks that replayed events equal the state and that asking the same thing
//! again yields nothing. Not here: IO; a scenario runs in memory.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    Actor, Aggregate, AggregateId, Context, Event, Kind, Metadata, Position, Recorded, Secret,
    Version, Written,
};

/// The time at which scenarios happen unless they say otherwise: 2026-01-02 03:04:05 UTC.
#[must_use]
pub fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_323_045, 0).unwrap_or_default()
}

/// The secret that scenarios use.
#[must_use]
pub const fn secret() -> Secret {
    Secret::new([7; 32])
}

/// A context for the command numbered `ordinal`, at `now`, for the aggregate `id("self")`.
#[must_use]
pub fn context(now: DateTime<Utc>, ordinal: u64) -> Context {
    let command = Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | ordinal);
    Context::new(now, Actor::default(), command.into(), secret()).about(id("self"))
}

/// An id for scenarios, such as `id("ada")`.
#[must_use]
pub fn id(text: &str) -> AggregateId {
    text.parse().unwrap_or_else(|_| Uuid::nil().into())
}

/// `event` as the log would hold it: version `version` of `id`, a minute after the one before,
/// decided by one command and alone in its commit.
#[must_use]
pub fn recorded<E: Event>(id: &AggregateId, version: u64, event: E) -> Recorded<E> {
    let event_id =
        Uuid::new_v5(&Uuid::nil(), format!("{}.{id}:{version}", E::AGGREGATE).as_bytes());
    let minutes = TimeDelta::minutes(i64::try_from(version).unwrap_or_default());
    Recorded {
        id: event_id,
        aggregate: E::AGGREGATE.to_owned(),
        aggregate_id: id.clone(),
        version: Version(version),
        position: Position(version),
        index: 0,
        time: noon() + minutes,
        metadata: Metadata {
            command_id: event_id.into(),
            command_hash: String::new(),
            correlation_id: event_id.to_string(),
            causation_id: None,
            user_id: None,
            session_id: None,
            request_id: None,
            hops: 0,
            traceparent: None,
        },
        event,
    }
}

/// An aggregate with a past.
#[derive(Debug, Clone)]
pub struct Given<A: Aggregate> {
    state: A,
    past: Vec<A::Event>,
    now: DateTime<Utc>,
    actor: Actor,
}

/// Starts a scenario from events that have happened.
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let past: Vec<_> = events.into_iter().collect();
    Given { state: fold(&past), past, now: noon(), actor: Actor::default() }
}

/// Starts a scenario in which nothing has happened yet.
#[must_use]
pub fn given_nothing<A: Aggregate>() -> Given<A> {
    given([])
}

/// The state that `events` lead to.
pub fn fold<'a, A: Aggregate>(events: impl IntoIterator<Item = &'a A::Event>) -> A {
    let mut state = A::default();
    for event in events {
        state.evolve(event);
    }
    state
}

impl<A: Aggregate> Given<A> {
    /// Moves the clock.
    #[must_use]
    pub const fn at(mut self, now: DateTime<Utc>) -> Self {
        self.now = now;
        self
    }

    /// Names the user who asks.
    #[must_use]
    pub fn by(mut self, user: &str) -> Self {
        self.actor = Actor { user: Some(user.to_owned()) };
        self
    }

    /// The state so far.
    #[must_use]
    pub const fn state(&self) -> &A {
        &self.state
    }

    /// Asks for `command`.
    #[track_caller]
    #[must_use]
    pub fn when(self, command: impl Into<A::Command>) -> When<A> {
        let command = command.into();
        let decided = self.state.decide(&command, &self.context());
        assert_eq!(
            decided,
            self.state.decide(&command, &self.context()),
            "deciding twice from one state must agree"
        );
        When { given: self, command, decided }
    }

    /// The context of the next command.
    #[must_use]
    pub fn context(&self) -> Context {
        let mut context = context(self.now, self.past.len() as u64);
        context.actor = self.actor.clone();
        context
    }
}

/// A decision to look at.
#[derive(Debug, Clone)]
pub struct When<A: Aggregate> {
    given: Given<A>,
    command: A::Command,
    decided: Result<Vec<A::Event>, A::Error>,
}

impl<A: Aggregate> When<A> {
    /// These events follow. The same command again yields nothing or is refused.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = A::Event>) -> Given<A> {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.decided.as_ref(), Ok(&expected), "{:?}", self.command);
        let command = self.command.clone();
        let next = self.happened(expected);
        let again = next.state.decide(&command, &next.context());
        assert!(
            again.as_ref().map_or(true, Vec::is_empty),
            "{command:?} asked again yields {again:?}"
        );
        next
    }

    /// These events follow, and would again: for commands that count, such as a wrong code.
    #[track_caller]
    pub fn then_each_time(self, expected: impl IntoIterator<Item = A::Event>) -> Given<A> {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.decided.as_ref(), Ok(&expected), "{:?}", self.command);
        self.happened(expected)
    }

    /// It is already so: no event.
    #[track_caller]
    pub fn then_unchanged(self) -> Given<A> {
        assert_eq!(self.decided.as_ref(), Ok(&Vec::new()), "{:?}", self.command);
        self.given
    }

    /// It is refused.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "reads as a sentence: then_refused(error)")]
    pub fn then_refused(self, error: A::Error) -> Given<A> {
        assert_eq!(self.decided.as_ref(), Err(&error), "{:?}", self.command);
        self.given
    }

    /// The decision itself.
    pub const fn decided(&self) -> &Result<Vec<A::Event>, A::Error> {
        &self.decided
    }

    #[track_caller]
    fn happened(self, events: Vec<A::Event>) -> Given<A> {
        let Given { mut state, mut past, now, actor } = self.given;
        for event in &events {
            state.evolve(event);
        }
        past.extend(events);
        assert_eq!(fold::<A>(&reread(&past)), state, "replayed events must equal the state");
        Given { state, past, now, actor }
    }
}

/// The events as they come back from their wire form.
#[track_caller]
fn reread<E: Event>(events: &[E]) -> Vec<E> {
    let wire = |event: &E| {
        let data = event.data().map_err(|error| error.to_string())?;
        let kind = event.kind();
        E::read(E::AGGREGATE, kind.name, kind.version, &data).map_err(|error| error.to_string())
    };
    let read: Result<Vec<_>, _> = events.iter().map(wire).collect();
    assert!(read.is_ok(), "what is written must be readable: {read:?}");
    events.iter().for_each(|event| drop(erased(event)));
    read.unwrap_or_default()
}

/// `event` as it is read once the personal data in it is erased. Whatever is personal must be
/// readable then, and its aggregate must have an event that erases it.
#[track_caller]
pub fn erased<E: Event>(event: &E) -> E {
    let without = || {
        let Written { data, personal } = event.written()?;
        let mut data: Map<String, Value> = serde_json::from_slice(&data)?;
        data.extend(personal.iter().map(|field| (field.clone(), Value::Null)));
        Ok::<_, serde_json::Error>((personal.is_empty(), serde_json::to_vec(&data)?))
    };
    let (Kind { name, version }, without) = (event.kind(), without());
    assert!(without.is_ok(), "{name} must be written: {without:?}");
    let (nothing, data) = without.unwrap_or_default();
    if nothing {
        return event.clone();
    }
    assert!(
        !E::ERASES.is_empty(),
        "{name} is personal, and no event of {} erases it",
        E::AGGREGATE
    );
    let read = E::read(E::AGGREGATE, name, version, &data);
    assert!(read.is_ok(), "{name} must be readable once it is erased: {read:?}");
    read.unwrap_or_else(|_| event.clone())
}
