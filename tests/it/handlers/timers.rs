//! What a timer promises: its command once its time has come, in spite of crashes, repeats, moves,
//! losses and wrong clocks.

use std::sync::atomic::{AtomicI64, Ordering};

use async_nats::{HeaderMap, jetstream};
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use infrastructure::{
    composition::Composition,
    durable::{OutcomeStatus, Results},
    envelope::decode,
    handler::{HandlerOptions, Handlers},
    request::CommandRequest,
    timers::{TimerOptions, TimerRecord, TimerReport, TimerState, list},
};
use kit::{CommandId, Order, Policy, Reaction, Recorded, Start, TimerKey};
use nats::{Subject, headers, names};
use tests::{LIMIT, eventually};

use super::{
    table_tennis::{Receiver, Return, Served, ServerEvent, UNLUCKY},
    world::{World, table},
};

/// Whatever is served is returned later: below 100 soon, below 200 in an hour, below 300 in three
/// seconds, from 400 on an hour ago. 300 cancels what is to be returned.
#[derive(Debug, Clone, Copy)]
struct ReturnLater;

const CANCEL: u64 = 300;

impl Policy for ReturnLater {
    const NAME: &'static str = "return-later";
    const START: Start = Start::Beginning;
    type When = ServerEvent;

    fn react(&self, event: &Recorded<ServerEvent>) -> serde_json::Result<Vec<Reaction>> {
        let ServerEvent::Served(Served { ball }) = event.event;
        let key = TimerKey::from("return");
        let wait = match ball {
            CANCEL => return Ok(vec![key.cancel()]),
            0..100 => TimeDelta::milliseconds(300),
            100..200 => TimeDelta::hours(1),
            200..300 => TimeDelta::seconds(3),
            _ => TimeDelta::hours(-1),
        };
        let order = Order::to::<Receiver>(&event.aggregate_id, Return { ball })?;
        Ok(vec![key.set(event.time + wait, order)])
    }
}

fn later() -> Composition {
    table().policy(ReturnLater)
}

impl World {
    async fn timers(&self) -> jetstream::stream::Stream {
        jetstream::new(self.connection.clone()).get_stream(names::TIMERS).await.unwrap()
    }

    /// Everything in the stream, by subject, the oldest first.
    async fn timer_records(&self) -> Vec<(String, TimerRecord)> {
        let state = self.timers().await.cached_info().state.clone();
        let mut records = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            let Ok(message) = self.timers().await.get_raw_message(sequence).await else { continue };
            let record = serde_json::from_slice(&message.payload).unwrap();
            records.push((message.subject.to_string(), record));
        }
        records
    }

    /// The one record that is left of the timer of `id`.
    async fn only_record(&self, id: &str) -> Option<TimerRecord> {
        let of = |subject: &str| subject.split('.').nth(3) == Some(id);
        let records = self.timer_records().await;
        let mut records: Vec<_> = records.into_iter().filter(|(subject, _)| of(subject)).collect();
        (records.len() == 1).then(|| records.remove(0).1)
    }

    /// Waits until the timer of `id` is done with, and tells how.
    async fn done(&self, id: &str) -> (DateTime<Utc>, String) {
        eventually(&format!("the timer of {id} is done with"), LIMIT, async || {
            match self.only_record(id).await {
                Some(TimerRecord::Done { time, outcome, .. }) => Some((time, outcome)),
                _ => None,
            }
        })
        .await
    }

    async fn serve_and_react(&self, id: &str, ball: u64) {
        let reply = self.serve(id, ball).await;
        self.reached("return-later", reply.position).await;
    }

    async fn returned(&self, id: &str) -> Vec<u64> {
        self.balls("receiver").await.remove(id).unwrap_or_default()
    }

    async fn is_due(&self, id: &str) {
        let filter = format!("timer.due.server.{id}.return");
        eventually("the server has fired", LIMIT, async || {
            let stream = self.timers().await;
            stream.get_last_raw_message_by_subject(&filter).await.ok()
        })
        .await;
    }

    async fn handlers_by(&self, instance: &str, clock: fn() -> DateTime<Utc>) -> Handlers {
        let options = self.options(instance);
        let timers = TimerOptions { clock, ..options.timers };
        self.handlers_with(&later(), HandlerOptions { timers, ..options }).await
    }
}

