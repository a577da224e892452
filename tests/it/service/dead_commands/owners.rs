//! What an owner leaves to the next one.

use async_nats::jetstream;
use infrastructure::{
    deadletter::{Action, Key, Parked, Record},
    durable::OutcomeStatus,
};

use super::{
    super::{CREATE, Stand, TAG, command},
    ask, dead, key, kinds, outcome, released, restarted,
};

/// What an owner leaves behind that was killed after it had set a command aside, and whose successor
/// runs code that knows the command.
#[tokio::test]
async fn a_command_that_succeeds_after_all_is_no_dead_letter_any_more() {
    let stand = Stand::start().await;
    let id = stand.client.enqueue(&command("ada", "teleport", CREATE)).await.unwrap();
    let key = key("person", &id);
    let letter = dead(&stand, &key, 1).await;
    let stand = restarted(stand, "two", false).await;
    let mut parked = letter.parked.clone();
    let request = command("ada", "create-person", CREATE).identified();
    let queued = stand.client.enqueue(&request).await.unwrap();
    let other = Key { id: queued.as_str().parse().unwrap(), ..key };
    parked.event.at.position = kit::Position(2);
    parked.event.kind = Some("person.create-person".to_owned());
    let record = Record::Parked(Box::new(parked)).encode().unwrap();
    let context = jetstream::new(stand.connection.clone());
    context.publish(other.subject(), record).await.unwrap().await.unwrap();
    let stand = restarted(stand, "three", true).await;
    outcome(&stand, &queued, OutcomeStatus::Committed).await;
    released(&stand, &other).await;
}

#[tokio::test]
async fn a_command_that_a_former_owner_set_aside_too_late_stays_so() {
    let stand = Stand::start().await;
    let id = stand.client.enqueue(&command("ada", "teleport", TAG)).await.unwrap();
    let letter = dead(&stand, &key("person", &id), 1).await;
    // The former owner may have kept the outcome too: then the command does not come again.
    let late = key("person", &"c-late".parse().unwrap());
    let parked = Parked { epoch: 0, ..letter.parked };
    let record = Record::Parked(Box::new(parked)).encode().unwrap();
    let context = jetstream::new(stand.connection.clone());
    context.publish(late.subject(), record).await.unwrap().await.unwrap();
    dead(&stand, &late, 1).await;
    assert_eq!(kinds(&stand, &late).await, ["parked", "parked"]);
}

#[tokio::test]
async fn what_was_asked_while_nobody_worked_is_done_by_whoever_comes() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let id = stand.client.enqueue(&command("ada", "tag", r#"{"tagg":1}"#)).await.unwrap();
    let key = key("person", &id);
    let letter = dead(&stand, &key, 1).await;
    let stand = restarted(stand, "two", false).await;
    ask(&stand, &letter, Action::Override, Some(r#"{"tag":"vip"}"#)).await;
    let stand = restarted(stand, "three", true).await;
    released(&stand, &key).await;
    outcome(&stand, &id, OutcomeStatus::Committed).await;
}
