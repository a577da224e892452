//! What tests against real parts share: servers that end with their test, and waiting for a fact.
//! Not here: the tests, and stand-ins for parts that a user has.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test kit that cannot go on ends its test"
)]

mod authority;
mod cluster;
mod disguise;
mod eventually;
mod fake_stripe;
mod history;
mod http;
mod letters;
mod line;
mod mail_sink;
mod operator;
mod proxy;
mod rows;
mod server;
mod service;
pub mod store_contract;

pub use authority::Authority;
pub use cluster::Cluster;
pub use disguise::Disguise;
pub use eventually::{LIMIT, eventually};
pub use fake_stripe::{Delivery, Endpoint, FakeStripe, StripeEvent, StripeFailure};
pub use history::{Entry, History};
pub use http::post;
pub use letters::Letters;
pub use line::ProxiedLine;
pub use mail_sink::{MailFailure, MailGate, MailLogin, MailSink, MailStep, Received};
pub use operator::Operator;
pub use proxy::{Direction, Flow, Proxy};
pub use rows::{alter, alter_database};
pub use server::{Server, binary};
pub use service::Service;
