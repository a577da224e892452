//! Reading by the name of an aggregate's type: old payloads into their current shape, bodies of
//! commands; and folding into a state whose type is known.
//!
//! Not here: where a history comes from, and states whose type is not known; the archive of the
//! infrastructure has those.

use std::fmt;

use anyhow::Result;
use infrastructure::{envelope, problem::Problem, store::Commit};
use kit::{
    Aggregate, BadCommand, Command as _, Event as _, EventSet as _, Kind, Position, Unreadable,
};

type Upcast = fn(&str, u32, &[u8]) -> Result<Vec<u8>, Unreadable>;
type ReadCommand = fn(&str, &[u8]) -> Result<Vec<u8>, BadCommand>;
type ChangesNothing = fn(&[Commit], Position, (&str, &[u8]), &kit::Context) -> Result<bool>;

/// One aggregate type, with its type erased.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// The aggregate type on the wire.
    pub aggregate: &'static str,
    /// Its events with their current versions.
    pub kinds: &'static [Kind],
    /// The names of its commands.
    pub commands: &'static [&'static str],
    upcast: Upcast,
    command: ReadCommand,
    changes_nothing: ChangesNothing,
}

impl Reader {
    /// The reader of `A`.
    #[must_use]
    pub const fn of<A: Aggregate>() -> Self {
        Self {
            aggregate: A::TYPE,
            kinds: <A::Event as kit::Event>::KINDS,
            commands: <A::Command as kit::Command>::NAMES,
            upcast: upcast::<A>,
            command: command::<A>,
            changes_nothing: changes_nothing::<A>,
        }
    }

    /// Whether `command`, a name and a body, changes nothing at the end of what stood in `commits` at
    /// some time from the position `since` on.
    ///
    /// # Errors
    /// If the command or a commit cannot be read.
    pub fn changes_nothing(
        &self,
        commits: &[Commit],
        since: Position,
        command: (&str, &[u8]),
        context: &kit::Context,
    ) -> Result<bool> {
        (self.changes_nothing)(commits, since, command, context)
    }

    /// The current shape of `data`, written as version `version` of `kind`.
    ///
    /// # Errors
    /// [`Unreadable`], by what is wrong with it.
    pub fn upcast(&self, kind: &str, version: u32, data: &[u8]) -> Result<Vec<u8>, Unreadable> {
        (self.upcast)(kind, version, data)
    }

    /// The body of the command `name`, as the service would read it.
    ///
    /// # Errors
    /// [`BadCommand`], by what is wrong with it.
    pub fn command(&self, name: &str, body: &[u8]) -> Result<Vec<u8>, BadCommand> {
        (self.command)(name, body)
    }
}

/// Takes `commit` into `state`.
///
/// # Errors
/// `corrupt` with its position, if the commit cannot be read.
pub fn advance<A: Aggregate>(state: &mut A, commit: &Commit) -> Result<()> {
    let at = commit.position;
    let elements = envelope::decode(&commit.body).map_err(|error| corrupt(at, &error))?;
    for (index, element) in elements.iter().enumerate() {
        let recorded = element.record::<A::Event>(A::TYPE, at, index);
        state.evolve(&recorded.map_err(|error| corrupt(at, &error))?.event);
    }
    Ok(())
}

/// What stands at `position` cannot be read.
pub fn corrupt(position: Position, why: &dyn fmt::Display) -> Problem {
    Problem::corrupt(format!("position {position}: {why}"))
}

fn command<A: Aggregate>(name: &str, body: &[u8]) -> Result<Vec<u8>, BadCommand> {
    let command = A::Command::read(name, body)?;
    command.body().map_err(|error| BadCommand::Body(error.to_string()))
}

fn changes_nothing<A: Aggregate>(
    commits: &[Commit],
    since: Position,
    (name, body): (&str, &[u8]),
    context: &kit::Context,
) -> Result<bool> {
    let command = A::Command::read(name, body)?;
    let nothing = |state: &A| state.decide(&command, context).is_ok_and(|made| made.is_empty());
    let (mut state, mut commits) = (A::default(), commits.iter().peekable());
    while let Some(commit) = commits.next_if(|commit| commit.position < since) {
        advance(&mut state, commit)?;
    }
    while !nothing(&state) {
        let Some(commit) = commits.next() else { return Ok(false) };
        advance(&mut state, commit)?;
    }
    Ok(true)
}

fn upcast<A: Aggregate>(kind: &str, version: u32, data: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let event = A::Event::read(A::TYPE, kind, version, data)?;
    let shape = |source| Unreadable::Shape { kind: kind.to_owned(), version, source };
    event.data().map_err(|error| shape(error.into()))
}
