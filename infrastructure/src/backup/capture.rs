//! From a stream into a folder, while others write to it.
//!
//! Everything is read until nothing more is there, not up to a place that was fixed before: a message
//! may move to the end meanwhile, as a timer does that fires and a value that is replaced, and must be
//! met at one of both places. Not here: which streams.

use std::{io, path::Path, time::Duration};

use async_nats::jetstream::{
    self,
    stream::{LastRawMessageErrorKind, RetentionPolicy, Stream},
};
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use kit::Position;
use nats::names;
use serde::Serialize;
use tokio::{task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    files,
    line::Kept,
    marker,
    seen::{Progress, Seen},
    volume::Volume,
    whole,
    writer::Writer,
};
use crate::{
    handler::{Delivery, Feed, Item, Log, end_of},
    problem::Problem,
    replay::{Bound, last_until},
};

/// Records that are written at a time, by number and by bytes.
const HAND: usize = 1_024;
const HAND_BYTES: usize = 8 * nats::limits::COMMIT_BYTES_MAX;

/// A stream of which nothing comes for so long is not read on; a feed by itself would try for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an archive holds now.
#[derive(Debug, Clone, Serialize)]
pub struct Archived {
    /// Up to here it was there before.
    pub from: u64,
    /// Up to here it goes now.
    pub to: u64,
    /// The end of the log when it was looked at.
    pub end: u64,
    /// Commits in it.
    pub records: u64,
    /// The chain behind the last.
    pub chain: super::Chain,
    /// Whether it was told to stop before.
    pub stopped: bool,
}

/// Adds to the archive in `folder` what has come since, up to `until` or to the end.
///
/// # Errors
/// `conflict` if the folder holds something else, the archive of another log, or a part of a backup, or if
/// the log is being restored; `corrupt`;
/// `unavailable` if the log or the folder does not answer.
pub async fn archive(
    client: &async_nats::Client,
    folder: &Path,
    until: Option<Bound>,
    (seen, stop): (Seen<'_>, &CancellationToken),
) -> Result<Archived, Problem> {
    if is_of_backup(folder)? {
        let detail = format!("{} is part of a backup; name another folder", folder.display());
        return Err(Problem::conflict(detail));
    }
    marker::unfinished(client).await?;
    let stream = open(client, names::EVENTS).await?;
    let end = end_of(&stream).await.map_err(|error| Problem::unavailable(error.to_string()))?;
    let to = match until {
        None => end,
        Some(Bound::Position(position)) => position.min(end),
        Some(Bound::Time(time)) => last_until(&stream, time).await?.min(end),
    };
    let before = continued(&stream, folder).await?;
    let volume = events(client, &stream, folder, to, (seen, stop)).await?;
    marker::unfinished(client).await?;
    let (records, chain, last) = (volume.records(), volume.chain(), volume.last());
    let stopped = last < to.0;
    Ok(Archived { from: before, to: last, end: end.0, records, chain, stopped })
}

/// Whether the folder stands in a whole backup: what is added there would make another one of it.
fn is_of_backup(folder: &Path) -> Result<bool, Problem> {
    let path = match folder.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::path::absolute(folder).map_err(files::refused(folder))?
        }
        Err(error) => return Err(files::refused(folder)(error)),
    };
    Ok(path.parent().is_some_and(|parent| parent.join(whole::FILE).exists()))
}

/// The stream called `name`.
pub(super) async fn open(client: &async_nats::Client, name: &str) -> Result<Stream, Problem> {
    let stream = jetstream::new(client.clone()).get_stream(name).await;
    stream.map_err(|error| Problem::unavailable(format!("{name}: {error}")))
}

/// Where the archive in `folder` ends, if the log goes on there.
pub(super) async fn continued(stream: &Stream, folder: &Path) -> Result<u64, Problem> {
    let name = stream.cached_info().config.name.clone();
    let path = folder.to_owned();
    let last = blocking(move || match Volume::open(&path) {
        Ok(volume) if volume.stream() == name => match volume.last() {
            0 => Ok(None),
            last => Ok(volume.read(last - 1).take()?),
        },
        // Whoever begins to write says what stands there instead.
        Ok(_) => Ok(None),
        Err(problem) if problem.code == "not-found" => Ok(None),
        Err(problem) => Err(problem),
    });
    let Some(last) = last.await? else { return Ok(0) };
    let at = last.sequence;
    let other = || {
        let detail = format!(
            "{} archives another log: its record {at} is not what stands there now",
            folder.display()
        );
        Problem::conflict(detail)
    };
    let found = match stream.get_raw_message(at).await {
        Ok(found) => found,
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
            return Err(other());
        }
        Err(error) => return Err(Problem::unavailable(error.to_string())),
    };
    if kept(found).is_same(&last) { Ok(at) } else { Err(other()) }
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
        let mut feed = feed(client, stream, from);
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
    let end = end_of(stream).await.map_err(|error| Problem::unavailable(error.to_string()))?;
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
        let mut feed = feed(client, stream, 0);
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

fn feed(client: &async_nats::Client, stream: &Stream, after: u64) -> Feed {
    let log = Log::new(client, stream, &[]);
    let log = Log { subjects: stream.cached_info().config.subjects.clone(), ..log };
    let name = format!("copy-{}", Uuid::now_v7().simple());
    let feed = Feed::start(log, name, Position(after), std::sync::Arc::default());
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

/// Records on their way into a folder, some at a time.
struct Hand {
    writer: Option<Writer>,
    records: Vec<Kept>,
    bytes: usize,
    last: u64,
}

impl Hand {
    async fn open(folder: &Path, stream: &Stream, dense: bool) -> Result<Self, Problem> {
        let (folder, name) = (folder.to_owned(), stream.cached_info().config.name.clone());
        let writer = blocking(move || Writer::open(&folder, &name, dense)).await?;
        Ok(Self { last: writer.last(), writer: Some(writer), records: Vec::new(), bytes: 0 })
    }

    async fn take(&mut self, kept: Kept) -> Result<(), Problem> {
        self.last = kept.sequence;
        self.bytes += kept.size();
        self.records.push(kept);
        if self.records.len() >= HAND || self.bytes >= HAND_BYTES {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Problem> {
        let gone = || Problem::internal("the writer is gone");
        let mut writer = self.writer.take().ok_or_else(gone)?;
        let records = std::mem::take(&mut self.records);
        self.bytes = 0;
        let written = blocking(move || writer.append(&records).map(|()| writer));
        self.writer = Some(written.await?);
        Ok(())
    }

    async fn finish(mut self) -> Result<Volume, Problem> {
        self.write().await?;
        let gone = || Problem::internal("the writer is gone");
        let writer = self.writer.take().ok_or_else(gone)?;
        blocking(move || writer.finish()).await
    }
}
