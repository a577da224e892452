//! The aggregate types that a service is made of, so that one engine runs all of them.
//! Not here: loading, batches, replies; the state behind `AnyState` only decides and evolves.

use std::{any::Any, collections::HashMap, fmt, sync::Arc};

use kit::{Aggregate, BadCommand, Command, CommandInfo, Context, Event, Kind, Unreadable, Written};
use serde_json::value::RawValue;

use crate::{envelope::Element, problem::Problem};

mod typed;

use typed::Typed;

/// What one aggregate type offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// The type on the wire.
    pub aggregate: &'static str,
    /// Its commands.
    pub commands: Vec<CommandInfo>,
    /// Its events and their current versions.
    pub events: &'static [Kind],
}

/// The aggregate types of a service, by their name on the wire.
#[derive(Clone, Default)]
pub struct Aggregates(HashMap<&'static str, Entry>);

/// One registered type.
#[derive(Clone)]
pub(crate) struct Entry {
    /// Its name, shared by the keys of all its instances.
    pub(crate) name: Arc<str>,
    /// What it does.
    pub(crate) kind: Arc<dyn AnyAggregate>,
}

impl Aggregates {
    /// No type yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same and `A`. Registering a type again replaces it.
    #[must_use]
    pub fn with<A: Aggregate>(mut self) -> Self {
        let entry = Entry { name: A::TYPE.into(), kind: Arc::new(Typed::<A>::default()) };
        self.0.insert(A::TYPE, entry);
        self
    }

    /// What each type offers, in the order of the names.
    #[must_use]
    pub fn catalogue(&self) -> Vec<Catalogue> {
        let mut all: Vec<_> = self.0.values().map(|entry| entry.kind.catalogue()).collect();
        all.sort_by_key(|entry| entry.aggregate);
        all
    }

    pub(crate) fn get(&self, aggregate: &str) -> Option<&Entry> {
        self.0.get(aggregate)
    }
}

impl fmt::Debug for Aggregates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.catalogue()).finish()
    }
}

/// A command that was read; only the type that read it can use it.
pub(crate) type AnyCommand = Box<dyn Any + Send>;

/// An aggregate type whose state is hidden.
pub(crate) trait AnyAggregate: Send + Sync {
    fn catalogue(&self) -> Catalogue;

    /// [`Aggregate::STATE_SCHEMA`].
    fn state_schema(&self) -> u32;

    /// Whether its events are sealed: it has personal data, which can be erased.
    fn is_sealed(&self) -> bool;

    fn read(&self, name: &str, body: &[u8]) -> Result<AnyCommand, Problem>;

    /// The state before the first event.
    fn state(&self) -> Result<Box<dyn AnyState>, Problem>;

    /// The state that [`AnyState::save`] wrote; none, if it cannot be read.
    fn restore(&self, saved: &RawValue) -> Option<Box<dyn AnyState>>;

    /// The event name that lives as long as the program, if there is such an event.
    fn event_name(&self, name: &str) -> Option<&'static str>;
}

/// An event that was decided and not yet written.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) kind: Kind,
    pub(crate) written: Written,
}

/// The state of one aggregate: as the log has it and, while commands are decided together, as it
/// would be after them.
pub(crate) trait AnyState: Send {
    /// What follows from `command`. The events wait for [`Self::evolve`] or the next decision.
    fn decide(&mut self, command: &AnyCommand, context: &Context) -> Result<Vec<Decided>, Problem>;

    /// Takes the events of the last decision into the state that comes next.
    fn evolve(&mut self) -> Result<(), Problem>;

    /// What comes next is now so.
    fn accept(&mut self);

    /// What was to come next did not come.
    fn reject(&mut self);

    /// Takes an event of the log in and returns its name.
    fn take(&mut self, element: &Element<'_>) -> Result<&'static str, Untaken>;

    fn save(&self) -> Result<Box<RawValue>, Problem>;

    /// The bytes of the state as JSON; none, if it has no such form.
    fn bytes(&self) -> Option<usize>;
}

/// Why an event of the log was not taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untaken {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The domain's code panicked.
    #[error("{0}")]
    Broken(Problem),
}
