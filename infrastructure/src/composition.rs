//! Everything a service is made of, with the types erased: aggregates, policies, effects and
//! projections. Not here: any particular one; the binary lists them.

mod info;
mod part;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use kit::{Aggregate, BatchEffect, Chart, Effect, Event, Policy, Projection, TableProjection};

pub use self::info::{CompositionError, HandlerInfo, HandlerKind, ProjectionInfo, ProjectionStyle};
pub(crate) use self::part::HandlerPart;
use crate::{
    aggregates::Aggregates,
    handler::Batching,
    readmodel::{Rows, Tabled},
    sealing::{DestroyKeys, Keys},
};

#[derive(Clone)]
struct AggregatePart {
    name: &'static str,
    charts: fn() -> Vec<Chart>,
    register: fn(Aggregates) -> Aggregates,
}

/// The parts of a service.
#[derive(Clone, Default)]
pub struct Composition {
    aggregates: Vec<AggregatePart>,
    handlers: Vec<HandlerPart>,
    /// Aggregate types with the events that erase their personal data.
    erasing: Vec<(&'static str, &'static [&'static str])>,
    /// What destroys keys, if there is anything to erase.
    destroyer: Option<HandlerPart>,
    keys: Option<Keys>,
}

impl Composition {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an aggregate.
    #[must_use]
    pub fn aggregate<A: Aggregate>(mut self) -> Self {
        self.aggregates.push(AggregatePart {
            name: A::TYPE,
            charts: A::charts,
            register: Aggregates::with::<A>,
        });
        let erases = <A::Event as Event>::ERASES;
        if !erases.is_empty() {
            self.erasing.push((A::TYPE, erases));
            self.destroys_keys();
        }
        self
    }

    /// The same, with what is sealed in its events opened by `keys`, and keys destroyed there.
    #[must_use]
    pub fn opening(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        self.destroys_keys();
        self
    }

    /// What opens what is sealed in its events.
    pub(crate) const fn keys(&self) -> Option<&Keys> {
        self.keys.as_ref()
    }

    /// Has the keys of aggregates destroyed whose personal data are erased.
    fn destroys_keys(&mut self) {
        if self.erasing.is_empty() {
            return;
        }
        let effect = DestroyKeys::new(self.keys.clone(), self.erasing.clone());
        self.destroyer = Some(HandlerPart::Effect(Arc::new(effect)));
    }

    /// Adds a policy.
    #[must_use]
    pub fn policy<P: Policy>(mut self, policy: P) -> Self {
        self.handlers.push(HandlerPart::Policy(Arc::new(policy)));
        self
    }

    /// Adds an effect.
    #[must_use]
    pub fn effect<E: Effect>(mut self, effect: E) -> Self {
        self.handlers.push(HandlerPart::Effect(Arc::new(effect)));
        self
    }

    /// Adds an effect that handles many events at a time.
    #[must_use]
    pub fn batch_effect<E: BatchEffect>(mut self, effect: E) -> Self {
        self.handlers.push(HandlerPart::Batch(Arc::new(Batching(Arc::new(effect)))));
        self
    }

    /// Adds a projection into tables.
    #[must_use]
    pub fn tables<P: TableProjection>(mut self, _: P) -> Self {
        self.handlers.push(HandlerPart::Projection(Arc::new(Tabled::<P>::new())));
        self
    }

    /// Adds a projection into documents.
    #[must_use]
    pub fn projection<P: Projection>(mut self, projection: P) -> Self {
        self.handlers.push(HandlerPart::Projection(Arc::new(projection)));
        self
    }

    /// The aggregates, as the command processor takes them.
    #[must_use]
    pub fn aggregates(&self) -> Aggregates {
        self.aggregates.iter().fold(Aggregates::new(), |all, part| (part.register)(all))
    }

    /// The charts of every aggregate's machines.
    #[must_use]
    pub fn charts(&self) -> Vec<(&'static str, Vec<Chart>)> {
        self.aggregates.iter().map(|part| (part.name, (part.charts)())).collect()
    }

    /// Every handler, in the order they were added, and what destroys keys behind them.
    #[must_use]
    pub fn handlers(&self) -> Vec<HandlerInfo> {
        self.parts().map(HandlerPart::info).collect()
    }

    /// Every projection, in the order they were added.
    #[must_use]
    pub fn projections(&self) -> Vec<ProjectionInfo> {
        let projection = |part: &HandlerPart| match part {
            HandlerPart::Projection(part) => {
                let style = match part.rows() {
                    Rows::Documents(documents) => ProjectionStyle::Documents {
                        fields: documents.fields(),
                        schema: documents.schema(),
                    },
                    Rows::Tables(declared) => {
                        ProjectionStyle::Tables { queries: declared.queries() }
                    }
                };
                Some(ProjectionInfo { name: part.name(), style })
            }
            HandlerPart::Policy(_) | HandlerPart::Effect(_) | HandlerPart::Batch(_) => None,
        };
        self.handlers.iter().filter_map(projection).collect()
    }

    /// The handlers that read events of `aggregate`.
    #[must_use]
    pub fn readers_of(&self, aggregate: &str) -> Vec<HandlerInfo> {
        let reads = |part: &&HandlerPart| part.aggregates().contains(&aggregate);
        self.parts().filter(reads).map(HandlerPart::info).collect()
    }

    /// Every handler: those that were added, and what destroys keys.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &HandlerPart> {
        self.handlers.iter().chain(&self.destroyer)
    }

    /// Checks what the types cannot: that names are unique and fit a subject, that handlers read
    /// aggregates of this service, and that tables and queries are declared well.
    ///
    /// # Errors
    /// The first [`CompositionError`] found.
    pub fn check(&self) -> Result<(), CompositionError> {
        // `query.commands.…` is the service's own, the key `store` is beside the handlers', and
        // the timers have a lease beside theirs.
        let mut handlers = BTreeSet::from(["commands", "handlers", "store", "timers"]);
        let (mut aggregates, mut tables) = (BTreeSet::new(), BTreeMap::new());
        for part in &self.aggregates {
            named(part.name, &mut aggregates)?;
        }
        for part in self.parts() {
            let handler = part.info().name;
            named(handler, &mut handlers)?;
            let unlisted = part.aggregates().into_iter().find(|read| !aggregates.contains(read));
            if let Some(aggregate) = unlisted {
                return Err(CompositionError::Aggregate { handler, aggregate });
            }
            if let HandlerPart::Projection(part) = part {
                let declared = |why| CompositionError::Declared { projection: part.name(), why };
                part.check().map_err(declared)?;
                for table in part.names() {
                    if let Some(other) = tables.insert(table, part.name()) {
                        let why = format!("table {table}: {other} has one of that name");
                        return Err(declared(why));
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Composition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let aggregates: Vec<_> = self.aggregates.iter().map(|part| part.name).collect();
        f.debug_struct("Composition")
            .field("aggregates", &aggregates)
            .field("handlers", &self.handlers())
            .finish()
    }
}

fn named(name: &'static str, met: &mut BTreeSet<&'static str>) -> Result<(), CompositionError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
        return Err(CompositionError::Name(name));
    }
    if met.insert(name) { Ok(()) } else { Err(CompositionError::Twice(name)) }
}
