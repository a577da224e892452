//! Durable commands: carried out in order, once, with an outcome to ask for.

use std::collections::BTreeSet;

use async_nats::{Subscriber, jetstream};
use futures::StreamExt as _;
use infrastructure::{
    client::Client,
    connection::ConnectOptions,
    durable::{Outcome, OutcomeStatus, Results},
    provision::ProvisionOptions,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::CommandId;
use tests::{Cluster, LIMIT, Server, eventually};
use tokio::time::timeout;

use super::{CREATE, Stand, TAG, command, options};

async fn ended(client: &Client, id: &CommandId) -> Outcome {
    eventually("the command ends", LIMIT, async || {
        let outcome = client.result(id).await.unwrap();
        (outcome.status != OutcomeStatus::Pending).then_some(outcome)
    })
    .await
}

#[tokio::test]
async fn an_enqueued_command_is_carried_out_and_its_outcome_can_be_asked_for() {
    let stand = Stand::start().await;
    let request = command("ada", "create-person", CREATE).identified();
    let id = stand.client.enqueue(&request).await.unwrap();
    assert_eq!(Some(&id), request.command_id.as_ref());
    let outcome = ended(&stand.client, &id).await;
    assert_eq!(outcome.status, OutcomeStatus::Committed);
    assert_eq!(outcome.reply.unwrap().version.0, 1);
    eventually("it has left the queue", LIMIT, async || {
        (stand.messages("COMMANDS").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_an_outcome_that_keeps_the_command_and_blocks_nothing() {
    let stand = Stand::start().await;
    let refused = stand.client.enqueue(&command("ada", "tag", TAG)).await.unwrap();
    let created = stand.client.enqueue(&command("ada", "create-person", CREATE)).await.unwrap();
    assert_eq!(ended(&stand.client, &created).await.status, OutcomeStatus::Committed);

    let outcome = ended(&stand.client, &refused).await;
    assert_eq!(outcome.status, OutcomeStatus::Refused);
    assert_eq!(outcome.problem.unwrap().status, 422);
    let original = outcome.original.unwrap();
    assert_eq!(original.subject, "enqueue.person.ada.tag");
    assert_eq!(original.body.as_deref(), Some(std::str::from_utf8(TAG).unwrap()));
    assert_eq!(original.headers["Command-Id"], [refused.to_string()]);
}

#[tokio::test]
async fn a_message_that_is_no_command_is_an_outcome_too() {
    let stand = Stand::start().await;
    let context = jetstream::new(stand.connection.clone());
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Nats-Msg-Id", "bad-1");
    let stored =
        context.publish_with_headers("enqueue.person.ada.lovelace.tag", headers, "".into());
    stored.await.unwrap().await.unwrap();
    let outcome = ended(&stand.client, &"bad-1".parse().unwrap()).await;
    assert_eq!(outcome.status, OutcomeStatus::Refused);
    assert_eq!(outcome.problem.unwrap().code, "invalid");
}

#[tokio::test]
async fn an_unknown_command_id_is_not_found_and_one_in_the_queue_is_pending() {
    let server = Server::start().await;
    // Nobody carries durable commands out, but their outcomes can be asked for.
    let stand = start_without_worker(&server).await;
    let client = Client::new(server.client().await);
    let unknown = "c-0".parse().unwrap();
    let results = infrastructure::durable::Results::open(server.client().await).await.unwrap();
    assert_eq!(results.of(&unknown).await.unwrap_err().code, "not-found");
    let id = client.enqueue(&command("ada", "tag", TAG)).await.unwrap();
    assert_eq!(results.of(&id).await.unwrap(), Outcome::pending(id));
    stand.drain().await;
}

async fn start_without_worker(server: &Server) -> Runtime {
    let options = options(server, "one");
    let roles = Roles { durable: false, ..options.roles };
    Runtime::start(RuntimeOptions { roles, ..options }).await.unwrap()
}

#[tokio::test]
async fn the_commands_of_one_aggregate_are_carried_out_in_their_order() {
    let server = Server::start().await;
    let idle = start_without_worker(&server).await;
    let client = Client::new(server.client().await);
    let mut ids = Vec::new();
    for number in 0..50 {
        for person in ["ada", "bob"] {
            let request = match number {
                0 => command(person, "create-person", CREATE),
                _ => command(person, "tag", format!(r#"{{"tag":"t{:02}"}}"#, number % 20)),
            };
            ids.push((person, number, client.enqueue(&request).await.unwrap()));
        }
    }
    idle.drain().await;
    let stand = Runtime::start(options(&server, "two")).await.unwrap();
    for (person, number, id) in ids {
        let outcome = ended(&client, &id).await;
        let version = outcome.reply.unwrap().version.0;
        assert_eq!(version, (number + 1).min(21), "command {number} of {person}");
    }
    stand.drain().await;
}

#[tokio::test]
async fn a_command_that_was_carried_out_and_not_acknowledged_is_replayed() {
    let server = Server::start().await;
    let idle = start_without_worker(&server).await;
    let client = Client::new(server.client().await);
    let request = command("ada", "create-person", CREATE).identified();
    client.enqueue(&request).await.unwrap();
    // What an owner that was killed before it kept the outcome leaves behind.
    let carried_out = client.send(&request).await.unwrap();
    idle.drain().await;
    let stand = Runtime::start(options(&server, "two")).await.unwrap();
    let outcome = ended(&client, request.command_id.as_ref().unwrap()).await;
    assert_eq!(outcome.status, OutcomeStatus::Replayed);
    assert_eq!(outcome.reply.unwrap().events, carried_out.events);
    stand.drain().await;
}

/// Waits until as many different commands were delivered for that time, and answers where they are
/// acknowledged.
async fn delivered(deliveries: &mut Subscriber, times: &str, commands: usize) -> Vec<String> {
    let found = async {
        let mut found = BTreeSet::new();
        while found.len() < commands {
            let message = deliveries.next().await.unwrap();
            let reply = message.reply.map(|reply| reply.to_string()).unwrap_or_default();
            // $JS.ACK.<stream>.<consumer>.<times>.<position>. …
            if reply.starts_with("$JS.ACK.COMMANDS.") && reply.split('.').nth(4) == Some(times) {
                found.insert(reply);
            }
        }
        found
    };
    timeout(LIMIT, found).await.unwrap().into_iter().collect()
}

/// As the server does once `ACK_WAIT` has passed; here because somebody tells it that the command was
/// not taken.
#[tokio::test]
async fn a_command_that_is_delivered_again_while_it_is_tried_again_overtakes_and_blocks_nothing() {
    let stand = Stand::start().await;
    let context = jetstream::new(stand.connection.clone());
    let bucket = nats::buckets::all(1).into_iter().find(|bucket| bucket.name == "KV_RESULTS");
    let bucket = bucket.unwrap();
    // Small enough that no outcome can be kept: what was carried out is tried again and again.
    let full = jetstream::stream::Config { max_message_size: 16, ..bucket.clone() };
    context.update_stream(full).await.unwrap();
    let mut deliveries = stand.connection.subscribe("_INBOX.>").await.unwrap();
    stand.connection.flush().await.unwrap();

    let tag = |tag: &str| command("ada", "tag", format!(r#"{{"tag":"{tag}"}}"#));
    let created = stand.client.enqueue(&command("ada", "create-person", CREATE)).await.unwrap();
    let waits = stand.client.enqueue(&tag("first")).await.unwrap();
    for acknowledge in delivered(&mut deliveries, "1", 2).await {
        stand.connection.publish(acknowledge, "-NAK".into()).await.unwrap();
    }
    delivered(&mut deliveries, "2", 2).await;
    // What comes after these deliveries has been taken in, so have they.
    stand.client.enqueue(&command("bob", "create-person", CREATE)).await.unwrap();
    let behind = stand.client.enqueue(&tag("second")).await.unwrap();
    eventually("both persons are created", LIMIT, async || {
        (stand.commits().await == 2).then_some(())
    })
    .await;

    context.update_stream(bucket).await.unwrap();
    let outcome = ended(&stand.client, &created).await;
    assert_eq!(outcome.status, OutcomeStatus::Replayed, "it was carried out at the first attempt");
    for (id, version) in [(created, 1), (waits, 2), (behind, 3)] {
        let outcome = ended(&stand.client, &id).await;
        assert_eq!(outcome.reply.unwrap().version.0, version);
    }
    eventually("the queue is empty", LIMIT, async || {
        (stand.messages("COMMANDS").await == 0).then_some(())
    })
    .await;
    assert_eq!(stand.commits().await, 4, "each was carried out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_one_has_seen_is_there_for_everybody() {
    let cluster = Cluster::start(3).await;
    let runtime = RuntimeOptions {
        connect: ConnectOptions::new(cluster.url()),
        provision: ProvisionOptions { replicas: 3, ..ProvisionOptions::default() },
        ..options(&cluster.nodes[0], "one")
    };
    let runtime = Runtime::start(runtime).await.unwrap();
    let client = Client::new(cluster.client().await);
    let mut everybody = Vec::new();
    for node in &cluster.nodes {
        everybody.push(Results::open(node.client().await).await.unwrap());
    }
    for number in 0..100 {
        let request = command(&format!("p{number}"), "tag", TAG);
        let id = client.enqueue(&request).await.unwrap();
        let first = &everybody[number % 3];
        // Asked without a pause: a replica that is behind has it a moment later only.
        let seen = timeout(LIMIT, async {
            loop {
                match first.of(&id).await {
                    Ok(outcome) if outcome.status != OutcomeStatus::Pending => break outcome,
                    _ => {}
                }
            }
        });
        let seen = seen.await.unwrap();
        for results in &everybody {
            assert_eq!(results.of(&id).await.unwrap(), seen);
        }
    }
    runtime.drain().await;
}
