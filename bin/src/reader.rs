//! Reading an aggregate's history by the name of its type: folding it into a state, bringing old
//! payloads into their current shape, checking bodies of commands.
//! Not here: where the history comes from.

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use infrastructure::{
    envelope::{self, Element},
    store::Commit,
};
use kit::{
    Aggregate, BadCommand, Command as _, Event as _, EventSet as _, Kind, Position, Unreadable,
    Version,
};
use serde::Serialize;
use serde_json::Value;

/// Up to where a history is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The whole of it.
    Now,
    /// Including the event with this version.
    Version(Version),
    /// Including everything decided by then.
    Time(DateTime<Utc>),
}

impl Until {
    fn includes(self, element: &Element<'_>) -> bool {
        match self {
            Self::Now => true,
            Self::Version(version) => element.version <= version,
            Self::Time(time) => element.time <= time,
        }
    }
}

/// What a history adds up to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Folded {
    /// How many events were folded: the version of the last one.
    pub version: Version,
    /// When the last one was decided.
    pub time: Option<DateTime<Utc>>,
    /// When the first event of the history was decided, folded or not.
    #[serde(skip)]
    pub begun: Option<DateTime<Utc>>,
    /// The state.
    pub state: Value,
}

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
    fold: fn(Until) -> Box<dyn Fold>,
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
            fold: |until| Box::new(Folding::<A>::new(until)),
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

    /// Begins to fold a history as far as `until`.
    #[must_use]
    pub fn fold(&self, until: Until) -> Box<dyn Fold> {
        (self.fold)(until)
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

/// Takes `commit` into `state`, and says where its last event stands.
///
/// # Errors
/// If the commit cannot be read; the message names its position.
pub fn advance<A: Aggregate>(
    state: &mut A,
    commit: &Commit,
    until: Until,
) -> Result<Option<(Version, DateTime<Utc>)>> {
    let at = || format!("the commit at position {} cannot be read", commit.position);
    let mut last = None;
    for (index, element) in envelope::decode(&commit.body).with_context(at)?.iter().enumerate() {
        if until.includes(element) {
            let recorded = element.record::<A::Event>(A::TYPE, commit.position, index);
            state.evolve(&recorded.with_context(at)?.event);
            last = Some((element.version, element.time));
        }
    }
    Ok(last)
}

/// A history as it is folded, one commit after the other.
pub trait Fold: Send {
    /// Takes the next commit.
    ///
    /// # Errors
    /// If it cannot be read; the message names its position.
    fn take(&mut self, commit: &Commit) -> Result<()>;

    /// What it adds up to so far.
    ///
    /// # Errors
    /// If the state is no JSON.
    fn end(&self) -> Result<Folded>;
}

struct Folding<A> {
    until: Until,
    begun: Option<DateTime<Utc>>,
    last: Option<(Version, DateTime<Utc>)>,
    state: A,
}

impl<A: Aggregate> Folding<A> {
    fn new(until: Until) -> Self {
        Self { until, begun: None, last: None, state: A::default() }
    }
}

impl<A: Aggregate> Fold for Folding<A> {
    fn take(&mut self, commit: &Commit) -> Result<()> {
        if self.begun.is_none() {
            let first = envelope::decode(&commit.body).ok();
            self.begun = first.and_then(|elements| elements.first().map(|element| element.time));
        }
        self.last = advance(&mut self.state, commit, self.until)?.or(self.last);
        Ok(())
    }

    fn end(&self) -> Result<Folded> {
        let (version, time) = self.last.unzip();
        let version = version.unwrap_or(Version::ZERO);
        Ok(Folded { version, time, begun: self.begun, state: serde_json::to_value(&self.state)? })
    }
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
        advance(&mut state, commit, Until::Now)?;
    }
    while !nothing(&state) {
        let Some(commit) = commits.next() else { return Ok(false) };
        advance(&mut state, commit, Until::Now)?;
    }
    Ok(true)
}

fn upcast<A: Aggregate>(kind: &str, version: u32, data: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let event = A::Event::read(A::TYPE, kind, version, data)?;
    let shape = |source| Unreadable::Shape { kind: kind.to_owned(), version, source };
    event.data().map_err(|error| shape(error.into()))
}
