//! Tests against real parts. Each file is one part's promises, its tests are sentences.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod broker;
mod connection;
mod cqrs;
mod doctor;
mod handlers;
mod kit;
mod permissions;
mod person;
mod processor;
mod provision;
mod query_service;
mod service;
mod snapshot;
mod store_contract;
mod store_faults;
mod store_jetstream;
mod wire;
