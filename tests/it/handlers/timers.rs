//! What a timer promises: its command once its time has come, in spite of crashes, repeats, moves,
//! losses and wrong clocks.

mod clocks;
mod cluster;
mod crashes;
mod seen;
mod setting;

use async_nats::{HeaderMap, jetstream};
use chrono::{DateTime, TimeDelta, Utc};
use infrastructure::{
    composition::Composition,
    handler::{HandlerOptions, Handlers},
    timers::{TimerOptions, TimerRecord},
};
use kit::{Order, Policy, Reaction, Recorded, Start, TimerKey};
use nats::{headers, names};
use tests::{LIMIT, eventually};

use super::{
    table_tennis::{Receiver, Return, Served, ServerEvent},
    world::{World, read, table},
};

/// Whatever is served is returned later: below 100 soon, below 200 in an hour, below 300 in three
/// seconds, from 400 on an hour ago, and from 1000 on in as many seconds as it is beyond that. 300
/// cancels what is to be returned, and 500 waits for ever.
#[derive(Debug, Clone, Copy)]
struct ReturnLater;

const CANCEL: u64 = 300;
const NEVER: u64 = 500;
const IN_SECONDS: u64 = 1000;
/// How long what is to be done before a timer is due may take, in one attempt after the other.
const SECONDS: [i64; 5] = [3, 6, 12, 24, 48];

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
            IN_SECONDS.. => TimeDelta::seconds((ball - IN_SECONDS).cast_signed()),
            _ => TimeDelta::hours(-1),
        };
        let order = Order::to::<Receiver>(&event.aggregate_id, Return { ball })?;
        let at = if ball == NEVER { DateTime::<Utc>::MAX_UTC } else { event.time + wait };
        Ok(vec![key.set(at, order)])
    }
}

fn later() -> Composition {
    table().policy(ReturnLater)
}

impl World {
    async fn timers(&self) -> jetstream::stream::Stream {
        self.stream(names::TIMERS).await
    }

    /// Everything in the stream, by subject, the oldest first.
    async fn timer_records(&self) -> Vec<(String, TimerRecord)> {
        let stream = self.timers().await;
        let state = stream.cached_info().state.clone();
        let mut records = Vec::new();
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            let Some(message) = read(&stream, sequence).await else { continue };
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

    /// Sets a timer, does `change` to it before its time comes, and tells which timer and in how many
    /// seconds it was due. A machine that is too slow for that gets another timer, with twice the time.
    async fn in_time(&self, name: &str, change: impl AsyncFn(&str)) -> (String, u64) {
        for seconds in SECONDS {
            let (id, due) = (format!("{name}-{seconds}"), Utc::now() + TimeDelta::seconds(seconds));
            let seconds = seconds.cast_unsigned();
            self.serve_and_react(&id, IN_SECONDS + seconds).await;
            change(&id).await;
            if Utc::now() < due {
                return (id, seconds);
            }
        }
        panic!("this machine is too slow for {SECONDS:?} seconds")
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

/// The record stands, and the server knows of no schedule; unless the schedule has fired already.
async fn lose(world: &World, id: &str) {
    let subject = format!("timer.set.server.{id}.return");
    let Ok(set) = world.timers().await.get_last_raw_message_by_subject(&subject).await else {
        return;
    };
    let mut map = HeaderMap::new();
    map.insert(headers::EXPECTED_LAST_SUBJECT_SEQUENCE, set.sequence.to_string().as_str());
    map.insert(headers::ROLLUP, headers::ROLLUP_SUBJECT);
    let context = jetstream::new(world.connection.clone());
    // Refused if something has come in between.
    let _ = context.publish_with_headers(subject, map, set.payload).await.unwrap().await;
}
