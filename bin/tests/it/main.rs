//! The binary as its users meet it: processes, lines, exit codes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod asking;
mod backup;
mod bench;
mod credentials;
mod dev;
mod dlq;
mod faults;
mod help;
mod history;
mod http;
mod keys;
mod kit;
mod links;
mod mail;
mod metrics;
mod openapi;
mod operating;
mod overload;
mod pages;
mod projection;
mod python;
mod reading;
mod refusals;
mod replay;
mod reset;
mod sending;
mod serve;
mod sigterm;
mod soak;
mod store;
mod stripe;
mod supabase;
mod telemetry;
mod timers;
mod vital;
