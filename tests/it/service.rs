//! Commands over NATS as any client sends them.

mod bad_input;
mod dead_commands;
mod drain;
mod durable;
mod ended;
mod follow;
mod full;
mod raw;
mod replies;
mod secrets;

use std::path::PathBuf;

use async_nats::{Client as Connection, HeaderMap, Message, jetstream};
use bytes::Bytes;
use domain::person::Person;
use infrastructure::{
    client::Client,
    composition::Composition,
    connection::ConnectOptions,
    problem::Problem,
    provision::ProvisionOptions,
    request::{CommandRequest, Reply},
    runtime::{Roles, Runtime, RuntimeOptions},
    wire,
};
use kit::scenario::secret;
use nats::names;
use tests::Server;

pub(crate) const CREATE: &[u8] =
    br#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
pub(crate) const TAG: &[u8] = br#"{"tag":"vip"}"#;

/// A server with one instance that takes commands for persons, and a connection of a client.
pub(crate) struct Stand {
    pub(crate) runtime: Runtime,
    pub(crate) connection: Connection,
    pub(crate) client: Client,
    pub(crate) server: Server,
}

pub(crate) fn options(server: &Server, instance: &str) -> RuntimeOptions {
    RuntimeOptions {
        connect: ConnectOptions::new(server.url()),
        provision: ProvisionOptions::default(),
        composition: Composition::new().aggregate::<Person>(),
        roles: Roles { policies: false, projections: false, ..Roles::default() },
        secret: secret(),
        master_keys: None,
        store: PathBuf::from("unused").into(),
        instance: instance.to_owned(),
    }
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let server = Server::start().await;
        let runtime = Runtime::start(options(&server, "one")).await.unwrap();
        let connection = server.client().await;
        Self { runtime, client: Client::new(connection.clone()), connection, server }
    }

    /// Sends raw bytes as any NATS client could.
    pub(crate) async fn raw(
        &self,
        subject: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Message {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, *value);
        }
        self.connection.request_with_headers(subject.to_owned(), map, body.into()).await.unwrap()
    }

    /// The problem that a raw request meets.
    pub(crate) async fn refusal(
        &self,
        subject: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Problem {
        wire::read_answer(self.raw(subject, headers, body).await).unwrap_err()
    }

    /// Creates the person `id`.
    pub(crate) async fn create(&self, id: &str) -> Reply {
        self.client.send(&command(id, "create-person", CREATE)).await.unwrap()
    }

    /// Messages in a stream.
    pub(crate) async fn messages(&self, stream: &str) -> u64 {
        let context = jetstream::new(self.connection.clone());
        context.get_stream(stream).await.unwrap().cached_info().state.messages
    }

    /// Commits in the log.
    pub(crate) async fn commits(&self) -> u64 {
        self.messages(names::EVENTS).await
    }
}

pub(crate) fn command(id: &str, name: &str, body: impl Into<Bytes>) -> CommandRequest {
    CommandRequest::new("person", id.parse().unwrap(), name, body)
}
