//! The HTTP face of any context: what can be asked over NATS can be asked over HTTP, by the same rules.
//! It names no context, and adds nothing to what a command may do.
//! Not here: routes that one context has for itself; those are in `routes`.

pub mod access;
mod aggregates;
mod caller;
mod commands;
mod cursor;
mod edge;
mod etag;
mod events;
mod exports;
mod headers;
mod health;
mod limits;
pub mod openapi;
mod params;
mod problem;
mod queries;
mod router;
mod server;
mod service;

pub use caller::Caller;
pub use edge::RequestId;
pub use headers::is_json;
pub use limits::Limits;
pub use problem::Fault;
pub use router::Gateway;
pub use server::{ListenError, Listener, Serving};
