//! From a stream into a folder, while others write to it.
//!
//! Everything is read until nothing more is there, not up to a place that was fixed before: a message
//! may move to the end meanwhile, as a timer does that fires and a value that is replaced, and must be
//! met at one of both places. Not here: which streams.

use std::{path::Path, sync::Arc, time::Duration};

use async_nats::jetstream::{
    self,
    stream::{LastRawMessageErrorKind, RetentionPolicy, Stream},
};
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use kit::Position;
use nats::names;
use tokio::{task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    hand::Hand,
    line::Kept,
    seen::{Progress, Seen},
    volume::Volume,
};
use crate::{
    handler::{Delivery, Feed, Item, Log, end_of},
    problem::Problem,
};

/// A stream of which nothing comes for so long is not read on; a feed by itself would try for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// The stream called `name`.
pub(super) async fn open(client: &async_nats::Client, name: &str) -> Result<Stream, Problem> {
    let stream = jetstream::new(client.clone()).get_stream(name).await;
    stream.map_err(|error| Problem::unavailable(format!("{name}: {error}")))
}

/// The last position of `stream`, as its leader knows it.
pub(super) async fn end(stream: &Stream) -> Result<Position, Problem> {
    end_of(stream).await.map_err(|error| Problem::unavailable(error.to_string()))
}

/// The commits behind what `folder` holds, up to `to`.
pub(super) async fn events(
    client: &async_nats::Client,
    stream: &Stream,
    folder: &Path,
    to: Position,
    (seen, stop): (Seen<'_>, &CancellationToken),
) -> Result<Volume, Problem> {
    let mut hand = Hand::open(folder, stream, true).await?;
    let mut from = hand.last;
    if from < to.0 {
        let mut feed = feed(client, stream, from, "copy");
        while from < to.0 && !stop.is_cancelled() {
            let Some(item) = next(&mut feed, stop).await? else { break };
            if let Item::Commit(delivery) = item
                && delivery.position <= to
            {
                from = delivery.position.0;
                hand.take(of_delivery(delivery)).await?;
                seen(Progress { doing: "copying", stream: names::EVENTS, at: from, of: to.0 });
            } else {
                let detail = format!("EVENTS has nothing between {from} and {to}");
                return Err(Problem::corrupt(detail));
            }
        }
    }
    hand.finish().await
}

/// Everything in a stream that is not the log.
pub(super) async fn rest(
    client: &async_nats::Client,
    stream: &Stream,
    folder: &Path,
    (seen, stop): (Seen<'_>, &CancellationToken),
) -> Result<Volume, Problem> {
    let name = stream.cached_info().config.name.clone();
    // As the leader has it: a replica that is behind has not said all before it is there.
    let end = end(stream).await?;
    let mut hand = Hand::open(folder, stream, false).await?;
    let told = |at| seen(Progress { doing: "copying", stream: &name, at, of: end.0.max(at) });
    if stream.cached_info().config.retention == RetentionPolicy::WorkQueue {
        // A consumer would take work away.
        while let Some(found) = next_of(stream, hand.last + 1).await? {
            let found = kept(found);
            told(found.sequence);
            hand.take(found).await?;
            if stop.is_cancelled() {
                return Err(stopped());
            }
        }
        return hand.finish().await;
    }
    if end > Position::ZERO {
        let mut feed = feed(client, stream, 0, "copy");
        loop {
            let Some(item) = next(&mut feed, stop).await? else { return Err(stopped()) };
            let at = match item {
                Item::Nothing(position) => position,
                Item::Commit(delivery) => {
                    let (at, pending) = (delivery.position, delivery.pending);
                    hand.take(of_delivery(delivery)).await?;
                    told(at.0);
                    if pending > 0 {
                        continue;
                    }
                    at
                }
            };
            if at >= end {
                break;
            }
            feed.look();
        }
    }
    hand.finish().await
}

/// That somebody asked it to end.
pub(super) fn stopped() -> Problem {
    Problem::unavailable("it was stopped before its end")
}

/// All of `stream` behind `after`, for a `purpose` that names its consumer.
pub(super) fn feed(
    client: &async_nats::Client,
    stream: &Stream,
    after: u64,
    purpose: &str,
) -> Feed {
    let log = Log::new(client, stream, &[]);
    let log = Log { subjects: stream.cached_info().config.subjects.clone(), ..log };
    let name = format!("{purpose}-{}", Uuid::now_v7().simple());
    let feed = Feed::start(log, name, Position(after), Arc::default());
    feed.look();
    feed
}

/// What comes next; none if it was stopped.
pub(super) async fn next(
    feed: &mut Feed,
    stop: &CancellationToken,
) -> Result<Option<Item>, Problem> {
    // What is there already needs no look at the token.
    if let Some(item) = feed.next().now_or_never() {
        return item.map(Some).ok_or_else(ended);
    }
    tokio::select! {
        item = timeout(PATIENCE, feed.next()) => match item {
            Ok(item) => item.map(Some).ok_or_else(ended),
            Err(_) => Err(Problem::unavailable("the server brings nothing; may this user read it?")),
        },
        () = stop.cancelled() => Ok(None),
    }
}

fn ended() -> Problem {
    Problem::unavailable("the feed has ended")
}

/// The first message from `sequence` on, as the leader has it.
async fn next_of(
    stream: &Stream,
    sequence: u64,
) -> Result<Option<jetstream::message::StreamMessage>, Problem> {
    let request = stream.raw_message_builder().sequence(sequence);
    match request.next_by_subject(nats::Subject::ENQUEUED).send().await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Problem::unavailable(error.to_string())),
    }
}

pub(super) fn kept(found: jetstream::message::StreamMessage) -> Kept {
    let time = DateTime::from_timestamp(found.time.unix_timestamp(), found.time.nanosecond());
    let time: DateTime<Utc> = time.unwrap_or_default();
    let subject = found.subject.to_string();
    Kept::new((found.sequence, time), subject, Some(&found.headers), found.payload)
}

pub(super) fn of_delivery(delivery: Delivery) -> Kept {
    let Delivery { subject, position, time, headers, body, .. } = delivery;
    Kept::new((position.0, time), subject, headers.as_ref(), body)
}

/// Work on files, away from the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = spawn_blocking(work).await;
    done.map_err(|error| Problem::internal(error.to_string()))?
}
