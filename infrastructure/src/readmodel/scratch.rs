//! Documents folded from the log into a file of their own, beside everything that runs: to look at
//! them, or to compare them with. Not here: what is read, and why.

mod rows;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::Path,
    slice,
    sync::Arc,
};

use kit::{EventId, Position};

use super::{
    AnyProjection, Rows,
    batch::{ApplyError, Payment},
    generation::Generation,
    reading::{Fault, Known, Reader, Reading},
    store::Store,
    stretches,
    succession::TakeOverError,
    tables::Declared,
};
use crate::{
    deadletter::{Cursor, Facts},
    envelope,
    handler::{Delivery, EventMeter},
    problem::Problem,
};

pub use self::rows::{RowsPlace, ShownRow};

/// An event that cannot be folded. What follows of its aggregate is left out, too.
#[derive(Debug, Clone)]
pub(crate) struct Unfit {
    pub(crate) at: Cursor,
    /// The event and its full type; none if the whole commit cannot be read.
    pub(crate) event: Option<EventId>,
    pub(crate) kind: Option<String>,
    pub(crate) subject: String,
    pub(crate) reason: String,
}

impl Unfit {
    fn of(Fault { at, whole, failure }: Fault, commit: &Delivery) -> Self {
        let elements = if whole { None } else { envelope::decode(&commit.body).ok() };
        let element = elements.as_ref().and_then(|elements| elements.get(at.index));
        Self {
            at,
            event: element.map(|element| element.id),
            kind: element.map(|element| element.kind.to_string()),
            subject: commit.subject.clone(),
            reason: failure.to_string(),
        }
    }
}

/// Rows in a file of their own, and what they are folded by.
pub(crate) struct Scratch {
    store: Store,
    generation: Generation,
    projection: Arc<dyn AnyProjection>,
    /// What was decided about events, by their subjects.
    pub(crate) facts: HashMap<String, Arc<Facts>>,
    /// Events that the rows are to be without, by the first of each subject.
    pub(crate) waiting: BTreeMap<String, Cursor>,
    /// Those that could not be folded, likewise.
    unfit: BTreeMap<String, Cursor>,
    /// The only event type that is folded, if not all are.
    kind: Option<String>,
    meter: EventMeter,
}

impl Scratch {
    /// Rows of `projection` in `file`, as far as they were folded before.
    pub(crate) async fn open(
        file: &Path,
        projection: Arc<dyn AnyProjection>,
        kind: Option<String>,
    ) -> Result<Self, Problem> {
        let store = Store::open(&file.into()).await.map_err(|error| away(&error))?;
        let begun = store.take_over(&*projection, 1, Position(u64::MAX >> 1)).await;
        let (holder, lineage) = begun.map_err(|error| match error {
            TakeOverError::Sql(error) => away(&error),
            error => Problem::conflict(format!("{}: {error}", file.display())),
        })?;
        let row = lineage.current_row().copied().ok_or_else(|| away(&sqlx::Error::RowNotFound))?;
        if row.version != projection.version() {
            let (name, version) = (projection.name(), row.version);
            let detail = format!("{} holds {name} of version {version}", file.display());
            return Err(Problem::conflict(detail));
        }
        let generation = holder.generation(row.generation, row.position);
        let debts = store.debts(&generation).await.map_err(|error| away(&error))?;
        let unfit = debts.into_iter().map(|debt| (debt.subject, debt.from)).collect();
        let (facts, waiting) = (HashMap::new(), BTreeMap::new());
        let meter = EventMeter::new(projection.name());
        Ok(Self { store, generation, projection, facts, waiting, unfit, kind, meter })
    }

