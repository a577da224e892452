//! Which events a stream shows. What names nothing that there is is refused: a stream that stays empty
//! for ever helps nobody.

use infrastructure::{aggregates::Catalogue, histories, problem::Problem};
use kit::{AggregateId, excerpt};

use crate::params::{self, Params};

/// Types in one filter.
const TYPES_MAX: usize = 64;

/// The events of an aggregate type, of one aggregate, of some types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    /// What the log itself filters by.
    pub(super) of: histories::Filter,
    /// Full types; none: all.
    types: Vec<String>,
}

impl Filter {
    pub(super) fn read(params: &mut Params, catalogue: &[Catalogue]) -> Result<Self, Problem> {
        let mut aggregate = params.text("aggregate")?;
        let id = params.text("id")?;
        let types = params.many("type");
        if let Some(wanted) = &aggregate {
            known(wanted, catalogue)?;
        }
        if types.len() > TYPES_MAX {
            return Err(params::bad("type", format_args!("at most {TYPES_MAX} at a time")));
        }
        for kind in &types {
            let (of, name) = kind.split_once('.').unwrap_or((kind, ""));
            let has = known(of, catalogue)?.events.iter().any(|event| event.name == name);
            if !has || aggregate.as_ref().is_some_and(|wanted| wanted != of) {
                return Err(params::bad("type", format_args!("{:?} is none here", excerpt(kind))));
            }
        }
        if aggregate.is_none() {
            aggregate = common(&types);
        }
        let id = match (id, &aggregate) {
            (None, _) => None,
            (Some(id), Some(_)) => {
                Some(id.parse::<AggregateId>().map_err(|bad| params::bad("id", bad))?)
            }
            (Some(_), None) => return Err(params::bad("id", "needs `aggregate`")),
        };
        Ok(Self { of: histories::Filter { aggregate, id }, types })
    }

    /// Whether events of the full type `kind` are shown.
    pub(super) fn shows(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind)
    }
}

/// The aggregate type that all of `types` belong to.
fn common(types: &[String]) -> Option<String> {
    let mut aggregates = types.iter().map(|kind| kind.split('.').next().unwrap_or_default());
    let first = aggregates.next()?;
    aggregates.all(|other| other == first).then(|| first.to_owned())
}

fn known<'a>(aggregate: &str, catalogue: &'a [Catalogue]) -> Result<&'a Catalogue, Problem> {
    catalogue.iter().find(|it| it.aggregate == aggregate).ok_or_else(|| {
        let known: Vec<_> = catalogue.iter().map(|it| it.aggregate).collect();
        let (wanted, known) = (excerpt(aggregate), known.join(", "));
        Problem::unknown_aggregate(format!("{wanted:?} is none of {known}"))
    })
}
