//! The style of tables, its types erased: an event becomes steps, checked against what the
//! projection declares; a query becomes a page of rows.
//! Not here: what is the same for every style: checkpoints, generations, what is owed, waiting.

mod admission;
mod check;
#[cfg(test)]
mod cut_tests;
mod making;
mod names;
mod pages;
mod pending;
mod select;
mod text;
mod write;

use std::marker::PhantomData;

use kit::{
    EventSet as _, TableProjection,
    tables::{Query, Statement, Table, Type, View},
};

use self::admission::{Step, admit};
use super::{AnyProjection, Rows, Touch, sql::Storage};
use crate::handler::{Failure, Source, guarded};

pub(super) use self::{
    admission::cell,
    making::{create, drop_tables, fit},
    names::name,
    pages::{PAGE, rows_after},
    select::{Page, Part, RowQuery, order, place_of},
    text::expand,
    write::write,
};

/// What a projection declares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    pub(super) tables: &'static [Table],
    pub(super) views: &'static [View],
    pub(super) statements: &'static [Statement],
    pub(super) queries: &'static [Query],
}

impl Declared {
    /// What may be asked.
    pub(crate) const fn queries(&self) -> &'static [Query] {
        self.queries
    }
}

/// A [`TableProjection`] as any projection.
pub(crate) struct Tabled<T>(PhantomData<T>);

impl<T: TableProjection> Tabled<T> {
    const DECLARED: Declared = Declared {
        tables: T::TABLES,
        views: T::VIEWS,
        statements: T::STATEMENTS,
        queries: T::QUERIES,
    };

    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: TableProjection> AnyProjection for Tabled<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn version(&self) -> u32 {
        T::VERSION
    }

    fn aggregates(&self) -> Vec<&'static str> {
        T::When::aggregates()
    }

    fn check(&self) -> Result<(), String> {
        Self::DECLARED.check(T::NAME)
    }

    fn touch(&self, source: &Source<'_>) -> Result<Option<Touch>, Failure> {
        let event = source.record::<T::When>()?;
        let changes = guarded(|| {
            T::changes(&event)
                .map_err(|error| Failure::Bug(format!("a value has no JSON form: {error}")))
        })?;
        let steps = changes.into_iter().map(|change| admit(&Self::DECLARED, change));
        let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
        if steps.is_empty() {
            return Ok(None);
        }
        let (position, index) = (source.position, source.index);
        let key = event.aggregate_id.to_string();
        Ok(Some(Touch { key, position, index, event: Box::new(steps) }))
    }

    fn rows(&self) -> Rows<'_> {
        Rows::Tables(Self::DECLARED)
    }
}

impl Declared {
    /// By which names other programs know what is declared.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let views = self.views.iter().map(|view| view.name);
        self.tables.iter().map(|table| table.name).chain(views)
    }
}

/// How the databases hold what is of a type.
pub(super) const fn storage(of: Type) -> Storage {
    match of {
        Type::Int | Type::Time => Storage::Int,
        Type::Float => Storage::Float,
        Type::Bool => Storage::Bool,
        Type::Text | Type::Date | Type::Json | Type::Decimal => Storage::Text,
    }
}

/// The columns that are named, in that order; the names are checked when the composition starts.
fn places(table: &Table, names: &[&str]) -> Vec<usize> {
    let place = |name: &&str| table.columns.iter().position(|column| column.name == *name);
    names.iter().filter_map(place).collect()
}
