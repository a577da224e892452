//! An event as the log holds it: the payload with its place and its metadata.
//! Not here: the bytes; the envelope codec of the infrastructure writes and reads them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AggregateId, EventId, Metadata};

macro_rules! count {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $Name(pub u64);

        impl $Name {
            /// Before the first one.
            pub const ZERO: Self = Self(0);

            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

count! {
    /// The aggregate's own count of events, dense from 1. Never mixed with [`Position`].
    Version
}

count! {
    /// The stream sequence of a commit: concurrency token and causal token. Zero is "nothing yet".
    Position
}

/// An event with everything the log knows about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<E> {
    /// The event's own id.
    pub id: EventId,
    /// Type of the aggregate, such as `person`.
    pub aggregate: String,
    /// Which one.
    pub aggregate_id: AggregateId,
    /// Where the event stands in its aggregate.
    pub version: Version,
    /// The commit that holds it.
    pub position: Position,
    /// Its place in that commit, from 0.
    pub index: usize,
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// Who, why, and in which conversation.
    pub metadata: Metadata,
    /// What happened, in the current shape.
    pub event: E,
}

impl<E> Recorded<E> {
    /// The same record with another view of its payload.
    pub fn map<F>(self, view: impl FnOnce(E) -> F) -> Recorded<F> {
        Recorded {
            id: self.id,
            aggregate: self.aggregate,
            aggregate_id: self.aggregate_id,
            version: self.version,
            position: self.position,
            index: self.index,
            time: self.time,
            metadata: self.metadata,
            event: view(self.event),
        }
    }

    /// `<position>.<index>`, the cursor to this event.
    #[must_use]
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.position, self.index)
    }
}
