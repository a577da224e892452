//! What tests against real parts share: servers that end with their test, and waiting for a fact.
//! Not here: the tests, and stand-ins for parts that a user has.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test kit that cannot go on ends its test"
)]

mod cluster;
mod eventually;
mod history;
mod proxy;
mod server;
mod service;
pub mod store_contract;

pub use cluster::Cluster;
pub use eventually::{LIMIT, eventually};
pub use history::{Entry, History};
pub use proxy::{Direction, Flow, Proxy};
pub use server::{Server, binary};
pub use service::Service;
