//! How much the log holds, how fast it grows, and how much room there is. Asked with requests that cost
//! the server little, whatever the log has. Not here: what to do about it, and metrics.

mod count;
mod room;

use async_nats::{
    Client,
    jetstream::{self, stream::State},
};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use kit::Position;
use nats::{Subject, names};
use serde::Serialize;

pub use room::{Room, RoomOf};

use self::count::Counter;
use crate::{backup::PutBack, problem::Problem};

/// How the log grows. Commits are counted, because that is what the server counts; most hold one event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Growth {
    /// Commits in the log.
    pub commits: u64,
    /// Their bytes on the server, in one copy.
    pub bytes: u64,
    /// The first one.
    pub first_position: Position,
    /// The last one.
    pub last_position: Position,
    /// The restore that brought the log here, if one did. The server counts by when it stored something,
    /// which of what came back was then; so that stands in no day and in no pace.
    pub restored: Option<PutBack>,
    /// Commits on each of the last days, the oldest first; the last one is today, so far. In UTC.
    pub days: Vec<Day>,
    /// Commits of each aggregate type, over all and in those days.
    pub aggregates: Vec<OfAggregate>,
    /// How fast it grows.
    pub pace: Pace,
    /// How much room there is.
    pub room: Room,
    /// Bytes of the log in thirty days, at this pace.
    pub bytes_in_30_days: f64,
    /// In how many days the room is used up at this pace; none if there is no limit, or no growth.
    pub full_in_days: Option<f64>,
}

/// What one day brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Which one, as its midnight in UTC.
    pub day: chrono::NaiveDate,
    /// Its commits.
    pub commits: u64,
}

/// What one type of aggregate has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfAggregate {
    /// The type.
    pub aggregate: &'static str,
    /// All its commits.
    pub commits: u64,
    /// Those of the days that were looked at.
    pub recent: u64,
}

/// Growth over the time that was looked at, or over the life of the log here if that is shorter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pace {
    /// Over how many days it is the mean.
    pub over_days: f64,
    /// Commits a day.
    pub commits_per_day: f64,
    /// Bytes a day, by the mean size of all commits.
    pub bytes_per_day: f64,
}

/// A log that is younger than this tells nothing about days.
const SPAN_MIN: TimeDelta = TimeDelta::hours(1);

/// Asks how the log has grown in the last `days` days, by each of `aggregates`.
///
/// # Errors
/// `unavailable` if there is no log, or it or the page at `monitoring` does not answer.
pub async fn examine(
    client: &Client,
    aggregates: impl IntoIterator<Item = &'static str>,
    days: u8,
    monitoring: Option<&str>,
) -> Result<Growth, Problem> {
    let context = jetstream::new(client.clone());
    let log = context.get_stream(names::EVENTS).await.map_err(|error| away(&error))?;
    let state = log.cached_info().state.clone();
    let room = Room::read(&context, monitoring).await?;
    if let (None, Some(url)) = (room.limit, monitoring) {
        let detail = format!("{} does not tell a server's room for files", kit::excerpt(url));
        return Err(Problem::unavailable(detail));
    }
    let restored = PutBack::find(client).await?;
    let (now, counter) = (Utc::now(), Counter::new(client, restored.as_ref()));
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let mut since = Vec::new();
    for before in (0..=u64::from(days)).rev() {
        let start = midnight.checked_sub_days(Days::new(before)).unwrap_or(midnight);
        since.push((start, counter.since(Subject::EVENTS, start).await?));
    }
    let begin = since.first().map_or(midnight, |(start, _)| *start);
    let next = since.iter().skip(1).map(|(_, commits)| *commits).chain([0]);
    let each = since.iter().zip(next).map(|((start, commits), later)| Day {
        day: start.date_naive(),
        commits: commits.saturating_sub(later),
    });
    let each = each.collect();
    let mut of = Vec::new();
    for aggregate in aggregates {
        let subject = Subject::events_of(aggregate);
        let commits = counter.all(&subject).await?;
        let recent = counter.since(&subject, begin).await?;
        of.push(OfAggregate { aggregate, commits, recent });
    }
    let recent = since.first().map_or(0, |(_, commits)| *commits);
    // Of a log that is not whole yet nothing is known but what came back.
    let since_restore = restored.map(|it| it.ended.unwrap_or(now));
    let pace = Pace::of(&state, recent, begin.max(since_restore.unwrap_or(begin)), now);
    Ok(Growth {
        commits: state.messages,
        bytes: state.bytes,
        first_position: Position(state.first_sequence),
        last_position: Position(state.last_sequence),
        restored,
        days: each,
        aggregates: of,
        bytes_in_30_days: precise(state.bytes) + 30.0 * pace.bytes_per_day,
        pace,
        full_in_days: room.left().filter(|_| pace.bytes_per_day > 0.0).map(|left| {
            // Of all that is stored, only the log grows for ever.
            precise(left) / pace.bytes_per_day
        }),
        room,
    })
}

impl Pace {
    fn of(state: &State, recent: u64, begin: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let first = DateTime::from_timestamp(state.first_timestamp.unix_timestamp(), 0);
        let begin = first.unwrap_or(begin).max(begin);
        let over_days = (now - begin).max(SPAN_MIN).as_seconds_f64() / 86_400.0;
        let commits_per_day = precise(recent) / over_days;
        let mean =
            if state.messages == 0 { 0.0 } else { precise(state.bytes) / precise(state.messages) };
        Self { over_days, commits_per_day, bytes_per_day: commits_per_day * mean }
    }
}

/// Counts are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "a pace is no count")]
const fn precise(count: u64) -> f64 {
    count as f64
}

fn away(error: &dyn std::fmt::Display) -> Problem {
    Problem::unavailable(format!("the event log does not answer: {error}"))
}
