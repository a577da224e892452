//! Streams without room: whoever is not served is told why, in the broker's words.

use async_nats::jetstream::{self, stream::Config};
use nats::names;
use tests::LIMIT;

use super::{CREATE, Stand, command};

/// Leaves `stream` no room.
async fn fill(stand: &Stand, stream: &str) {
    let context = jetstream::new(stand.connection.clone());
    let found = context.get_stream(stream).await.unwrap();
    let full = Config { max_bytes: 1, ..found.cached_info().config.clone() };
    context.update_stream(full).await.unwrap();
}

#[tokio::test]
async fn a_log_without_room_is_the_reason_of_an_unknown_outcome() {
    let stand = Stand::start().await;
    fill(&stand, names::EVENTS).await;
    let client = stand.client.clone().with_timeout(LIMIT);
    let unknown = client.send(&command("ada", "create-person", CREATE)).await.unwrap_err();
    assert_eq!(unknown.code, "outcome-unknown");
    assert!(unknown.detail.contains("maximum bytes exceeded"), "{unknown}");
}

#[tokio::test]
async fn a_queue_without_room_says_so_at_once() {
    let stand = Stand::start().await;
    fill(&stand, names::COMMANDS).await;
    let unknown = stand.client.enqueue(&command("ada", "create-person", CREATE)).await.unwrap_err();
    assert_eq!(unknown.code, "outcome-unknown");
    assert!(unknown.detail.contains("maximum bytes exceeded"), "{unknown}");
}

#[tokio::test]
async fn a_queue_that_refuses_for_good_has_stored_nothing() {
    let stand = Stand::start().await;
    let context = jetstream::new(stand.connection.clone());
    let found = context.get_stream(names::COMMANDS).await.unwrap();
    let narrow = Config { max_message_size: 16, ..found.cached_info().config.clone() };
    context.update_stream(narrow).await.unwrap();
    let refused = stand.client.enqueue(&command("ada", "create-person", CREATE)).await.unwrap_err();
    assert_eq!(refused.code, "unavailable");
    assert!(refused.detail.contains("message size exceeds maximum"), "{refused}");
    assert_eq!(stand.messages(names::COMMANDS).await, 0);
}
