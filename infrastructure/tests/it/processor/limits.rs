//! More work than the engine takes, and the end of taking any.

use infrastructure::{
    memory::{Fault, MemoryStore},
    processor::ProcessorOptions,
};
use nats::limits::COMMAND_BYTES_MAX;
use tokio::sync::oneshot;

use super::{add, code, note, options, start, start_with, submit, total};

#[tokio::test]
async fn more_commands_than_the_service_takes_are_answered_busy_at_once() {
    let store = MemoryStore::new();
    let processor = start_with(store.clone(), ProcessorOptions { queue_max: 10, ..options() });
    let mut answers: Vec<_> =
        (0..1_000).map(|number| submit(&processor, add(&format!("id-{number}"), 1))).collect();
    assert_eq!(processor.waiting(), 10);
    for refused in &mut answers[10..] {
        let problem = refused.try_recv().unwrap().unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (503, "busy"));
    }
    for taken in answers.into_iter().take(10) {
        assert_eq!(code(taken.await.unwrap()), "Committed");
    }
    assert_eq!(processor.waiting(), 0);
    assert_eq!(code(processor.execute(add("a", 1)).await), "Committed");
}

#[tokio::test]
async fn commands_that_wait_are_bounded_by_the_bytes_of_their_bodies_too() {
    let store = MemoryStore::new();
    let (release, held) = oneshot::channel();
    store.fault(Fault::Held(held));
    let options = ProcessorOptions { queue_bytes_max: 4 * COMMAND_BYTES_MAX, ..options() };
    let processor = start_with(store.clone(), options);
    let large = note("a", COMMAND_BYTES_MAX - r#"{"text":""}"#.len());
    let first = submit(&processor, large.clone());
    // Through the engine, so that the first is under way.
    processor.execute(add("b", 1)).await.unwrap();
    let waiting: Vec<_> = (0..3).map(|_| submit(&processor, large.clone())).collect();
    for refused in [large.clone(), add("c", 1)] {
        let problem = submit(&processor, refused).try_recv().unwrap().unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (503, "busy"));
    }
    release.send(()).unwrap();
    for taken in [first].into_iter().chain(waiting) {
        assert_eq!(code(taken.await.unwrap()), "Committed");
    }
    assert_eq!(code(processor.execute(large).await), "Committed");
}

#[tokio::test]
async fn one_busy_aggregate_does_not_keep_the_others_out() {
    let store = MemoryStore::new();
    let (release, held) = oneshot::channel();
    store.fault(Fault::Held(held));
    let options = ProcessorOptions { per_aggregate_queue_max: 5, batch_max: 1, ..options() };
    let processor = start_with(store.clone(), options);
    let first = submit(&processor, add("a", 1));
    // Through the engine, so that the first is under way.
    processor.execute(add("b", 1)).await.unwrap();
    let answers: Vec<_> = (0..20).map(|_| submit(&processor, add("a", 1))).collect();
    assert_eq!(code(processor.execute(add("c", 1)).await), "Committed");
    release.send(()).unwrap();
    assert_eq!(code(first.await.unwrap()), "Committed");
    let codes = answers.into_iter().map(async |answer| code(answer.await.unwrap()));
    let codes = futures::future::join_all(codes).await;
    let busy = codes.iter().filter(|code| *code == "busy").count();
    assert_eq!((busy, total(&store, "a").await), (15, 6));
}

#[tokio::test]
async fn draining_answers_what_was_accepted_and_refuses_the_rest() {
    let store = MemoryStore::new();
    let (release, held) = oneshot::channel();
    store.fault(Fault::Held(held));
    let processor = start(store.clone());
    let under_way = submit(&processor, add("a", 1));
    processor.execute(add("b", 1)).await.unwrap();
    let waiting = submit(&processor, add("a", 2));
    let draining = tokio::spawn({
        let processor = processor.clone();
        async move { processor.drain().await }
    });
    while code(processor.execute(add("c", 1)).await) != "unavailable" {}
    assert!(!draining.is_finished());
    release.send(()).unwrap();
    draining.await.unwrap();
    assert_eq!(code(under_way.await.unwrap()), "Committed");
    assert_eq!(code(waiting.await.unwrap()), "Committed");
    assert_eq!((total(&store, "a").await, processor.waiting()), (3, 0));
    processor.drain().await;
}

#[tokio::test]
async fn an_engine_without_handles_answers_what_it_accepted() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let answers: Vec<_> = (0..10).map(|_| submit(&processor, add("a", 1))).collect();
    drop(processor);
    for answer in answers {
        assert_eq!(code(answer.await.unwrap()), "Committed");
    }
}
