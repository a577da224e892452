//! SIGTERM under load: whoever was taken is answered, and whoever was not has changed nothing.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use infrastructure::{client::Client, request::CommandRequest};
use kit::CommandId;
use tests::{History, LIMIT, Server, Service, eventually};

const ADA: &str = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;

/// What one caller was told: the ids of what was done, and of what was not.
type Told = (Vec<CommandId>, Vec<CommandId>);

/// Creates people one after the other until nobody takes commands any more.
async fn create_until_nobody_answers(client: Client, caller: u32, done: Arc<AtomicU64>) -> Told {
    let (mut committed, mut refused) = (Vec::new(), Vec::new());
    for number in 0.. {
        let id = format!("p{caller}-{number}").parse().unwrap();
        let request = CommandRequest::new("person", id, "create-person", ADA).identified();
        let id = request.command_id.clone().unwrap();
        match client.send(&request).await {
            Ok(_) => {
                done.fetch_add(1, Ordering::Relaxed);
                committed.push(id);
            }
            Err(problem) => {
                assert_eq!(problem.code, "unavailable", "it was taken and not answered: {problem}");
                refused.push(id);
                break;
            }
        }
    }
    (committed, refused)
}

#[tokio::test]
async fn a_service_that_is_asked_to_stop_answers_everything_it_has_taken() {
    let server = Server::start().await;
    let mut service = Service::start(env!("CARGO_BIN_EXE_headwater"), server.url(), &[]).await;
    let client = Client::new(server.client().await);
    let done = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..64)
        .map(|caller| create_until_nobody_answers(client.clone(), caller, Arc::clone(&done)))
        .map(tokio::spawn)
        .collect();
    eventually("commands under way", LIMIT, async || {
        (done.load(Ordering::Relaxed) > 500).then_some(())
    })
    .await;
    assert!(service.stop().await, "SIGTERM ends it with 0");

    let history = History::read(client.connection()).await;
    history.assert_sound();
    let entries = history.aggregates.values().flatten();
    let logged: BTreeSet<_> = entries.map(|entry| entry.command.clone()).collect();
    for caller in callers {
        let (committed, refused) = caller.await.unwrap();
        assert!(committed.iter().all(|id| logged.contains(id)), "answered, so in the log");
        assert!(refused.iter().all(|id| !logged.contains(id)), "refused, so nothing was done");
    }
}
