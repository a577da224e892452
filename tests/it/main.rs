//! Tests against real parts. Each file is one part's promises, its tests are sentences.
// Helpers of tests may fail as tests do: the lints that allow it look for this line.
#![cfg(test)]

mod broker;
mod connection;
mod cqrs;
mod design;
mod doctor;
mod erasure;
mod growth;
mod handlers;
mod kit;
mod mail;
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
mod stripe;
mod wire;
