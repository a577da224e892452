//! How the log grows, as its server tells.

use async_nats::jetstream;
use chrono::Utc;
use infrastructure::{
    growth::{RoomOf, examine},
    provision::{ProvisionOptions, provision},
};
use kit::Position;
use tests::Server;

#[tokio::test]
async fn commits_are_counted_by_day_and_by_aggregate_and_the_room_is_told() {
    let server = Server::start_synced().await;
    let client = server.client().await;
    provision(&client, &ProvisionOptions::default()).await.unwrap();
    let empty = examine(&client, ["person"], 1, None).await.unwrap();
    assert_eq!((empty.commits, empty.bytes, empty.full_in_days), (0, 0, None));
    assert_eq!(empty.days.iter().map(|day| day.commits).collect::<Vec<_>>(), [0, 0]);

    let context = jetstream::new(client.clone());
    for subject in ["event.person.a", "event.person.b", "event.mail.a", "event.person.a"] {
        context.publish(subject, "[]".into()).await.unwrap().await.unwrap();
    }
    let before = Utc::now().date_naive();
    let growth = examine(&client, ["person", "mail", "design"], 3, None).await.unwrap();
    assert_eq!((growth.commits, growth.first_position), (4, Position(1)));
    assert_eq!(growth.last_position, Position(4));
    let of: Vec<_> =
        growth.aggregates.iter().map(|of| (of.aggregate, of.commits, of.recent)).collect();
    assert_eq!(of, [("person", 3, 3), ("mail", 1, 1), ("design", 0, 0)]);
    assert_eq!(growth.days.len(), 4);
    assert_eq!(growth.days.iter().map(|day| day.commits).sum::<u64>(), 4);
    assert!(growth.days[3].day >= before && growth.days[0].commits == 0, "{growth:?}");
    assert!(growth.pace.commits_per_day > 0.0 && growth.bytes_in_30_days > 0.0);
    assert_eq!((growth.room.of, growth.room.limit), (RoomOf::Account, None));

    // Without a limit of the account, that of the server counts.
    let monitored = examine(&client, [], 1, server.broker().monitoring()).await.unwrap();
    assert_eq!(monitored.room.of, RoomOf::Server);
    assert!(monitored.room.limit.is_some_and(|limit| limit > 0), "{monitored:?}");
    assert!(monitored.full_in_days.is_some_and(|days| days > 0.0), "{monitored:?}");
}

#[tokio::test]
async fn without_a_log_there_is_nothing_to_tell() {
    let server = Server::start().await;
    let refused = examine(&server.client().await, [], 1, None).await.unwrap_err();
    assert_eq!(refused.code, "unavailable");
}
