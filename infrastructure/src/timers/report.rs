//! Timers as any process can see them: from the stream, without asking their owner.

use async_nats::Client;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{Stream, stream};
use kit::AggregateId;
use nats::Subject;
use serde::Serialize;

use super::{
    Planned, TimerName, TimerOptions, TimerRecord,
    store::{Scan, Seen, TimerError, TimerStore},
};
use crate::problem::Problem;

/// Where a timer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimerState {
    /// It waits for its time.
    Waiting,
    /// Its time has come; its command is on the way.
    Due,
    /// Its time passed so long ago that its command should have been answered.
    Overdue,
    /// Whatever stands there is not ours, or newer than this program.
    Unreadable,
}

/// One timer that is not over.
#[derive(Debug, Clone, Serialize)]
pub struct TimerReport {
    /// The subject of its message.
    pub subject: String,
    /// Where it stands.
    pub state: TimerState,
    /// Which timer.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub timer: Option<TimerName>,
    /// Its plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
}

/// All timers, or those of one aggregate type or aggregate, in the order they were set.
///
/// # Errors
/// `unavailable`, if the stream cannot be read; also as an item.
pub async fn list(
    client: &Client,
    aggregate: Option<&str>,
    id: Option<&AggregateId>,
) -> Result<impl Stream<Item = Result<TimerReport, Problem>> + Send + use<>, Problem> {
    let store = TimerStore::open(client.clone()).await.map_err(|error| unavailable(&error))?;
    let late = overdue_since(&store).await.map_err(|error| unavailable(&error))?;
    let scan =
        store.scan(Subject::timers_of(aggregate, id)).await.map_err(|error| unavailable(&error))?;
    Ok(stream::try_unfold(scan, move |mut scan: Scan| async move {
        while let Some(seen) = scan.next().await.map_err(|error| unavailable(&error))? {
            if let Some(report) = report(&seen, late) {
                return Ok(Some((report, scan)));
            }
        }
        Ok(None)
    }))
}

/// How many timers are overdue or unreadable, and since when the oldest.
///
/// # Errors
/// `unavailable`, if the stream cannot be read.
pub async fn overdue(client: &Client) -> Result<(u64, Option<DateTime<Utc>>), Problem> {
    let store = TimerStore::open(client.clone()).await.map_err(|error| unavailable(&error))?;
    let late = overdue_since(&store).await.map_err(|error| unavailable(&error))?;
    let mut scan =
        store.scan(Subject::timers_of(None, None)).await.map_err(|error| unavailable(&error))?;
    let (mut count, mut oldest) = (0, None::<DateTime<Utc>>);
    while let Some(seen) = scan.next().await.map_err(|error| unavailable(&error))? {
        let Some(TimerReport { state, planned, .. }) = report(&seen, late) else { continue };
        if matches!(state, TimerState::Overdue | TimerState::Unreadable) {
            count += 1;
            let at = planned.map(|planned| planned.at);
            oldest = oldest.into_iter().chain(at).min();
        }
    }
    Ok((count, oldest))
}

fn unavailable(error: &TimerError) -> Problem {
    Problem::unavailable(error.to_string())
}

/// What was due then and still is was missed by a firing, a sweep and the attempts after it.
async fn overdue_since(store: &TimerStore) -> Result<Times, TimerError> {
    let TimerOptions { sweep_interval, lost_after, skew, .. } = TimerOptions::default();
    let grace = TimeDelta::from_std(sweep_interval * 2 + lost_after + skew).unwrap_or_default();
    let now = store.time().await?;
    Ok(Times { now, late: now - grace })
}

#[derive(Debug, Clone, Copy)]
struct Times {
    now: DateTime<Utc>,
    late: DateTime<Utc>,
}

fn report(seen: &Seen, times: Times) -> Option<TimerReport> {
    let subject = seen.subject.clone();
    let unreadable = |timer| {
        let state = TimerState::Unreadable;
        Some(TimerReport { subject: subject.clone(), state, timer, planned: None })
    };
    let Some((timer, fired)) = seen.timer() else { return unreadable(None) };
    match seen.record() {
        Ok(TimerRecord::Set(planned)) => {
            let state = match planned.at {
                at if at < times.late => TimerState::Overdue,
                at if fired || at <= times.now => TimerState::Due,
                _ => TimerState::Waiting,
            };
            Some(TimerReport { subject, state, timer: Some(timer), planned: Some(*planned) })
        }
        Ok(_) => None,
        Err(_) => unreadable(Some(timer)),
    }
}
