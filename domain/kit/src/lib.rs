//! The words every context is written in: ids, events and their versions, state machines,
//! decisions, policies, effects, projections and scenarios.
//! Not here: IO, clocks, randomness, subjects, and anything that names a context.

mod aggregate;
mod batch;
mod catalogue;
mod chart;
mod command;
mod context;
mod cqrs;
mod effect;
mod event;
mod excerpt;
mod id;
pub mod json;
mod machine;
mod metadata;
pub mod personal;
mod policy;
mod probe;
mod projection;
mod recorded;
mod retry;
pub mod scenario;
pub mod schema;
pub mod tables;
mod timer;

pub use aggregate::{Aggregate, DomainError};
pub use batch::{Batch, BatchEffect, BatchOutcome, BatchSize, Batched, Group, Run};
pub use catalogue::{CommandInfo, FieldInfo};
pub use chart::{Arrow, Chart};
pub use command::{BadCommand, Command};
pub use context::{Actor, Context, Secret};
pub use cqrs::{ContextSource, cqrs_metadata, update_view};
pub use effect::{Delivery, Effect, Outcome};
pub use event::{Event, EventSet, Kind, Payload, Unreadable, decode, describe};
pub use excerpt::excerpt;
pub use id::{AggregateId, BadId, CommandId, EventId, PartId};
pub use machine::{Machine, Stage};
pub use metadata::{HOPS_MAX, Metadata};
pub use personal::{Personal, Written};
pub use policy::{Order, Policy, Refused, Start};
pub use projection::{Field, Key, Match, Projection, Term};
pub use recorded::{Position, Recorded, Version};
pub use retry::{Retries, Retry, TIME_LIMIT};
pub use tables::TableProjection;
pub use timer::{Reaction, Timer, TimerKey};

#[doc(hidden)]
pub use {cqrs_es, serde, serde_json};
