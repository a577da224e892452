//! What the kit promises, on a lamp.
//! Not here: contexts.

mod chart;
mod command;
mod context;
mod event;
mod lamp;
mod machine;
mod retry;
mod scenario;