#[tokio::test]
async fn a_timer_fires_once_when_its_time_has_come_and_leaves_only_a_trace() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve("ada", 1).await;
    assert_eq!(world.done("ada").await.1, "committed");
    assert_eq!(world.returned("ada").await, [1]);
    let messages = world.messages().await;
    let (cause, effect) =
        (decode(&messages[0].payload).unwrap(), decode(&messages[1].payload).unwrap());
    let (cause, effect) = (&cause[0], &effect[0]);
    assert_eq!(effect.metadata.command_id, CommandId::derived("return-later", cause.id, 0));
    assert_eq!(effect.metadata.causation_id, Some(cause.id.to_string()));
    assert_eq!(effect.metadata.correlation_id, cause.metadata.correlation_id);
    assert!(effect.time - cause.time >= TimeDelta::milliseconds(300), "never early");
    handlers.stop().await;
}

#[tokio::test]
async fn a_time_that_has_passed_fires_at_once() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve("ada", 401).await;
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [401]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_timer_is_moved_by_setting_it_again_earlier_and_later() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 101).await;
    world.serve_and_react("ada", 2).await;
    world.serve_and_react("bob", 201).await;
    world.serve_and_react("bob", 102).await;
    // Set after bob's first one, for as long: when it has fired, bob's would have.
    world.serve_and_react("cleo", 202).await;
    world.done("ada").await;
    world.done("cleo").await;
    assert_eq!((world.returned("ada").await, world.returned("cleo").await), (vec![2], vec![202]));
    let left = world.only_record("bob").await.unwrap();
    let TimerRecord::Set(planned) = left else { panic!("{left:?}") };
    assert_eq!(planned.body, r#"{"ball":102}"#);
    assert!(world.returned("bob").await.is_empty());
    handlers.stop().await;
}

#[tokio::test]
async fn a_cancelled_timer_does_not_fire_also_after_the_server_was_killed() {
    let mut world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 203).await;
    world.serve_and_react("ada", CANCEL).await;
    let left = world.only_record("ada").await.unwrap();
    assert!(matches!(left, TimerRecord::Cancelled { .. }), "{left:?}");
    world.server.kill9();
    world.server.restart().await;
    let id = "dan".parse().unwrap();
    let any = CommandRequest::new("server", id, "serve", r#"{"ball":110}"#).identified();
    eventually("commands are taken again", LIMIT, async || world.client.send(&any).await.ok())
        .await;
    // Set later, for as long: when it has fired, the other would have.
    world.serve_and_react("bob", 204).await;
    world.done("bob").await;
    assert!(world.returned("ada").await.is_empty());
    handlers.stop().await;
}

#[tokio::test]
async fn an_event_that_comes_again_neither_brings_a_timer_back_nor_moves_it() {
    let world = World::start().await;
    let first = world.handlers(&later(), "one").await;
    for (id, balls) in [("ada", [103, CANCEL]), ("bob", [104, 105]), ("cleo", [106, 3])] {
        for ball in balls {
            world.serve_and_react(id, ball).await;
        }
    }
    world.done("cleo").await;
    first.stop().await;
    let before = world.timers().await.cached_info().state.last_sequence;
    let context = jetstream::new(world.connection.clone());
    let checkpoints = context.get_key_value(names::CHECKPOINTS).await.unwrap();
    checkpoints.purge("return-later").await.unwrap();
    let second = world.handlers(&later(), "two").await;
    world.owned_by("return-later", "two").await;
    world.reached("return-later", world.last().await).await;
    assert_eq!(world.timers().await.cached_info().state.last_sequence, before, "nothing written");
    second.stop().await;
}

