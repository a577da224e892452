//! What the streams hold, as observable instruments: asked now and then, shown when somebody collects.
//! Every instance asks for itself and sees the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::{
    Client,
    jetstream::{self, stream::State},
};
use nats::names;
use opentelemetry::KeyValue;
use tokio::{task::JoinHandle, time::interval};

use super::meter;
use crate::growth::Room;

/// How often the server is asked: as often as a collector mostly comes.
const INTERVAL: Duration = Duration::from_secs(15);
/// The streams that hold what nobody else has.
const STREAMS: [&str; 4] = [names::EVENTS, names::COMMANDS, names::DLQ, names::TIMERS];

/// Asks until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug, Default)]
struct Known {
    streams: BTreeMap<&'static str, State>,
    room: Option<Room>,
}

type Shared = Arc<Mutex<Known>>;

/// Has the streams observed as long as the watch lives.
pub(crate) fn observe(client: Client) -> Watch {
    let known = Shared::default();
    instruments(&known);
    Watch(tokio::spawn(async move {
        let context = jetstream::new(client);
        let mut turns = interval(INTERVAL);
        loop {
            turns.tick().await;
            let seen = look(&context).await;
            *known.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        }
    }))
}

/// What cannot be read is not shown, rather than as it was once.
async fn look(context: &jetstream::Context) -> Known {
    let mut streams = BTreeMap::new();
    for name in STREAMS {
        match context.get_stream(name).await {
            Ok(stream) => drop(streams.insert(name, stream.cached_info().state.clone())),
            Err(error) => tracing::debug!(%error, stream = name, "cannot be measured"),
        }
    }
    Known { streams, room: Room::read(context, None).await.ok() }
}

fn instruments(known: &Shared) {
    let meter = meter();
    let gauge =
        |name: &'static str, unit: &'static str, what: &'static str, read: fn(&State) -> u64| {
            let known = Arc::clone(known);
            let builder = meter.u64_observable_gauge(name).with_unit(unit).with_description(what);
            let observed = builder.with_callback(move |observer| {
                let known = known.lock().unwrap_or_else(PoisonError::into_inner);
                for (stream, state) in &known.streams {
                    observer.observe(read(state), &[KeyValue::new("stream", *stream)]);
                }
            });
            observed.build();
        };
    gauge("streams.messages", "{message}", "Messages in a stream", |state| state.messages);
    gauge("streams.size", "By", "Their bytes on the server, in one copy", |state| state.bytes);
    gauge("streams.first_position", "", "The first message's place", |it| it.first_sequence);
    gauge("streams.last_position", "", "The last message's place", |it| it.last_sequence);
    let room = |name: &'static str, what: &'static str, read: fn(&Room) -> Option<u64>| {
        let known = Arc::clone(known);
        let builder = meter.u64_observable_gauge(name).with_unit("By").with_description(what);
        let observed = builder.with_callback(move |observer| {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bytes) = known.room.as_ref().and_then(read) {
                observer.observe(bytes, &[]);
            }
        });
        observed.build();
    };
    room("storage.used", "Bytes in files of the account", |room| Some(room.used));
    room("storage.limit", "Bytes that the account may have in files", |room| room.limit);
}
