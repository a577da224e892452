//! Read models: documents folded from events and found by declared fields.
//! Not here: leases and delivery; the handlers' runtime brings the events.

mod projection;

pub(crate) use projection::{AnyProjection, Folded, Touch};
