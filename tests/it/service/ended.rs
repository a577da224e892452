//! Parts of an instance that end before they are asked to.

use domain::person::Person;
use infrastructure::{
    aggregates::Aggregates,
    client::Client,
    composition::Composition,
    jetstream::{JetStreamOptions, JetStreamStore},
    processor::{Processor, ProcessorOptions},
    provision::{ProvisionOptions, provision},
    request::CommandRequest,
    runtime::{Runtime, RuntimeOptions},
    service::CommandService,
};
use kit::{Aggregate, Context, scenario::secret};
use serde::{Deserialize, Serialize};
use tests::{LIMIT, Server, eventually};
use tokio::time::timeout;

use super::{CREATE, command, options};

/// A command that panics when it is let go, which no guard can catch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Burn {}

impl Drop for Burn {
    fn drop(&mut self) {
        panic!("told to break");
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Burnt {}

mod words {
    use super::{Burn, Burnt};

    kit::commands! {
        /// What may be asked of a fuse.
        pub enum FuseCommand { "burn" => Burn }
    }
    kit::events! {
        /// What happens to a fuse.
        pub enum FuseEvent for "fuse" { "burnt" => Burnt: 1 }
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("never")]
pub(crate) struct Never;

impl kit::DomainError for Never {
    fn code(&self) -> &'static str {
        "never"
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fuse {}

impl Aggregate for Fuse {
    const TYPE: &'static str = "fuse";
    const STATE_SCHEMA: u32 = 1;
    type Command = words::FuseCommand;
    type Event = words::FuseEvent;
    type Error = Never;

    fn decide(&self, _: &Self::Command, _: &Context) -> Result<Vec<Self::Event>, Never> {
        Ok(vec![Burnt {}.into()])
    }

    fn evolve(&mut self, _: &Self::Event) {}
}

#[tokio::test]
async fn an_instance_tells_that_a_part_has_ended_and_answers_no_command_with_silence() {
    let server = Server::start().await;
    let composition = Composition::new().aggregate::<Fuse>();
    let options = RuntimeOptions { composition, ..options(&server, "one") };
    let runtime = Runtime::start(options).await.unwrap();
    let client = Client::new(server.client().await);
    let burn = CommandRequest::new("fuse", "a".parse().unwrap(), "burn", "");
    // Its answer left before it was let go.
    let _ = client.send(&burn).await;
    let failed = timeout(LIMIT, runtime.failed()).await.expect("the end is seen");
    assert!(failed.to_string().starts_with("the command processor ended"), "{failed}");
    let other = CommandRequest::new("fuse", "b".parse().unwrap(), "cool", "");
    assert_eq!(client.send(&other).await.unwrap_err().code, "unknown-command");
    assert_eq!(
        client.send(&command("ada", "tag", "{}")).await.unwrap_err().code,
        "unknown-aggregate"
    );
    timeout(LIMIT, runtime.drain()).await.expect("what is left can be ended");
}

#[tokio::test]
async fn a_command_service_that_is_dropped_leaves_its_subject() {
    let server = Server::start().await;
    let connection = server.client().await;
    provision(&connection, &ProvisionOptions::default()).await.unwrap();
    let store =
        JetStreamStore::new(connection.clone(), connection.clone(), JetStreamOptions::default());
    let aggregates = Aggregates::new().with::<Person>();
    let catalogue = aggregates.catalogue();
    let options = ProcessorOptions::new(secret());
    let processor = Processor::start(store.await.unwrap(), aggregates, options);
    let service = CommandService::start(connection, processor, &catalogue).await.unwrap();
    let client = Client::new(server.client().await);
    client.send(&command("ada", "create-person", CREATE)).await.unwrap();
    drop(service);
    eventually("nobody takes commands", LIMIT, async || {
        let refused = client.send(&command("ada", "tag", super::TAG)).await.err()?;
        (refused.code == "unavailable").then_some(())
    })
    .await;
}
