//! Which aggregates stay loaded: as many as there is room for, by number and by bytes.

use infrastructure::{
    memory::MemoryStore,
    processor::{Processor, ProcessorOptions},
    request::CommandRequest,
};
use kit::Version;

use super::{add, code, commits, faulty::Faulty, note, options, start_with, submit, with_id};

#[tokio::test]
async fn an_aggregate_that_left_the_cache_is_as_it_was() {
    let store = MemoryStore::new();
    let options = ProcessorOptions { cache_max: 2, ..options() };
    let processor = start_with(store.clone(), options);
    for round in 0..3 {
        for id in ["a", "b", "c", "d"] {
            let request = with_id(add(id, 1), &format!("round-{round}"));
            assert_eq!(processor.execute(request).await.unwrap().version, Version(round + 1));
        }
    }
    assert_eq!(code(processor.execute(with_id(add("a", 1), "round-0")).await), "Replayed");
    assert_eq!(commits(&store), 12);
}

/// Reads that `request` needs.
async fn reads(store: &Faulty, processor: &Processor, request: CommandRequest) -> usize {
    let before = store.reads();
    processor.execute(request).await.unwrap();
    store.reads() - before
}

#[tokio::test]
async fn the_cache_is_bounded_by_the_bytes_of_receipts() {
    let store = Faulty::default();
    // Two hundred receipts have some 35,000.
    let options = ProcessorOptions { cache_bytes_max: 60_000, ..options() };
    let processor = start_with(store.clone(), options);
    for id in ["a", "b"] {
        let answers: Vec<_> = (0..200).map(|_| submit(&processor, add(id, 1))).collect();
        for answer in answers {
            assert_eq!(code(answer.await.unwrap()), "Committed");
        }
    }
    assert_eq!(reads(&store, &processor, add("b", 1)).await, 0, "the one used last stayed");
    assert!(reads(&store, &processor, add("a", 1)).await > 0, "the other one went");
}

#[tokio::test]
async fn the_cache_is_bounded_by_the_bytes_of_states() {
    let store = Faulty::default();
    let options = ProcessorOptions { cache_bytes_max: 100_000, ..options() };
    let processor = start_with(store.clone(), options.clone());
    for id in ["a", "b"] {
        processor.execute(note(id, 60_000)).await.unwrap();
    }
    assert_eq!(reads(&store, &processor, add("b", 1)).await, 0, "the one used last stayed");
    assert!(reads(&store, &processor, add("a", 1)).await > 0, "the other one went");
    // What was read counts as what was appended does.
    let processor = start_with(store.clone(), options);
    for id in ["a", "b", "a"] {
        assert!(reads(&store, &processor, add(id, 1)).await > 0, "there is room for one");
    }
}

#[tokio::test]
async fn an_aggregate_counts_for_what_it_holds_and_not_for_what_it_was_told() {
    let store = Faulty::default();
    let options = ProcessorOptions { cache_bytes_max: 100_000, ..options() };
    let processor = start_with(store.clone(), options);
    processor.execute(add("b", 1)).await.unwrap();
    for _ in 0..50 {
        processor.execute(note("a", 10_000)).await.unwrap();
    }
    for id in ["a", "b"] {
        assert_eq!(reads(&store, &processor, add(id, 1)).await, 0, "{id} stayed");
    }
}

#[tokio::test]
async fn an_aggregate_larger_than_the_cache_drives_no_other_out() {
    let store = Faulty::default();
    let options = ProcessorOptions { cache_bytes_max: 50_000, ..options() };
    let processor = start_with(store.clone(), options);
    processor.execute(add("small", 1)).await.unwrap();
    processor.execute(note("large", 60_000)).await.unwrap();
    assert_eq!(reads(&store, &processor, add("small", 1)).await, 0);
    assert!(reads(&store, &processor, add("large", 1)).await > 0, "it is not kept itself");
}
