//! One aggregate type behind the traits that hide it. A panic in a context's rules ends here, as
//! a problem of the command that met it; the engine and the other aggregates go on.

use std::{
    io,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
};

use kit::{DomainError, EventSet};

use super::{
    Aggregate, AnyAggregate, AnyCommand, AnyState, BadCommand, Catalogue, Command, Context,
    Decided, Element, Event, Problem, RawValue, Unreadable, Untaken,
};

pub(super) struct Typed<A>(PhantomData<fn() -> A>);

impl<A> Default for Typed<A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<A: Aggregate> AnyAggregate for Typed<A> {
    fn catalogue(&self) -> Catalogue {
        Catalogue {
            aggregate: A::TYPE,
            commands: A::Command::catalogue(&A::command_examples()),
            events: <A::Event as Event>::KINDS,
        }
    }

    fn state_schema(&self) -> u32 {
        A::STATE_SCHEMA
    }

    fn is_sealed(&self) -> bool {
        !<A::Event as Event>::ERASES.is_empty()
    }

    fn read(&self, name: &str, body: &[u8]) -> Result<AnyCommand, Problem> {
        let read = unwound::<A, _>("reading a command", || A::Command::read(name, body))?;
        Ok(Box::new(read.map_err(|bad| match bad {
            BadCommand::Unknown(_) => {
                Problem::unknown_command(format!("{} has no command {name:?}", A::TYPE))
            }
            BadCommand::Body(reason) => Problem::invalid(format!("{name}: {reason}")),
        })?))
    }

    fn state(&self) -> Result<Box<dyn AnyState>, Problem> {
        Ok(Box::new(State::<A>::new(unwound::<A, _>("beginning", A::default)?)))
    }

    fn restore(&self, saved: &RawValue) -> Option<Box<dyn AnyState>> {
        let restored = unwound::<A, _>("restoring", || serde_json::from_str(saved.get()).ok());
        Some(Box::new(State::<A>::new(restored.ok()??)))
    }

    fn event_name(&self, name: &str) -> Option<&'static str> {
        <A::Event as Event>::KINDS.iter().map(|kind| kind.name).find(|known| *known == name)
    }
}

struct State<A: Aggregate> {
    state: A,
    next: Option<A>,
    decided: Vec<A::Event>,
}

impl<A: Aggregate> State<A> {
    const fn new(state: A) -> Self {
        Self { state, next: None, decided: Vec::new() }
    }
}

impl<A: Aggregate> AnyState for State<A> {
    fn decide(&mut self, command: &AnyCommand, context: &Context) -> Result<Vec<Decided>, Problem> {
        let Some(command) = command.downcast_ref::<A::Command>() else {
            return Err(broken::<A>("was given another type's command"));
        };
        let state = self.next.as_ref().unwrap_or(&self.state);
        let refused = |refusal: A::Error| Problem::refused(refusal.code(), refusal.to_string());
        self.decided =
            unwound::<A, _>("deciding", || state.decide(command, context).map_err(refused))??;
        let written = self.decided.iter().map(|event| {
            let written = unwound::<A, _>("writing", || event.written())?;
            let written = written.map_err(|_| broken::<A>("made an event without JSON form"))?;
            if <A::Event as Event>::ERASES.is_empty() && !written.personal.is_empty() {
                return Err(broken::<A>("has personal data, and no event that erases them"));
            }
            Ok(Decided { kind: event.kind(), written })
        });
        written.collect()
    }

    fn evolve(&mut self) -> Result<(), Problem> {
        let Self { state, next, decided } = self;
        unwound::<A, _>("evolving", || {
            let next = next.get_or_insert_with(|| state.clone());
            decided.drain(..).for_each(|event| next.evolve(&event));
        })
    }

    fn accept(&mut self) {
        if let Some(next) = self.next.take() {
            self.state = next;
        }
    }

    fn reject(&mut self) {
        self.next = None;
    }

    fn take(&mut self, element: &Element<'_>) -> Result<&'static str, Untaken> {
        let name = element.kind.strip_prefix(A::TYPE).and_then(|rest| rest.strip_prefix('.'));
        let name = name.ok_or_else(|| Unreadable::Unknown {
            aggregate: A::TYPE.to_owned(),
            kind: element.kind.clone().into_owned(),
        })?;
        let data = element.json(name)?.as_bytes();
        let read = || A::Event::read(A::TYPE, name, element.schema_version, data);
        let event = unwound::<A, _>("reading", read).map_err(Untaken::Broken)??;
        unwound::<A, _>("evolving", || self.state.evolve(&event)).map_err(Untaken::Broken)?;
        Ok(event.kind().name)
    }

    fn save(&self) -> Result<Box<RawValue>, Problem> {
        unwound::<A, _>("saving", || serde_json::value::to_raw_value(&self.state).ok())?
            .ok_or_else(|| broken::<A>("has a state without JSON form"))
    }

    fn bytes(&self) -> Option<usize> {
        let mut counted = Counted(0);
        let measured = unwound::<A, _>("measuring", || {
            serde_json::to_writer(&mut counted, &self.state).is_ok()
        });
        measured.ok()?.then_some(counted.0)
    }
}

/// Takes bytes and keeps their number.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unwound<A: Aggregate, T>(doing: &str, action: impl FnOnce() -> T) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(action))
        .map_err(|_| broken::<A>(&format!("panicked while {doing}")))
}

fn broken<A: Aggregate>(what: &str) -> Problem {
    Problem::internal(format!("the aggregate type {} {what}", A::TYPE))
}
