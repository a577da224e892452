//! The runtime of policies, effects and projections: durable consumers with one owner each.
//!
//! A handler is owned by one instance through a lease whose revision is its epoch; the epoch
//! fences every checkpoint write. The checkpoint is the truth about what has been handled, never
//! the broker's ack floor. Not here: what a handler decides, and the rows of projections.

mod agenda;
mod backlog;
mod backoff;
mod batch;
mod breaker;
mod cell;
mod checkpoint;
mod dead_letter;
mod deliveries;
mod drain;
mod duty;
mod effect;
mod event_meter;
mod failure;
mod feed;
#[cfg(test)]
mod fencing_tests;
mod handlers;
mod hands;
mod in_hand;
mod lanes;
mod lease;
mod log;
mod options;
mod orders;
mod policy;
mod processing;
mod reactor;
mod reading;
mod registration;
mod report;
mod reset;
mod restored;
mod runner;
mod source;
mod start;
mod status;
mod supervisor;
mod timing;
mod trend;
mod trial;
mod waits;

pub use breaker::{BreakerOptions, BreakerState, BreakerStatus};
pub use handlers::{Handlers, HandlersError};
pub use in_hand::InHand;
pub use options::HandlerOptions;
pub use orders::ORDERS_MAX;
pub use processing::{EventStatus, Processing, Processings};
pub use registration::{Registration, RegistrationError};
pub use report::{HandlerReport, duties, report};
pub use reset::{Acted, Standpoint, Told, acted_on, standpoint, told_of};
pub use restored::{LogBehind, past_the_end, rewind};
pub use status::{HandlerState, HandlerStatus};

pub(crate) use backoff::Backoff;
pub(crate) use batch::{AnyBatchEffect, Batching};
pub(crate) use cell::{Cell, CellError};
pub(crate) use checkpoint::CheckpointRecord;
pub(crate) use dead_letter::{dead_letter, overridden};
pub(crate) use deliveries::Delivery;
pub(crate) use duty::{Duty, Ended};
pub(crate) use effect::{AnyEffect, Note};
pub(crate) use event_meter::{EventMeter, EventType};
pub(crate) use failure::{Failure, guarded};
pub(crate) use feed::{Feed, Item};
pub(crate) use lanes::Lanes;
pub(crate) use lease::{Contender, Lease, Validity};
pub(crate) use log::{Log, end_of};
pub(crate) use policy::AnyPolicy;
pub(crate) use processing::ProcessingQueries;
pub(crate) use source::Source;
pub(crate) use status::Gauge;
pub(crate) use trial::Attempts;
pub(crate) use waits::Waits;
