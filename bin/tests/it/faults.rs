//! What kills, pauses and power cuts must not change, with the built binary as the service.
//! After each fault the whole log is read back and checked.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{Days, NaiveDate};
use futures::{StreamExt as _, future::join_all, stream};
use infrastructure::{
    client::Client,
    request::{CommandRequest, Reply, Status},
};
use kit::{AggregateId, CommandId, EventId};
use tests::{Direction, Flow, History, LIMIT, Proxy, Server, Service, eventually};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");
const ADA: &str = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;

fn command(id: &str, name: &str, body: impl Into<Bytes>) -> CommandRequest {
    let id: AggregateId = id.parse().unwrap();
    let request = CommandRequest::new("person", id, name, body).identified();
    CommandRequest { user_id: Some("tester".to_owned()), ..request }
}

pub(crate) fn create(id: &str) -> CommandRequest {
    command(id, "create-person", ADA)
}

/// A different birth date for each number.
pub(crate) fn birth_date(id: &str, name: &str, number: u64) -> CommandRequest {
    let date = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + Days::new(number % 40_000);
    let reason = if name == "set-birth-date" { "" } else { r#","reason":"a better source""# };
    command(id, name, format!(r#"{{"date":"{date}"{reason}}}"#))
}

pub(crate) fn id_of(request: &CommandRequest) -> CommandId {
    request.command_id.clone().unwrap()
}

/// Sends `request` until somebody answers for good, as a caller with a command id may.
async fn insist(client: &Client, request: &CommandRequest) -> Reply {
    eventually("an answer to a repeated command", 4 * LIMIT, async || {
        match client.send(request).await {
            Ok(reply) => Some(reply),
            Err(problem) if problem.is_transient() => None,
            Err(problem) => unreachable!("{problem}"),
        }
    })
    .await
}

/// Carries out a command of `ada` up to its append, kills the service before it can answer, and
/// starts it again. Gives back the command.
async fn lose_the_reply(server: &Server, service: &mut Service, proxy: &Proxy) -> CommandRequest {
    let client = Client::new(server.client().await);
    insist(&client, &create("ada")).await;
    let request = birth_date("ada", "set-birth-date", 0);
    let before = History::read(client.connection()).await.of("person.ada").len();

    proxy.set(Direction::ToServer, Flow::Paused);
    let sent = tokio::spawn({
        let (client, request) = (client.clone(), request.clone());
        async move { client.send(&request).await }
    });
    // A commit has several hundred bytes; a connection that only keeps itself alive has six.
    eventually("the append on its way", LIMIT, async || {
        (proxy.held(Direction::ToServer) > 400).then_some(())
    })
    .await;
    proxy.set(Direction::ToClient, Flow::Paused);
    proxy.set(Direction::ToServer, Flow::Open);
    eventually("the append in the log", LIMIT, async || {
        let history = History::read(client.connection()).await;
        (history.of("person.ada").len() > before).then_some(())
    })
    .await;

    service.kill9().await;
    assert!(sent.await.unwrap().is_err(), "nobody can have answered");
    proxy.cut();
    proxy.set(Direction::ToClient, Flow::Open);
    service.restart().await;
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_reply_died_with_the_service_is_replayed_however_much_later() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address()).await;
    let mut service = Service::start(BINARY, &proxy.url(), &["--roles", "commands"]).await;
    let request = lose_the_reply(&server, &mut service, &proxy).await;
    let client = Client::new(server.client().await);

    let first = insist(&client, &request).await;
    assert_eq!(first.status, Status::Replayed);

    let later = stream::iter(1..=70_000)
        .map(|number| birth_date("ada", "correct-birth-date", number))
        .map(|request| {
            let client = client.clone();
            async move { insist(&client, &request).await.status }
        })
        .buffer_unordered(128)
        .filter(|status| std::future::ready(*status == Status::Committed))
        .count();
    assert!(later.await > 69_000, "the later commands are commits");

    assert_eq!(insist(&client, &request).await, first);
    service.restart().await;
    assert_eq!(insist(&client, &request).await, first);
    let history = History::read(client.connection()).await;
    history.assert_holds("person.ada", [&id_of(&request)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_the_broker_under_load_loses_and_repeats_nothing() {
    let mut server = Server::start_synced().await;
    let mut service = Service::start(BINARY, server.url(), &["--roles", "commands"]).await;
    let client = Client::new(server.client().await);
    let people: Vec<String> = (0..8).map(|number| format!("p{number}")).collect();

    let load = people.iter().map(async |person| {
        let mut acknowledged = Vec::new();
        let first = [create(person), birth_date(person, "set-birth-date", 0)];
        let more = (1..60).map(|number| birth_date(person, "correct-birth-date", number));
        for request in first.into_iter().chain(more) {
            insist(&client, &request).await;
            acknowledged.push(id_of(&request));
        }
        (format!("person.{person}"), acknowledged)
    });
    let kills = async {
        for _ in 0..3 {
            let before = commits(&client).await;
            eventually("commits between two kills", LIMIT, async || {
                (commits(&client).await > before + 20).then_some(())
            })
            .await;
            server.kill9();
            server.restart().await;
        }
    };
    let (acknowledged, ()) = tokio::join!(join_all(load), kills);

    let history = History::read(client.connection()).await;
    for (person, commands) in acknowledged {
        history.assert_holds(&person, &commands);
        assert_eq!(history.of(&person).len(), commands.len(), "{person} holds what was asked");
    }
    assert!(service.stop().await, "the service has survived its broker");
}

async fn commits(client: &Client) -> u64 {
    eventually("the log's state", LIMIT, async || {
        let context = async_nats::jetstream::new(client.connection().clone());
        let stream = context.get_stream(nats::names::EVENTS).await.ok()?;
        Some(stream.cached_info().state.last_sequence)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_of_two_instances_lose_nothing_on_one_aggregate() {
    let server = Server::start().await;
    let mut first = Service::start(BINARY, server.url(), &["--roles", "commands"]).await;
    let mut second = Service::start(BINARY, server.url(), &["--roles", "commands"]).await;
    let client = Client::new(server.client().await);
    insist(&client, &create("ada")).await;
    insist(&client, &birth_date("ada", "set-birth-date", 0)).await;

    let clients = (0..50_u64).map(|caller| {
        let server = &server;
        async move {
            let client = Client::new(server.client().await);
            let mut acknowledged = Vec::new();
            for round in 0..20 {
                let number = 1 + caller + 50 * round;
                let request = birth_date("ada", "correct-birth-date", number);
                if insist(&client, &request).await.status != Status::Unchanged {
                    acknowledged.push(id_of(&request));
                }
            }
            acknowledged
        }
    });
    let acknowledged: Vec<CommandId> = join_all(clients).await.concat();

    let history = History::read(client.connection()).await;
    history.assert_holds("person.ada", &acknowledged);
    assert_eq!(history.of("person.ada").len(), acknowledged.len() + 2);
    assert!(first.stop().await && second.stop().await);
}

/// Makes `people` known and gives each three ways to be reached, while `between` happens.
async fn meet(client: &Client, people: std::ops::Range<u32>, between: impl Future<Output = ()>) {
    let requests = people.map(|number| async move {
        let id = format!("p{number}");
        insist(client, &create(&id)).await;
        for kind in ["home", "work", "spare"] {
            let body = format!(
                r#"{{"contact_id":"{kind}","kind":"email","value":"{kind}-{number}@example.org"}}"#
            );
            insist(client, &command(&id, "add-contact", body)).await;
        }
    });
    tokio::join!(stream::iter(requests).buffer_unordered(8).count(), between);
}

/// Waits until every person of the log is being onboarded with all its contacts, then checks that
/// each fact was noted once and in the order in which it happened.
async fn assert_onboarded(client: &Client, people: usize) {
    let history = eventually("every fact noted", 4 * LIMIT, async || {
        let history = History::read(client.connection()).await;
        let noted = |id: &str| {
            let entries = history.of(&id.replace("person.", "onboarding."));
            entries.iter().filter(|entry| entry.kind == "onboarding.onboarding-fact-noted").count()
        };
        let known = history.aggregates.keys().filter(|id| id.starts_with("person."));
        let done = known.clone().count() == people && known.into_iter().all(|id| noted(id) == 3);
        done.then_some(history)
    })
    .await;
    history.assert_sound();
    let places: BTreeMap<EventId, u64> =
        history.aggregates.values().flatten().map(|entry| (entry.id, entry.position.0)).collect();
    for (id, entries) in history.aggregates.iter().filter(|(id, _)| id.starts_with("onboarding.")) {
        let causes: Vec<u64> = entries
            .iter()
            .filter_map(|entry| places.get(&entry.causation.as_ref()?.parse().ok()?).copied())
            .collect();
        assert_eq!(causes.len(), entries.len(), "{id}: each event has a cause in the log");
        assert!(causes.is_sorted(), "{id}: facts in another order than they happened: {causes:?}");
        let started = entries.iter().filter(|e| e.kind == "onboarding.onboarding-started").count();
        assert_eq!(started, 1, "{id} is started once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_owner_of_a_policy_dies_another_goes_on_in_order_and_acts_once() {
    let server = Server::start().await;
    let mut owner = Service::start(BINARY, server.url(), &[]).await;
    let client = Client::new(server.client().await);
    meet(&client, 0..10, std::future::ready(())).await;
    let _heir =
        Service::start(BINARY, server.url(), &["--roles", "commands,policies,durable"]).await;
    meet(&client, 10..40, async { owner.kill9().await }).await;
    assert_onboarded(&client, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_owner_that_wakes_up_neither_repeats_nor_reorders() {
    let server = Server::start().await;
    let mut owner = Service::start(BINARY, server.url(), &["--roles", "policies"]).await;
    let mut heir = Service::start(BINARY, server.url(), &["--roles", "commands,policies"]).await;
    let client = Client::new(server.client().await);
    meet(&client, 0..20, async { owner.pause() }).await;
    // The paused owner holds the leases until they run out: whoever notes these facts is the heir.
    assert_onboarded(&client, 20).await;
    meet(&client, 20..40, async { owner.resume() }).await;
    assert_onboarded(&client, 40).await;
    assert!(owner.stop().await && heir.stop().await);
}
