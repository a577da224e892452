//! Going through events again: what was asked of a handler, and what became of it. On a subject of its
//! own, appended like everything else after the last record that its writer knew.
//! Not here: moving the checkpoint, and asking.

use chrono::{DateTime, Utc};
use kit::Position;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::Record;

/// A request to a handler's owner to go through events again, with whatever it does about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// The request's own id.
    pub request: Uuid,
    /// The first position that is delivered again.
    pub from: Position,
    /// The handler's checkpoint, as it was seen.
    pub checkpoint: Position,
    /// The request, not acted upon yet, whose place it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Uuid>,
    /// Who asks.
    pub who: String,
    /// Why.
    pub why: String,
    /// When.
    pub time: DateTime<Utc>,
}

/// The owner has moved the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewound {
    /// Which request.
    pub request: Uuid,
    /// The first position that is delivered again.
    pub from: Position,
    /// Where the checkpoint stood before.
    pub checkpoint: Position,
    /// The owner's epoch.
    pub epoch: u64,
    /// When.
    pub time: DateTime<Utc>,
}

/// The log was restored from an older backup, and somebody moves the checkpoint back to its end.
/// Written before that is done, so that nothing is done that nobody knows of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Where the checkpoint stands.
    pub checkpoint: Position,
    /// The end of the log, where it goes.
    pub to: Position,
    /// Who does it.
    pub who: String,
    /// Why.
    pub why: String,
    /// When.
    pub time: DateTime<Utc>,
}

/// What the records of one handler's resets amount to. Pure.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resets {
    /// The last message on their subject.
    pub(crate) last: u64,
    /// What was asked and is not done; the last of several.
    pub(crate) pending: Option<Reset>,
}

impl Resets {
    /// Takes in the message at `sequence`. What was taken in before changes nothing.
    pub(crate) fn apply(&mut self, sequence: u64, record: Option<&Record>) {
        if sequence <= self.last {
            return;
        }
        self.last = sequence;
        match record {
            Some(Record::Reset(reset)) => self.pending = Some((**reset).clone()),
            Some(Record::Rewound(done)) => {
                self.pending = self.pending.take().filter(|reset| reset.request != done.request);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reset(request: u128) -> Reset {
        Reset {
            request: Uuid::from_u128(request),
            from: Position(3),
            checkpoint: Position(9),
            instead_of: None,
            who: "ada".to_owned(),
            why: "it was wrong".to_owned(),
            time: DateTime::default(),
        }
    }

    fn rewound(request: u128) -> Record {
        let Reset { request, from, checkpoint, time, .. } = reset(request);
        Record::Rewound(Rewound { request, from, checkpoint, epoch: 4, time })
    }

    #[test]
    fn the_last_request_is_what_is_pending_until_it_is_done() {
        let mut resets = Resets::default();
        let asked = |request| Record::Reset(Box::new(reset(request)));
        for (sequence, record, pending) in [
            (2, Some(asked(1)), Some(1)),
            (5, Some(asked(2)), Some(2)),
            (6, Some(rewound(1)), Some(2)),
            (6, Some(rewound(2)), Some(2)),
            (7, None, Some(2)),
            (8, Some(rewound(2)), None),
            (9, Some(rewound(2)), None),
        ] {
            resets.apply(sequence, record.as_ref());
            let found = resets.pending.as_ref().map(|it| it.request.as_u128());
            assert_eq!((found, resets.last), (pending, sequence));
        }
    }
}
