//! Waiting for a store that is away. Not here: what is asked of it.

use chrono::{DateTime, Utc};

use crate::{
    deadletter::Cursor,
    handler::{Backoff, Duty, Ended},
    readmodel::{batch::ApplyError, reading::Fault},
};

/// Attempts at the store, made again for as long as it is away.
pub(in crate::readmodel) struct Patience<'a> {
    duty: &'a Duty,
    backoff: Backoff,
    failures: u32,
    /// When the oldest commit was stored that waits meanwhile.
    oldest: Option<DateTime<Utc>>,
}

impl<'a> Patience<'a> {
    pub(in crate::readmodel) fn new(duty: &'a Duty, oldest: Option<DateTime<Utc>>) -> Self {
        Self { duty, backoff: duty.backoff(), failures: 0, oldest }
    }

    /// Takes the end of one attempt: what came of it, or the event that is at fault; `None`, after a
    /// while, if the store is away.
    pub(in crate::readmodel) async fn take<T>(
        &mut self,
        attempt: Result<T, ApplyError>,
    ) -> Result<Option<Result<T, Fault>>, Ended> {
        let error = match attempt {
            Ok(done) => {
                if self.failures > 0 {
                    self.duty.gauge.recovered();
                }
                return Ok(Some(Ok(done)));
            }
            Err(ApplyError::Event { position, index, failure }) => {
                let at = Cursor { position, index };
                return Ok(Some(Err(Fault { at, whole: false, failure })));
            }
            Err(ApplyError::Fenced) => return Err(Ended::Lost),
            Err(ApplyError::Sql(error)) => error.to_string(),
        };
        tracing::warn!(handler = self.duty.name, "the store did not take a batch: {error}");
        self.duty.gauge.retrying(&error, self.failures == 0);
        self.duty.gauge.held_up(self.oldest);
        self.failures += 1;
        tokio::select! {
            () = self.duty.lost.cancelled() => Err(Ended::Lost),
            go_on = self.duty.pause(self.backoff.next()) => {
                if go_on { Ok(None) } else { Err(Ended::Stopped) }
            }
        }
    }
}
