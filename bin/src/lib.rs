//! The service as a program: what it is made of ([`contexts`]), its command line, its output.
//! Not here: how commands, policies and projections run; the infrastructure does that.

mod access;
pub mod arguments;
pub mod bench;
mod broker;
pub mod commands;
pub mod connection;
pub mod contexts;
mod copies;
pub mod data;
mod descriptors;
pub mod exit;
pub mod http;
mod input;
mod log;
mod master_keys;
pub mod metrics_endpoint;
pub mod options;
pub mod output;
mod past;
mod read_models;
pub mod reader;
mod record;
mod repair;
mod secret;
mod signals;
mod smtp;
pub mod soak;
mod stripe;
pub mod telemetry;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/writing-a-context.md")]
struct WritingAContext;
