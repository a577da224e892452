//! The runtime of policies, effects and projections: durable consumers with one owner each.
//!
//! A handler is owned by one instance through a lease whose revision is its epoch; the epoch
//! fences every checkpoint write. The checkpoint is the truth about what has been handled, never
//! the broker's ack floor. Not here: what a handler decides, and the rows of projections.

mod effect;
mod failure;
mod policy;
mod source;

pub(crate) use effect::AnyEffect;
pub(crate) use failure::{Failure, guarded};
pub(crate) use policy::AnyPolicy;
pub(crate) use source::Source;
