//! Other writers: what was decided on a state that is no longer so is decided again.

use infrastructure::{
    memory::{Fault, MemoryStore},
    processor::ProcessorOptions,
    request::Status,
    store::{AppendError, Store},
};
use kit::{Position, Version};

use super::{
    add, code, commits,
    counter::{Added, Taken},
    faulty::Faulty,
    foreign, history, key, options, start, start_with, submit, take, total, with_id,
};

#[tokio::test]
async fn a_batch_that_loses_is_decided_again_as_a_whole() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let base = processor.execute(add("a", 5)).await.unwrap().position;
    store
        .append(&key("a"), base, foreign("a", "other", 2, &[Taken { by: 4 }.into()]))
        .await
        .unwrap();
    // On the state that this engine knows, all three would be accepted.
    let answers =
        [take("a", 1), take("a", 1), add("a", 1)].map(|request| submit(&processor, request));
    let codes = answers.map(async |answer| code(answer.await.unwrap()));
    assert_eq!(futures::future::join_all(codes).await, ["Committed", "too-few", "Committed"]);
    assert_eq!((commits(&store), total(&store, "a").await), (3, 1));
}

#[tokio::test]
async fn a_refusal_is_not_given_on_a_state_that_has_passed() {
    let store = MemoryStore::new();
    let (one, two) = (start(store.clone()), start(store.clone()));
    one.execute(add("a", 1)).await.unwrap();
    two.execute(add("a", 9)).await.unwrap();
    assert_eq!(code(one.execute(take("a", 10)).await), "Committed");
}

#[tokio::test]
async fn unchanged_and_wrong_version_are_not_answered_on_a_state_that_has_passed() {
    let store = MemoryStore::new();
    let (one, two) = (start(store.clone()), start(store.clone()));
    one.execute(add("a", 1)).await.unwrap();
    let last = two.execute(add("a", 9)).await.unwrap();
    let unchanged = one.execute(add("a", 0)).await.unwrap();
    assert_eq!((unchanged.version, unchanged.position), (Version(2), last.position));
    two.execute(add("a", 1)).await.unwrap();
    let mut expecting = add("a", 0);
    expecting.expected_version = Some(Version(3));
    assert_eq!(one.execute(expecting).await.unwrap().status, Status::Unchanged);
}

#[tokio::test]
async fn a_command_that_another_instance_carried_out_is_replayed() {
    let store = MemoryStore::new();
    let (one, two) = (start(store.clone()), start(store.clone()));
    one.execute(add("a", 1)).await.unwrap();
    two.execute(with_id(add("a", 9), "nine")).await.unwrap();
    assert_eq!(code(one.execute(with_id(add("a", 9), "nine")).await), "Replayed");
    assert_eq!(total(&store, "a").await, 10);
}

#[tokio::test]
async fn only_answers_without_events_ask_where_the_log_ends() {
    let store = Faulty::default();
    let processor = start(store.clone());
    for _ in 0..5 {
        processor.execute(add("a", 1)).await.unwrap();
    }
    let reads = store.reads();
    processor.execute(with_id(add("a", 1), "id")).await.unwrap();
    processor.execute(with_id(add("a", 1), "id")).await.unwrap();
    assert_eq!((store.lasts(), store.reads()), (0, reads));
    processor.execute(take("a", 100)).await.unwrap_err();
    assert_eq!((store.lasts(), store.reads()), (1, reads));
}

/// A log with two commits of which reads that may come from anywhere show the first.
async fn read_behind() -> Faulty {
    let store = Faulty::default();
    let writer = start(store.log());
    let first = writer.execute(add("a", 1)).await.unwrap().position;
    writer.execute(add("a", 9)).await.unwrap();
    store.stay_behind(first);
    store
}

#[tokio::test]
async fn after_a_conflict_a_replica_that_is_behind_is_not_believed() {
    let store = read_behind().await;
    let once = ProcessorOptions { conflict_retries_max: 1, ..options() };
    let reply = start_with(store.clone(), once).execute(add("a", 1)).await.unwrap();
    assert_eq!((reply.version, total(&store.log(), "a").await), (Version(3), 11));
}

#[tokio::test]
async fn a_refusal_is_not_given_on_the_word_of_a_replica_that_is_behind() {
    let store = read_behind().await;
    assert_eq!(code(start(store.clone()).execute(take("a", 10)).await), "Committed");
    assert_eq!(total(&store.log(), "a").await, 0);
}

#[tokio::test]
async fn what_became_of_an_append_is_not_asked_of_a_replica_that_is_behind() {
    let store = Faulty::default();
    let processor = start(store.clone());
    let first = processor.execute(add("a", 1)).await.unwrap().position;
    store.stay_behind(first);
    store.log().fault(Fault::AckLost);
    assert_eq!(code(processor.execute(add("a", 2)).await), "Committed");
    assert_eq!((commits(&store.log()), total(&store.log(), "a").await), (2, 3));
}

#[tokio::test]
async fn conflicts_without_end_are_given_up() {
    let store = Faulty::default();
    store.then((0..4).map(|_| Some(AppendError::Conflict)));
    let options = ProcessorOptions { conflict_retries_max: 3, ..options() };
    let processor = start_with(store.clone(), options);
    assert_eq!(code(processor.execute(add("a", 1)).await), "conflict");
    assert_eq!(commits(&store.log()), 0);
    assert_eq!(code(processor.execute(add("a", 1)).await), "Committed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_and_fifty_clients_lose_nothing() {
    let store = MemoryStore::new();
    let options = ProcessorOptions { conflict_retries_max: 64, ..options() };
    let both = [start_with(store.clone(), options.clone()), start_with(store.clone(), options)];
    let clients = (0..50).map(|client| {
        let processor = both[client % 2].clone();
        tokio::spawn(async move {
            for number in 0..20 {
                let request = with_id(add("a", 1), &format!("client-{client}-{number}"));
                while let Err(problem) = processor.execute(request.clone()).await {
                    assert!(problem.is_transient(), "{problem}");
                }
            }
        })
    });
    for client in futures::future::join_all(clients).await {
        client.unwrap();
    }
    assert_eq!(total(&store, "a").await, 1_000);
}

#[tokio::test]
async fn a_log_that_is_shorter_than_what_is_known_of_it_is_right() {
    let store = Faulty::default();
    let processor = start(store.clone());
    for _ in 0..3 {
        processor.execute(add("a", 1)).await.unwrap();
    }
    // The same store after its last two commits were lost, as when a backup is restored.
    let restored = MemoryStore::new();
    restored
        .append(&key("a"), Position::ZERO, foreign("a", "first", 1, &[Added { by: 7 }.into()]))
        .await
        .unwrap();
    store.replace(restored);
    assert_eq!(code(processor.execute(take("a", 7)).await), "Committed");
    assert_eq!(history(&store, "a").await.len(), 2);
}
