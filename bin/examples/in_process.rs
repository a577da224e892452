//! The command processor as a library, without a request between the caller and the decision:
//! process a command, let the policies react, and read what followed as a stream.
//!
//! `cargo run --example in_process` starts a broker of its own in a temporary folder.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::path::Path;

use anyhow::Result;
use domain::person::{CreatePerson, Person, PersonName};
use futures::StreamExt as _;
use headwater::contexts;
use infrastructure::{
    broker::{Broker, BrokerOptions, find_or_install},
    client::Client,
    connection::{ConnectOptions, connect},
    jetstream::{JetStreamOptions, JetStreamStore},
    processor::{Processor, ProcessorOptions},
    provision::ProvisionOptions,
    request::CommandRequest,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::{Aggregate, AggregateId, Command, CommandId, Secret};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let binary = find_or_install(Path::new(".headwater")).await?;
    let broker = Broker::start(BrokerOptions::new(binary, folder.path())).await?;
    let options = ConnectOptions::new(broker.url());
    let secret = Secret::new([7; 32]);

    // Policies and projections are durable handlers: they go on where they stopped, and a policy's
    // command happens once however often its event is delivered.
    let runtime = Runtime::start(RuntimeOptions {
        connect: options.clone(),
        provision: ProvisionOptions::default(),
        composition: contexts::composition(),
        roles: Roles::default(),
        secret: secret.clone(),
        master_keys: None,
        store: folder.path().join("read.sqlite").into(),
        instance: "example".to_owned(),
    })
    .await?;

    // The event store and the processor, in this process.
    let (appends, reads) = (connect(&options).await?, connect(&options).await?);
    let store = JetStreamStore::new(appends, reads.clone(), JetStreamOptions::default()).await?;
    let aggregates = contexts::composition().aggregates();
    let processor = Processor::start(store, aggregates, ProcessorOptions::new(secret));

    // Process a command.
    let id = AggregateId::from(Uuid::now_v7());
    let name = PersonName::new(vec!["John".parse()?], vec!["Doe".parse()?])?;
    let command = CreatePerson { name, source: "api".parse()?, external_ids: Vec::new() };
    let command = <Person as Aggregate>::Command::from(command);
    let request = CommandRequest::new(Person::TYPE, id, command.name(), command.body()?);
    let request = request.identified();
    let conversation = request.command_id.as_ref().map_or("", CommandId::as_str).to_owned();
    let reply = processor.execute(request).await?;
    println!("{} at version {}, position {}", reply.aggregate, reply.version, reply.position);

    // Stream what follows, policies included, until nothing more can.
    let mut chain = std::pin::pin!(Client::new(reads).follow(&conversation, reply.position));
    while let Some(event) = chain.next().await {
        let event = event?;
        println!("{} {}", event.cursor(), event.event.kind);
    }

    processor.drain().await;
    runtime.drain().await;
    broker.stop().await?;
    Ok(())
}
