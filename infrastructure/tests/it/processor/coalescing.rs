//! Commands that wait on one aggregate are decided together and answered after one commit.

use infrastructure::{
    memory::{Fault, MemoryStore},
    processor::ProcessorOptions,
    request::Status,
};
use kit::Version;
use tokio::sync::oneshot;

use super::{
    add, code, commits, history, note, options, request, start, start_with, submit, take, total,
    with_id,
};

#[tokio::test]
async fn commands_that_wait_together_share_one_commit() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let answers: Vec<_> = (1..=10).map(|by| submit(&processor, add("a", by))).collect();
    let mut versions = Vec::new();
    for answer in answers {
        let reply = answer.await.unwrap().unwrap();
        versions.push((reply.version.0, reply.events.len()));
    }
    assert_eq!(versions, (1..=10).map(|version| (version, 1)).collect::<Vec<_>>());
    assert_eq!((commits(&store), total(&store, "a").await), (1, 55));
}

#[tokio::test]
async fn without_coalescing_every_command_has_its_own_commit() {
    let store = MemoryStore::new();
    let processor = start_with(store.clone(), ProcessorOptions { coalesce: false, ..options() });
    let answers: Vec<_> = (0..10).map(|_| submit(&processor, add("a", 1))).collect();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!((commits(&store), history(&store, "a").await.len()), (10, 10));
}

#[tokio::test]
async fn a_batch_has_no_more_commands_than_allowed() {
    let store = MemoryStore::new();
    let processor = start_with(store.clone(), ProcessorOptions { batch_max: 4, ..options() });
    let answers: Vec<_> = (0..10).map(|_| submit(&processor, add("a", 1))).collect();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(commits(&store), 3);
}

#[tokio::test]
async fn every_answer_waits_for_the_events_it_was_decided_on() {
    let store = MemoryStore::new();
    let (release, held) = oneshot::channel();
    store.fault(Fault::Held(held));
    let processor = start(store.clone());
    let committed = submit(&processor, with_id(add("a", 2), "two"));
    let mut others = vec![
        submit(&processor, take("a", 3)),
        submit(&processor, add("a", 0)),
        submit(&processor, with_id(add("a", 2), "two")),
    ];
    // Another aggregate's command goes through the engine after them.
    processor.execute(add("b", 1)).await.unwrap();
    assert!(others.iter_mut().all(|answer| answer.try_recv().is_err()));
    release.send(()).unwrap();
    let position = committed.await.unwrap().unwrap().position;
    let mut answers = Vec::new();
    for answer in others {
        answers.push(answer.await.unwrap());
    }
    assert!(answers[1..].iter().all(|answer| answer.as_ref().unwrap().position == position));
    let codes: Vec<_> = answers.into_iter().map(code).collect();
    assert_eq!(codes, ["too-few", "Unchanged", "Replayed"]);
}

#[tokio::test]
async fn an_id_that_is_reused_within_a_batch_is_refused_after_it() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let first = submit(&processor, with_id(add("a", 2), "two"));
    let second = submit(&processor, with_id(add("a", 3), "two"));
    assert_eq!(code(first.await.unwrap()), "Committed");
    assert_eq!(code(second.await.unwrap()), "id-reused");
    assert_eq!(total(&store, "a").await, 2);
}

#[tokio::test]
async fn a_repeat_of_a_command_that_was_refused_in_the_batch_is_decided_on_what_came_between() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let refused = submit(&processor, with_id(take("a", 2), "take"));
    let between = submit(&processor, add("a", 2));
    let again = submit(&processor, with_id(take("a", 2), "take"));
    let codes = [refused, between, again].map(async |answer| code(answer.await.unwrap()));
    let codes = futures::future::join_all(codes).await;
    assert_eq!(codes, ["too-few", "Committed", "Committed"]);
}

#[tokio::test]
async fn the_expected_version_is_the_one_that_those_before_lead_to() {
    let processor = start(MemoryStore::new());
    let at = |version| {
        let mut request = add("a", 1);
        request.expected_version = Some(Version(version));
        request
    };
    let answers = [at(0), at(1), at(1), at(2)].map(|request| submit(&processor, request));
    let codes = answers.map(async |answer| code(answer.await.unwrap()));
    let codes = futures::future::join_all(codes).await;
    assert_eq!(codes, ["Committed", "Committed", "wrong-version", "Committed"]);
}

#[tokio::test]
async fn a_batch_is_cut_before_it_is_larger_than_a_commit() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let answers: Vec<_> = (0..5).map(|_| submit(&processor, note("a", 200_000))).collect();
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().status, Status::Committed);
    }
    assert_eq!(commits(&store), 3);
}

#[tokio::test]
async fn a_command_whose_own_events_are_too_large_is_refused_and_holds_nobody_up() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let answers = [add("a", 1), request("a", "climb", r#"{"steps":2000}"#), add("a", 1)]
        .map(|request| submit(&processor, request));
    let codes = answers.map(async |answer| code(answer.await.unwrap()));
    let codes = futures::future::join_all(codes).await;
    assert_eq!(codes, ["Committed", "too-large", "Committed"]);
    assert_eq!(total(&store, "a").await, 2);
}
