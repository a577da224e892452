//! How it runs: the event stores, the command processor and its service, the handlers' runtime,
//! read models, the broker process and telemetry. Generic: no context is named here.

pub mod aggregates;
pub mod broker;
pub mod client;
pub mod composition;
pub mod connection;
pub mod cqrs;
pub mod deadletter;
pub mod doctor;
pub mod durable;
pub mod envelope;
pub mod fail_points;
mod fingerprint;
pub mod follow;
mod front;
pub mod handler;
pub mod jetstream;
pub mod memory;
pub mod micro;
pub mod own_thread;
pub mod problem;
pub mod processor;
pub mod provision;
pub mod query;
pub mod query_service;
pub mod readmodel;
pub mod receipts;
pub mod request;
pub mod runtime;
pub mod server_version;
pub mod service;
pub mod settle;
pub mod snapshot;
pub mod store;
pub mod telemetry;
mod vital;
pub mod wire;
