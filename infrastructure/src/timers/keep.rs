//! Setting, moving and cancelling, as reactions to events ask for it.
//! Not here: trying again; the handler's own rule says how.

use super::{
    Cause, Planned, TimerName, TimerRecord,
    store::{Stored, TimerError, TimerStore},
};
use crate::fail_points;

/// Writes that may come in between before the rest is left to the next attempt.
const CONFLICTS_MAX: usize = 8;

impl TimerStore {
    /// Sets the timer, or moves it. Once this returns, it is kept.
    pub(crate) async fn set(&self, timer: TimerName, planned: Planned) -> Result<(), TimerError> {
        let timer = checked(timer)?;
        for _ in 0..CONFLICTS_MAX {
            let last = self.last(&timer.set_subject()).await?;
            if self.knows(&timer, last.as_ref(), &planned.cause).await? {
                return Ok(());
            }
            let expected = last.as_ref().map_or(0, |last| last.sequence);
            // A schedule that is just firing takes everything on its subject with it, and on a
            // cluster that may come after the next write. It must not take the new schedule, so
            // that one is only written over something that no firing can follow.
            let waits = last.is_some_and(|last| matches!(last.record, TimerRecord::Set(_)));
            let record = if waits {
                TimerRecord::Moving { cause: planned.cause.clone() }
            } else {
                TimerRecord::Set(Box::new(planned.clone()))
            };
            let written = self.write(&timer, &record, expected).await;
            fail_points::pass("timers.written");
            match written {
                Ok(()) if waits => {}
                Ok(()) => return Ok(()),
                Err(TimerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(TimerError::Conflict)
    }

    /// Cancels the timer, if it has not fired. Once this returns, that is kept.
    pub(crate) async fn cancel(&self, timer: TimerName, cause: Cause) -> Result<(), TimerError> {
        let timer = checked(timer)?;
        for _ in 0..CONFLICTS_MAX {
            let last = self.last(&timer.set_subject()).await?;
            if self.knows(&timer, last.as_ref(), &cause).await? {
                return Ok(());
            }
            let expected = match &last {
                Some(Stored {
                    record: TimerRecord::Set(_) | TimerRecord::Moving { .. },
                    sequence,
                }) => *sequence,
                Some(_) => return Ok(()),
                // What has fired can still be stopped until its command is sent.
                None if self.last(&timer.due_subject()).await?.is_some() => 0,
                None => return Ok(()),
            };
            let record = TimerRecord::Cancelled { cause: cause.clone() };
            match self.write(&timer, &record, expected).await {
                Err(TimerError::Conflict) => {}
                written => return written,
            }
        }
        Err(TimerError::Conflict)
    }

    /// Whether the timer has met this reaction before, or a later one.
    async fn knows(
        &self,
        timer: &TimerName,
        last: Option<&Stored>,
        cause: &Cause,
    ) -> Result<bool, TimerError> {
        let fired;
        let last = match last {
            Some(last) => last,
            // The server puts a fired timer there before it takes its schedule away.
            None => match self.last(&timer.due_subject()).await? {
                Some(due) => {
                    fired = due;
                    &fired
                }
                None => return Ok(false),
            },
        };
        let known = last.record.cause();
        if known.handler != cause.handler {
            let handler = known.handler.clone();
            return Err(TimerError::Taken { timer: timer.to_string(), handler });
        }
        let half_moved = matches!(last.record, TimerRecord::Moving { .. });
        Ok(known.place() > cause.place() || (known.place() == cause.place() && !half_moved))
    }
}

fn checked(timer: TimerName) -> Result<TimerName, TimerError> {
    let name = timer.name.clone();
    timer.checked().ok_or(TimerError::Name(name))
}
