//! Overload: who cannot be taken is told so at once, and nobody is told what is not true.

use futures::future::join_all;
use infrastructure::{
    client::Client,
    request::{CommandRequest, Status},
};
use kit::CommandId;
use tests::{Direction, Flow, History, LIMIT, Proxy, Server, Service, eventually};

use crate::{
    faults::{birth_date, create, id_of},
    metrics::{scrape, sum},
};

/// More than may wait on one person and be on its way to the log.
const COMMANDS: u64 = 2000;

/// The commands in the log, in its order.
async fn logged(client: &Client) -> Vec<CommandId> {
    let history = History::read(client.connection()).await;
    history.assert_sound();
    history.of("person.ada").iter().map(|entry| entry.command.clone()).collect()
}

/// Sends `requests` while nothing that the service says goes out, until it has refused some.
async fn overload(
    requests: &[CommandRequest],
    client: &Client,
    proxy: &Proxy,
    metrics: &str,
) -> Vec<Result<Status, String>> {
    proxy.set(Direction::ToServer, Flow::Paused);
    let callers = join_all(requests.iter().map(async |request| {
        let reply = client.send(request).await;
        reply.map(|reply| reply.status).map_err(|problem| problem.code)
    }));
    let opening = async {
        eventually("a command that is refused", LIMIT, async || {
            // Where it is counted, `busy` is among them.
            let refused = [("outcome", "unavailable")];
            (sum(&scrape(metrics).await, "commands_answered_total", &refused) > 0.0).then_some(())
        })
        .await;
        proxy.set(Direction::ToServer, Flow::Open);
    };
    tokio::join!(callers, opening).0
}

#[tokio::test]
async fn an_overloaded_service_says_that_it_is_busy_and_loses_nothing() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address()).await;
    let arguments = ["--roles", "commands", "--metrics", "127.0.0.1:0"];
    let binary = env!("CARGO_BIN_EXE_headwater");
    let mut service = Service::start(binary, &proxy.url(), &arguments).await;
    let metrics = service.line("metrics ").await.unwrap();
    let metrics = metrics.trim_start_matches("metrics ");
    let client = Client::new(server.client().await).with_timeout(LIMIT);
    // The service knows her already: it need not ask the log for anything.
    let before = [create("ada"), birth_date("ada", "set-birth-date", 0)];
    for request in &before {
        client.send(request).await.unwrap();
    }
    let requests: Vec<_> =
        (1..=COMMANDS).map(|number| birth_date("ada", "correct-birth-date", number)).collect();
    let told = overload(&requests, &client, &proxy, metrics).await;

    let (mut committed, mut busy) = (before.each_ref().map(id_of).to_vec(), Vec::new());
    for (request, told) in requests.iter().zip(told) {
        match told.as_ref().map_err(String::as_str) {
            Ok(Status::Committed) => committed.push(id_of(request)),
            Err("busy") => busy.push(request),
            other => unreachable!("{other:?}"),
        }
    }
    assert!(committed.len() > before.len() && !busy.is_empty());
    let mut log = logged(&client).await;
    log.sort();
    committed.sort();
    assert_eq!(log, committed, "what was committed is in the log once, and nothing else is");

    // Whoever was refused may come again with the same id.
    for some in busy.chunks(128) {
        for reply in join_all(some.iter().map(|request| client.send(request))).await {
            assert_eq!(reply.unwrap().status, Status::Committed);
        }
    }
    assert_eq!(logged(&client).await.len(), before.len() + requests.len());
    assert!(service.stop().await);
}
