//! Dead letters: what a handler could not process, set aside in order, and what became of it.
//!
//! The stream `DLQ` is itself a log: each message on `dlq.<handler>.<aggregate>.<id>` is one
//! [`Record`], appended after the last one that its writer knew. Only the first event that failed is
//! recorded; later events of its key wait where they are, in the log, because everything from that
//! event on is passed over until the key is released. A key is parked if the last record on its
//! subject is not `released`. What people decided about an event, to discard or to override it,
//! stays a fact for ever: whoever handles that event again follows it.
//!
//! An owner marks the beginning of its epoch on `dlq.<handler>`. What an earlier owner writes
//! behind that mark does not count, and the present owner answers it, so that the last record of
//! the subject tells the truth again.
//!
//! What is asked of a handler as a whole, to go through events again, stands on `dlq.<handler>.reset`.
//!
//! Not here: why an event fails, and draining a key; the handlers' runtime does both.

mod book;
#[cfg(test)]
mod book_tests;
mod decide;
mod ledger;
#[cfg(test)]
mod ledger_tests;
mod letters;
mod parked;
mod queue;
mod record;
mod reset;
mod stall;
#[cfg(test)]
mod wire_tests;
mod writing;

pub use ledger::{Fact, Facts, Standing};
pub use letters::{DeadLetter, DeadLetters, DeadLettersError, Entry, Key};
pub use parked::{Attempt, Body, Class, Original, Parked};
pub use record::{
    Action, BadRecord, Cursor, Declined, Discarded, Drained, Json, Overridden, Owned, Place,
    Record, Released, Requested,
};
pub use reset::{Reset, Restored, Rewound};

pub(crate) use book::{Book, BookError, Followed, Room};
pub(crate) use ledger::Head;
pub(crate) use queue::{AppendError, Queue, QueueAway};
pub(crate) use reset::Resets;
