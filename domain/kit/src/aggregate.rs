//! The contract of an aggregate: decide purely, evolve totally.
//! Not here: loading, appending, retrying.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Chart, Command, Context, Event};

/// Why a command is refused: data with a stable code, for the caller to act on.
pub trait DomainError: std::error::Error + Clone + PartialEq + Send + Sync + 'static {
    /// The code on the wire, in kebab case, never changed.
    fn code(&self) -> &'static str;
}

/// One consistency boundary: state that follows from events, and rules that make events.
pub trait Aggregate:
    Default + Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The aggregate's type on the wire, in kebab case.
    const TYPE: &'static str;
    /// Number of the state's shape; raise it when the shape changes, and old snapshots are ignored.
    const STATE_SCHEMA: u32;
    /// What may be asked.
    type Command: Command;
    /// What can have happened.
    type Event: Event;
    /// Why not.
    type Error: DomainError;

    /// What follows from `command`: no event if it is already so.
    ///
    /// # Errors
    /// The domain's refusal, if it may not be.
    fn decide(
        &self,
        command: &Self::Command,
        context: &Context,
    ) -> Result<Vec<Self::Event>, Self::Error>;

    /// Takes `event` in. Total: an event that does not fit leaves the state as it is.
    fn evolve(&mut self, event: &Self::Event);

    /// One sample of every command, for whoever looks for a body to start from.
    #[must_use]
    fn command_examples() -> Vec<Self::Command> {
        Vec::new()
    }

    /// The charts of the machines inside, for people.
    #[must_use]
    fn charts() -> Vec<Chart> {
        Vec::new()
    }
}