#[tokio::test]
async fn what_was_fired_while_no_service_ran_and_twice_leads_to_one_command() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 205).await;
    handlers.stop().await;
    world.is_due("ada").await;
    let subject = "timer.due.server.ada.return";
    let due = world.timers().await.get_last_raw_message_by_subject(subject).await.unwrap();
    let context = jetstream::new(world.connection.clone());
    context.publish(subject, due.payload).await.unwrap().await.unwrap();
    let handlers = world.handlers(&later(), "two").await;
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [205]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_fired_timer_that_was_cancelled_before_its_command_was_sent_is_dropped() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 206).await;
    handlers.stop().await;
    world.is_due("ada").await;
    let reply = world.serve("ada", CANCEL).await;
    // This instance's clock is slow: it lets the fired timer wait, and cancels it meanwhile.
    let slow = world.handlers_by("two", || Utc::now() - TimeDelta::seconds(60)).await;
    world.reached("return-later", reply.position).await;
    slow.stop().await;
    let handlers = world.handlers(&later(), "three").await;
    eventually("only the trace is left", LIMIT, async || {
        let record = world.only_record("ada").await?;
        matches!(record, TimerRecord::Cancelled { .. }).then_some(())
    })
    .await;
    assert!(world.returned("ada").await.is_empty());
    handlers.stop().await;
}

#[tokio::test]
async fn timers_survive_a_killed_server_and_a_killed_owner() {
    let mut world = World::start().await;
    let first = world.instance(&later(), "one");
    world.owned_by("return-later", "one").await;
    world.serve_and_react("ada", 207).await;
    first.kill().await;
    world.server.kill9();
    world.server.restart().await;
    let second = world.instance(&later(), "two");
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [207]);
    second.kill().await;
}

#[tokio::test]
async fn a_schedule_that_the_server_lost_is_found_and_fired() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 208).await;
    lose(&world, "ada").await;
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [208]);
    handlers.stop().await;
}

/// The record stands, and the server knows of no schedule.
async fn lose(world: &World, id: &str) {
    let subject = format!("timer.set.server.{id}.return");
    let set = world.timers().await.get_last_raw_message_by_subject(&subject).await.unwrap();
    let mut map = HeaderMap::new();
    map.insert(headers::ROLLUP, headers::ROLLUP_SUBJECT);
    let context = jetstream::new(world.connection.clone());
    context.publish_with_headers(subject, map, set.payload).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn a_slow_clock_lets_a_fired_timer_wait_and_a_right_one_sends_it() {
    static AHEAD: AtomicI64 = AtomicI64::new(-3600);
    let world = World::start().await;
    let clock = || Utc::now() + TimeDelta::seconds(AHEAD.load(Ordering::Relaxed));
    let handlers = world.handlers_by("one", clock).await;
    world.serve_and_react("ada", 4).await;
    world.is_due("ada").await;
    // Fired after ada's, and due an hour ago by this clock, too.
    world.serve_and_react("bob", 402).await;
    AHEAD.store(-1800, Ordering::Relaxed);
    world.done("bob").await;
    assert!(world.returned("ada").await.is_empty());
    AHEAD.store(0, Ordering::Relaxed);
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [4]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_fast_clock_fires_nothing_before_its_time() {
    let world = World::start().await;
    let handlers = world.handlers_by("one", || Utc::now() + TimeDelta::hours(2)).await;
    world.serve_and_react("ada", 107).await;
    world.serve_and_react("bob", 209).await;
    lose(&world, "bob").await;
    // The sweep that finds bob's has passed ada's, which is older in the stream.
    world.done("bob").await;
    assert!(world.returned("ada").await.is_empty());
    assert!(matches!(world.only_record("ada").await, Some(TimerRecord::Set(_))));
    handlers.stop().await;
}

#[tokio::test]
async fn a_refused_command_is_kept_with_its_reason_once_clocks_cannot_be_why() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve("ada", UNLUCKY).await;
    let (time, outcome) = world.done("ada").await;
    assert_eq!(outcome, "unlucky");
    let messages = world.messages().await;
    let cause = decode(&messages[0].payload).unwrap().remove(0);
    let skew = TimeDelta::from_std(world.options("one").timers.skew).unwrap();
    assert!(time >= cause.time + TimeDelta::milliseconds(300) + skew);
    let results = Results::open(world.connection.clone()).await.unwrap();
    let kept = results.of(&CommandId::derived("return-later", cause.id, 0)).await.unwrap();
    assert_eq!(kept.status, OutcomeStatus::Refused);
    assert_eq!(kept.original.unwrap().subject, "command.receiver.ada.return");
    handlers.stop().await;
}

#[tokio::test]
async fn a_command_that_nobody_takes_is_sent_again_until_somebody_does() {
    let mut world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 5).await;
    world.close().await;
    world.is_due("ada").await;
    world.open().await;
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [5]);
    handlers.stop().await;
}

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
