//! Ending in good order under load.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use infrastructure::{client::Client, runtime::Runtime};
use tests::{LIMIT, eventually};

use super::{Stand, command, options};

/// Tags people until nobody takes commands any more. Counts what was committed.
async fn tag_until_nobody_answers(client: Client, id: String, committed: Arc<AtomicU64>) {
    client.send(&command(&id, "create-person", super::CREATE)).await.unwrap();
    committed.fetch_add(1, Ordering::Relaxed);
    for number in 0.. {
        let body = format!(r#"{{"tag":"t{number}"}}"#);
        match client.send(&command(&id, "tag", body)).await {
            Ok(_) => committed.fetch_add(1, Ordering::Relaxed),
            // Refused before anything was done: the caller may go elsewhere.
            Err(problem) if problem.code == "unavailable" => return,
            Err(problem) if problem.status == 422 => {
                let body = format!(r#"{{"tag":"t{}"}}"#, number - 1);
                let _ = client.send(&command(&id, "untag", body)).await;
                return;
            }
            Err(problem) => panic!("a command on its way was not answered: {problem}"),
        };
    }
}

#[tokio::test]
async fn whoever_is_answered_nothing_was_done_and_whoever_was_taken_is_answered() {
    let stand = Stand::start().await;
    let committed = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..32)
        .map(|caller| {
            let client = stand.client.clone();
            let committed = Arc::clone(&committed);
            tokio::spawn(tag_until_nobody_answers(client, format!("p{caller}"), committed))
        })
        .collect();
    let busy = async || (committed.load(Ordering::Relaxed) > 200).then_some(());
    eventually("commands under way", LIMIT, busy).await;
    stand.runtime.drain().await;
    for caller in callers {
        caller.await.unwrap();
    }
    let context = async_nats::jetstream::new(stand.connection.clone());
    let state = context.get_stream("EVENTS").await.unwrap().cached_info().state.clone();
    assert_eq!(state.messages, committed.load(Ordering::Relaxed));
}

#[tokio::test]
async fn another_instance_takes_over_what_one_leaves() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let other = Runtime::start(options(&stand.server, "two")).await.unwrap();
    stand.runtime.drain().await;
    let reply = stand.client.send(&command("ada", "tag", super::TAG)).await.unwrap();
    assert_eq!(reply.version.0, 2);
    other.drain().await;
}
