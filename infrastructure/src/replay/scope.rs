//! Which stretch of the log a replay reads: fixed when it begins, so that what is committed
//! meanwhile changes nothing. Not here: reading it.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use kit::{AggregateId, Position};
use serde::{Deserialize, Serialize};

use super::{Origin, log};
use crate::{
    composition::{Composition, HandlerPart},
    problem::Problem,
};

/// One end of a stretch of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A commit.
    Position(Position),
    /// A moment; commits are placed by when the server stored them.
    Time(DateTime<Utc>),
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(Position(position)));
        }
        let time = text.parse().map(Self::Time);
        time.map_err(|_| {
            "neither a position nor an RFC 3339 time such as 2026-11-21T09:30:00Z".to_owned()
        })
    }
}

impl Bound {
    /// The first position that it lets in, of the log behind `client`; behind the end if there is
    /// none.
    ///
    /// # Errors
    /// `invalid` if the log came back from a backup since that time; `unavailable` if it does not answer.
    pub async fn first(self, client: &async_nats::Client) -> Result<Position, Problem> {
        match self {
            Self::Position(position) => Ok(position),
            Self::Time(time) => {
                log::check_time(client, time).await?;
                let stream = log::open(client).await?;
                log::first_since(&stream, time).await
            }
        }
    }
}

/// What somebody wants to see replayed. Everything that is not said is everything there is.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The first commit.
    pub from: Option<Bound>,
    /// The last commit.
    pub to: Option<Bound>,
    /// Only this aggregate type.
    pub aggregate: Option<String>,
    /// Only the aggregates with this id.
    pub id: Option<AggregateId>,
    /// Only this event type, such as `person.tagged`.
    pub kind: Option<String>,
}

/// A stretch of the log and what is picked from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The handler.
    pub handler: String,
    /// The first position.
    pub from: Position,
    /// The last position: the watermark. Nothing behind it is read.
    pub to: Position,
    /// Only this aggregate type.
    pub aggregate: Option<String>,
    /// Only the aggregates with this id.
    pub id: Option<AggregateId>,
    /// Only this event type.
    pub kind: Option<String>,
}

impl Scope {
    /// Fixes what `selection` means for `handler` on what `origin` holds now.
    ///
    /// # Errors
    /// `not-found` if there is no such handler, `invalid` if it does not read the aggregate or the
    /// stretch is empty, `unavailable` if the log does not answer.
    pub async fn fix(
        origin: impl Into<Origin>,
        composition: &Composition,
        handler: &str,
        selection: Selection,
    ) -> Result<Self, Problem> {
        let Selection { from, to, aggregate, id, kind } = selection;
        let scope = Self {
            handler: handler.to_owned(),
            from: Position(1),
            to: Position(u64::MAX),
            aggregate,
            id,
            kind,
        };
        let origin = origin.into();
        scope.subjects(scope.part(composition)?)?;
        let last = origin.end().await?;
        let from = match from {
            None => Position(1),
            Some(bound) => origin.first_since(bound).await?,
        };
        let to = match to {
            None => last,
            Some(bound) => origin.last_until(bound).await?.min(last),
        };
        if from > to {
            let detail =
                format!("the stretch from {from} to {to} is empty; the log ends at {last}");
            return Err(Problem::invalid(detail));
        }
        Ok(Self { from, to, ..scope })
    }

    /// The handler's part in `composition`.
    pub(super) fn part<'a>(
        &self,
        composition: &'a Composition,
    ) -> Result<&'a HandlerPart, Problem> {
        let found = composition.parts().find(|part| part.info().name == self.handler);
        found.ok_or_else(|| {
            let names: Vec<_> = composition.handlers().iter().map(|info| info.name).collect();
            let (handler, names) = (kit::excerpt(&self.handler), names.join(", "));
            Problem::not_found(format!("{handler:?} is no handler; there are: {names}"))
        })
    }

    /// The subjects that hold what is picked.
    pub(super) fn subjects(&self, part: &HandlerPart) -> Result<Vec<String>, Problem> {
        let read = part.aggregates();
        let wanted = match &self.aggregate {
            None => read,
            Some(aggregate) if read.contains(&aggregate.as_str()) => vec![aggregate.as_str()],
            Some(aggregate) => {
                let (handler, aggregate) = (&self.handler, kit::excerpt(aggregate));
                let detail = format!("{handler} reads {}, not {aggregate:?}", read.join(", "));
                return Err(Problem::invalid(detail));
            }
        };
        let subject = |aggregate: &&str| match &self.id {
            None => nats::Subject::events_of(aggregate),
            Some(id) => nats::Subject::event(aggregate, id),
        };
        Ok(wanted.iter().map(subject).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_position_or_a_time() {
        assert_eq!("42".parse(), Ok(Bound::Position(Position(42))));
        let noon = "2026-11-21T12:00:00Z";
        assert_eq!(noon.parse(), Ok(Bound::Time(noon.parse().unwrap())));
        for wrong in ["", "-1", "yesterday", "2026-11-21"] {
            assert!(wrong.parse::<Bound>().is_err(), "{wrong}");
        }
    }
}
