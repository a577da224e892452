//! Whatever goes wrong in whatever order: dense versions, no command twice, one answer each.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use infrastructure::{
    memory::{Fault, MemoryStore},
    processor::{Processor, ProcessorOptions},
    request::{CommandRequest, Status},
};
use proptest::prelude::*;

use super::{add, code, history, options, start_with, submit, take, with_id};

#[derive(Debug, Clone)]
enum Step {
    /// Sends a command to one of two engines; small ids repeat.
    Send {
        engine: usize,
        aggregate: u8,
        take: bool,
        by: u64,
        id: u8,
    },
    /// The next append goes wrong.
    AckLost,
    RequestLost,
    UnderWay,
    /// What is under way arrives.
    Land,
    /// Some reads fail.
    Away(usize),
    /// Lets the engines work until they wait; the clock stands still otherwise.
    Pause,
}

fn step() -> impl Strategy<Value = Step> {
    let send = (0..2_usize, 0..3_u8, any::<bool>(), 0..4_u64, any::<u8>());
    let send = send.prop_map(|(engine, aggregate, take, by, id)| Step::Send {
        engine,
        aggregate,
        take,
        by,
        id,
    });
    prop_oneof![
        12 => send,
        1 => Just(Step::AckLost),
        1 => Just(Step::RequestLost),
        1 => Just(Step::UnderWay),
        1 => Just(Step::Land),
        1 => (1..3_usize).prop_map(Step::Away),
        3 => Just(Step::Pause),
    ]
}

fn command(aggregate: u8, takes: bool, by: u64, id: u8) -> CommandRequest {
    let name = format!("aggregate-{aggregate}");
    let request = if takes { take(&name, by) } else { add(&name, by) };
    // The same number is the same command only if everything else is the same too.
    with_id(request, &format!("{id}"))
}

async fn run(steps: Vec<Step>) {
    let store = MemoryStore::new();
    let options = ProcessorOptions {
        settle_timeout: Duration::from_millis(20),
        batch_max: 5,
        cache_max: 2,
        ..options()
    };
    let engines = [start_with(store.clone(), options.clone()), start_with(store.clone(), options)];
    let mut answers = Vec::new();
    for step in steps {
        match step {
            Step::Send { engine, aggregate, take, by, id } => {
                let request = command(aggregate, take, by, id);
                answers.push((request.clone(), submit(&engines[engine], request)));
            }
            Step::AckLost => store.fault(Fault::AckLost),
            Step::RequestLost => store.fault(Fault::RequestLost),
            Step::UnderWay => store.fault(Fault::UnderWay),
            Step::Land => store.land(),
            Step::Away(count) => store.away(count),
            Step::Pause => tokio::time::sleep(Duration::from_micros(700)).await,
        }
    }
    let mut accepted: HashMap<_, Vec<_>> = HashMap::new();
    for (request, answer) in answers {
        let result = answer.await.expect("everything is answered, and once");
        let key = (request.id, request.command_id.unwrap());
        if let Ok(reply) = result
            && reply.status != Status::Unchanged
        {
            accepted.entry(key).or_default().push((reply.position, reply.events));
        }
    }
    store.away(0);
    store.land();
    for aggregate in 0..3 {
        let id = format!("aggregate-{aggregate}");
        let events = history(&store, &id).await;
        let state = kit::scenario::fold(events.iter().map(|event| &event.event));
        check(&id, &events, &mut accepted);
        same_state(&engines, &id, &state).await;
    }
    assert!(accepted.is_empty(), "accepted and not in the log: {accepted:?}");
}

type Accepted = HashMap<
    (kit::AggregateId, kit::CommandId),
    Vec<(kit::Position, Vec<infrastructure::request::EventRef>)>,
>;

/// Each command stands in one place, and every answer names that place.
fn check(id: &str, events: &[kit::Recorded<super::CounterEvent>], accepted: &mut Accepted) {
    let mut seen = HashSet::new();
    for command in events.chunk_by(|a, b| a.metadata.command_id == b.metadata.command_id) {
        let command_id = command[0].metadata.command_id.clone();
        assert!(seen.insert(command_id.clone()), "{command_id} twice in {id}");
        let told = accepted.remove(&(id.parse().unwrap(), command_id)).unwrap_or_default();
        for (position, told) in told {
            assert_eq!(position, command[0].position);
            let ids: Vec<_> = command.iter().map(|event| (event.id, event.version)).collect();
            assert_eq!(told.iter().map(|event| (event.id, event.version)).collect::<Vec<_>>(), ids);
        }
    }
}

/// What the engines know after all is what the log says: all that is there can be taken, not more.
async fn same_state(engines: &[Processor; 2], id: &str, state: &super::Counter) {
    let [one, two] = engines;
    assert_eq!(code(one.execute(take(id, state.total + 1)).await), "too-few");
    // Faults that nobody has met yet may still be ahead.
    let all = with_id(take(id, state.total), "all");
    while let Err(problem) = two.execute(all.clone()).await {
        assert!(problem.is_transient(), "{problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_answered_twice(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps));
    }
}
