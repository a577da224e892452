//! Timers as they are seen from outside.

use async_nats::jetstream;
use futures::TryStreamExt as _;
use infrastructure::{
    composition::HandlerKind,
    handler::duties,
    timers::{TimerReport, TimerState, list},
};
use nats::Subject;
use tests::{LIMIT, eventually};

use super::later;
use crate::handlers::world::World;

#[tokio::test]
async fn timers_are_listed_with_what_they_will_do_and_what_set_them() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 108).await;
    world.serve_and_react("bob", 109).await;
    let foreign = Subject::TimerSet {
        aggregate: "server".to_owned(),
        id: "cleo".parse().unwrap(),
        name: "return".to_owned(),
    };
    let context = jetstream::new(world.connection.clone());
    let newer = r#"{"kind":"of-the-future"}"#;
    context.publish(foreign.to_string(), newer.into()).await.unwrap().await.unwrap();
    let all = list(&world.connection, None, None).await.unwrap();
    let all: Vec<TimerReport> = all.try_collect().await.unwrap();
    let shown: Vec<_> = all.iter().map(|it| (it.subject.as_str(), it.state)).collect();
    assert_eq!(
        shown,
        [
            ("timer.set.server.ada.return", TimerState::Waiting),
            ("timer.set.server.bob.return", TimerState::Waiting),
            ("timer.set.server.cleo.return", TimerState::Unreadable),
        ]
    );
    let planned = all[0].planned.clone().unwrap();
    assert_eq!((planned.command.as_str(), planned.body.as_str()), ("return", r#"{"ball":108}"#));
    assert_eq!(planned.cause.handler, "return-later");
    let id = "bob".parse().unwrap();
    let bobs = list(&world.connection, Some("server"), Some(&id)).await.unwrap();
    assert_eq!(bobs.try_collect::<Vec<_>>().await.unwrap().len(), 1);
    handlers.stop().await;
}

#[tokio::test]
async fn the_owner_of_the_timers_and_what_is_due_can_be_seen() {
    let mut world = World::start().await;
    assert_eq!(duties(&world.connection).await.unwrap(), [], "nobody ever did it");
    let handlers = world.handlers(&later(), "one").await;
    let connection = world.connection.clone();
    let report = async |lag: u64| {
        eventually(&format!("{lag} timers are due"), LIMIT, async || {
            let mut duties = duties(&connection).await.unwrap();
            let timers = duties.pop().filter(|duty| duty.lag == lag && duty.owner.is_some())?;
            (timers.lag_ms.is_some() == (lag > 0)).then_some(timers)
        })
        .await
    };
    let timers = report(0).await;
    assert_eq!((timers.name.as_str(), timers.kind), ("timers", HandlerKind::Duty));
    assert_eq!((timers.owner.as_deref(), timers.stale), (Some("one"), false));
    world.serve_and_react("ada", 212).await;
    world.serve_and_react("bob", 213).await;
    world.close().await;
    report(2).await;
    world.open().await;
    report(0).await;
    handlers.stop().await;
    assert_eq!(duties(&world.connection).await.unwrap().remove(0).owner, None);
}
