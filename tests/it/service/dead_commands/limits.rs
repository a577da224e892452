//! As many dead letters as there may be.

use async_nats::jetstream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use infrastructure::{
    deadletter::{Action, Parked, Record},
    durable::OutcomeStatus,
    handler::{HandlerState, duties},
};
use kit::CommandId;
use tests::{LIMIT, Letters, eventually};

use super::{
    super::{CREATE, Stand, TAG, command},
    COMMANDS, ask, dead, key, outcome, released, restarted,
};

/// Commands that may be among the dead letters.
const MOST: usize = 10_000;

/// Waits until the state of whoever owns the queue is so.
async fn state(stand: &Stand, is: impl Fn(&HandlerState) -> bool) {
    eventually("the queue's owner says so", LIMIT, async || {
        let duties = duties(&stand.connection).await.unwrap();
        let duty = duties.into_iter().find(|duty| duty.name == COMMANDS)?;
        duty.state.filter(&is).map(drop)
    })
    .await;
}

#[tokio::test]
async fn beyond_ten_thousand_dead_commands_the_next_one_waits_and_nothing_is_dropped() {
    let stand = Stand::start().await;
    let first = stand.client.enqueue(&command("ada", "teleport", TAG)).await.unwrap();
    let letter = dead(&stand, &key("person", &first), 1).await;
    let stand = restarted(stand, "two", false).await;
    let record = Record::Parked(Box::new(Parked { epoch: 0, ..letter.parked.clone() }));
    let body = record.encode().unwrap();
    let context = jetstream::new(stand.connection.clone());
    let written = stream::iter(1..MOST).map(async |number| {
        let id: CommandId = format!("c-{number}").parse().unwrap();
        let subject = key("person", &id).subject();
        context.publish(subject, body.clone()).await.unwrap().await.map(drop)
    });
    written.buffer_unordered(256).try_collect::<()>().await.unwrap();
    let stand = restarted(stand, "three", true).await;
    state(&stand, |state| matches!(state, HandlerState::Halted { .. })).await;

    let one_more = stand.client.enqueue(&command("ada", "teleport", TAG)).await.unwrap();
    let behind = stand.client.enqueue(&command("ada", "create-person", CREATE)).await.unwrap();
    let other = stand.client.enqueue(&command("bob", "create-person", CREATE)).await.unwrap();
    // Other aggregates go on.
    outcome(&stand, &other, OutcomeStatus::Committed).await;
    assert_eq!(Letters::open(&stand.connection).await.list(COMMANDS).await.len(), MOST);
    for waits in [&one_more, &behind] {
        let outcome = stand.client.result(waits).await.unwrap();
        assert_eq!(outcome.status, OutcomeStatus::Pending);
    }

    ask(&stand, &letter, Action::Discard, None).await;
    released(&stand, &letter.key).await;
    dead(&stand, &key("person", &one_more), 1).await;
    outcome(&stand, &behind, OutcomeStatus::Committed).await;
    assert_eq!(Letters::open(&stand.connection).await.list(COMMANDS).await.len(), MOST);
}
