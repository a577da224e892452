//! What a policy asks of timers, turned into records of them.
//! Not here: keeping and firing them.

use chrono::TimeDelta;
use kit::{Reaction, TimerKey};

use super::{Failure, Source};
use crate::{
    request::CommandRequest,
    timers::{Cause, Planned, TimerError, TimerName, TimerStore},
};

/// A timer that waits for so long begins a new count of hops: a reminder each month is no loop.
const NEW_COUNT: TimeDelta = TimeDelta::minutes(1);

/// Keeps a timer as `reaction`, the one numbered `ordinal` to `source`, asks. `request` makes the
/// command of an order.
pub(super) async fn keep(
    timers: &TimerStore,
    source: &Source<'_>,
    handler: &str,
    ordinal: usize,
    reaction: &Reaction,
    request: impl Fn(&kit::Order) -> CommandRequest,
) -> Result<(), Failure> {
    let cause = Cause {
        handler: handler.to_owned(),
        event_id: source.element.id,
        position: source.position,
        index: source.index,
        ordinal,
    };
    let kept = match reaction {
        Reaction::Order(_) => Ok(()),
        Reaction::Cancel(key) => timers.cancel(name(source, key), cause).await,
        Reaction::Set(timer) => {
            let mut request = request(&timer.order);
            if timer.at - source.element.time >= NEW_COUNT {
                request.hops = 1;
            }
            let planned = Planned::new(cause, timer.at, request);
            let planned =
                planned.ok_or_else(|| Failure::Bug("a timer without an id".to_owned()))?;
            timers.set(name(source, &timer.key), planned).await
        }
    };
    kept.map_err(|error| match &error {
        TimerError::Conflict | TimerError::Away(_) => Failure::Transient(error.to_string()),
        TimerError::Taken { .. } | TimerError::TooLarge(_) | TimerError::Name(_) => {
            Failure::Bug(error.to_string())
        }
        TimerError::Foreign { .. } => Failure::Schema(error.to_string()),
    })
}

/// A timer belongs to the aggregate whose events set it.
fn name(source: &Source<'_>, key: &TimerKey) -> TimerName {
    let id = source.element.aggregate_id.clone();
    TimerName { aggregate: source.aggregate.to_owned(), id, name: key.to_string() }
}
