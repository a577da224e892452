//! Times of the log turned into positions. Not here: what stands there.

use std::{fmt::Display, time::Duration};

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
    stream::Stream,
};
use chrono::{DateTime, TimeDelta, Utc};
use kit::Position;
use nats::names;
use serde_json::json;

use crate::{backup::PutBack, problem::Problem};

/// The server drops the consumer that only told where it begins after so long.
const INACTIVE_MAX: Duration = Duration::from_secs(5);

/// The stream of events behind `client`.
pub(crate) async fn open(client: &async_nats::Client) -> Result<Stream, Problem> {
    let context = jetstream::new(client.clone());
    context.get_stream(names::EVENTS).await.map_err(|error| away(&error))
}

/// The first position that was stored at `time` or later; behind the end if there is none.
///
/// The server finds it when it makes a consumer that begins there.
pub(super) async fn first_since(stream: &Stream, time: DateTime<Utc>) -> Result<Position, Problem> {
    // The server counts nanoseconds in 64 bits: a later moment would begin at the beginning.
    let time = time.clamp(DateTime::UNIX_EPOCH, DateTime::from_timestamp_nanos(i64::MAX));
    // The client's own type of a moment is another crate's; both read RFC 3339.
    let since = json!({ "deliver_policy": "by_start_time", "opt_start_time": time });
    let deliver_policy: DeliverPolicy =
        serde_json::from_value(since).map_err(|error| Problem::invalid(error.to_string()))?;
    let config = pull::Config {
        deliver_policy,
        ack_policy: AckPolicy::None,
        num_replicas: 1,
        memory_storage: true,
        inactive_threshold: INACTIVE_MAX,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(|error| away(&error))?;
    Ok(Position(consumer.cached_info().delivered.stream_sequence).next())
}

/// Refuses a time for which the log behind `client` no longer knows what had been stored by then.
pub(crate) async fn check_time(
    client: &async_nats::Client,
    time: DateTime<Utc>,
) -> Result<(), Problem> {
    match PutBack::find(client).await? {
        Some(it) if it.ended.is_none_or(|ended| time <= ended) => Err(Problem::invalid(format!(
            "the log came back from a backup at {}, up to position {}, and when that was stored before is \
             not known here; name a position, or a time since then",
            it.begun, it.position
        ))),
        _ => Ok(()),
    }
}

/// The last position that was stored at `time` or before.
pub(crate) async fn last_until(stream: &Stream, time: DateTime<Utc>) -> Result<Position, Problem> {
    let after = time.checked_add_signed(TimeDelta::nanoseconds(1)).unwrap_or(time);
    let behind = first_since(stream, after).await?;
    Ok(Position(behind.0.saturating_sub(1)))
}

pub(super) fn away(error: &dyn Display) -> Problem {
    Problem::unavailable(format!("the event log does not answer: {error}"))
}