    /// Everything up to here is in the rows.
    pub(crate) const fn position(&self) -> Position {
        self.generation.position
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// What the projection declares, if it keeps tables.
    pub(super) fn declared(&self) -> Option<Declared> {
        match self.projection.rows() {
            Rows::Documents(_) => None,
            Rows::Tables(declared) => Some(declared),
        }
    }

    pub(super) const fn generation(&self) -> &Generation {
        &self.generation
    }

    /// Events that are in the rows.
    pub(crate) async fn events(&self) -> Result<u64, Problem> {
        let counted = stretches::events(&self.store, &self.generation).await;
        counted.map_err(|error| away(&error))
    }

    /// Lets go of the file.
    pub(crate) async fn close(self) {
        self.store.close().await;
    }

    /// Whether an event of `subject` could not be folded.
    pub(super) fn is_unfit(&self, subject: &str) -> bool {
        self.unfit.contains_key(subject)
    }

    /// Folds `commits`, everything up to `to`; the events that cannot be folded.
    pub(crate) async fn fold(
        &mut self,
        mut commits: VecDeque<Delivery>,
        to: Position,
    ) -> Result<Vec<Unfit>, Problem> {
        let mut unfit = Vec::new();
        loop {
            let mut reading = self.reader().read(commits.iter().map(|commit| (commit, None)), to);
            if let Some(fault) = self.apply(&mut reading).await? {
                reading.fault = Some(fault);
            }
            commits.retain(|delivery| delivery.position > reading.to);
            let Some(fault) = reading.fault else { return Ok(unfit) };
            let found = commits.iter().find(|commit| commit.position == fault.at.position);
            let Some(commit) = found else { return Ok(unfit) };
            self.unfit.insert(commit.subject.clone(), fault.at);
            unfit.push(Unfit::of(fault, commit));
        }
    }

    /// Folds the events of `subject` in `commits` from `from` up to `to`, which were left out when
    /// others were folded. The first that cannot be folded, if any.
    pub(super) async fn make_good(
        &mut self,
        subject: &str,
        commits: &VecDeque<Delivery>,
        (from, to): (Cursor, Cursor),
    ) -> Result<Option<Unfit>, Problem> {
        let mut reading = self.reader().owed(commits);
        loop {
            let to = reading.fault.as_ref().map_or(to, |fault| fault.at.min(to));
            let owing = [(self.generation.clone(), from)];
            let (touches, marks) = (&reading.touches, &reading.marks);
            let payment = Payment { subject, touches, marks, to };
            match self.store.make_good(&owing, &*self.projection, &payment).await {
                Ok(()) => break,
                Err(error) => reading.fault = Some(fault_of(error)?),
            }
        }
        let Some(fault) = reading.fault.filter(|fault| fault.at < to) else { return Ok(None) };
        self.unfit.insert(subject.to_owned(), fault.at);
        let commit = commits.iter().find(|commit| commit.position == fault.at.position);
        Ok(commit.map(|commit| Unfit::of(fault, commit)))
    }

    fn reader(&self) -> Reader<'_> {
        Reader { projection: &*self.projection, known: self, meter: &self.meter }
    }

    async fn apply(&mut self, reading: &mut Reading) -> Result<Option<Fault>, Problem> {
        let mut found = None;
        while self.generation.position < reading.to {
            let read = (&*reading.touches, &*reading.passed, &*reading.marks);
            let (generations, projection) =
                (slice::from_mut(&mut self.generation), &self.projection);
            let applied = self.store.apply(generations, &**projection, read, reading.to).await;
            let Err(error) = applied else { break };
            let fault = fault_of(error)?;
            reading.cut(fault.at.position);
            found = Some(fault);
        }
        Ok(found)
    }
}

impl Known for Scratch {
    fn waits_from(&self, subject: &str) -> Option<Cursor> {
        let (waiting, unfit) = (self.waiting.get(subject), self.unfit.get(subject));
        waiting.into_iter().chain(unfit).min().copied()
    }

    fn facts(&self, subject: &str) -> Option<Arc<Facts>> {
        self.facts.get(subject).cloned()
    }

    fn is_wanted(&self, kind: &str) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
    }
}

fn fault_of(error: ApplyError) -> Result<Fault, Problem> {
    match error {
        ApplyError::Event { position, index, failure } => {
            Ok(Fault { at: Cursor { position, index }, whole: false, failure })
        }
        ApplyError::Fenced => {
            Err(Problem::conflict("another process writes the same scratch file"))
        }
        ApplyError::Sql(error) => Err(away(&error)),
    }
}

fn away(error: &sqlx::Error) -> Problem {
    Problem::unavailable(format!("the scratch file cannot be used: {error}"))
}
