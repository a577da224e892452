//! Setting a key aside at an event that cannot be folded, and the room that there is for it.
//! Not here: what becomes of it.

use std::{
    future::Future,
    sync::{Arc, MutexGuard, PoisonError},
};

use super::Projector;
use crate::{
    deadletter::{BookError, Record},
    envelope,
    handler::{Attempts, Delivery, Ended, Waits, dead_letter},
    readmodel::reading::{Fault, Reading},
};

impl Projector {
    /// Parks the key of `delivery` at the event that failed.
    pub(in crate::readmodel) async fn park(
        &mut self,
        delivery: &Delivery,
        fault: Fault,
    ) -> Result<(), Ended> {
        let Fault { at, whole, failure } = fault;
        let key = delivery.subject.as_str();
        let elements = if whole { None } else { envelope::decode(&delivery.body).ok() };
        let element = elements.as_ref().and_then(|elements| elements.get(at.index));
        let failed = Attempts::one(failure.to_string());
        let letters = Arc::clone(&self.letters);
        let event = (at.index, element);
        let parked = dead_letter(&letters.book, delivery, event, &failure, failed);
        let Some(parked) = parked else {
            return Err(Ended::Halted(format!("{key} at {at}: {failure}")));
        };
        let most = self.duty.options.parked_keys_max;
        let room = loop {
            if let Some(room) = letters.book.room(key, most) {
                break room;
            }
            let reason = format!("{most} keys are parked, and no more may; {key} is the next");
            self.wait_for_room(reason).await?;
        };
        let (handler, class) = (self.duty.name, parked.class);
        tracing::error!(handler, key, %at, ?class, "parked: {failure}");
        self.reach("park.before").await;
        self.write(letters.book.append(key, Record::Parked(Box::new(parked)))).await?;
        self.reach("park.after").await;
        drop(room);
        Ok(())
    }

    /// Stands still until something has changed, doing what is due about keys meanwhile.
    pub(super) async fn wait_for_room(&mut self, reason: String) -> Result<(), Ended> {
        tracing::error!(handler = self.duty.name, "halted: {reason}");
        self.duty.gauge.halted(reason);
        let mut changes = self.letters.book.changes();
        if !self.do_what_is_due().await? {
            tokio::select! {
                biased;
                () = self.duty.lost.cancelled() => return Err(Ended::Lost),
                () = self.duty.stop.cancelled() => return Err(Ended::Stopped),
                _ = changes.changed() => {}
            }
        }
        self.duty.gauge.running(self.duty.epoch);
        Ok(())
    }

    /// Why no more may wait, if so; then `reading` ends before the first commit that would.
    pub(super) fn overfull(&self, reading: &mut Reading) -> Option<String> {
        if !self.leads {
            return None;
        }
        let waits = self.waits();
        let full = reading.passed.iter().find_map(|passed| {
            waits.full(&passed.subject).map(|reason| (passed.from.position, reason))
        });
        drop(waits);
        let (position, reason) = full?;
        reading.cut(position);
        reading.fault = None;
        Some(reason)
    }

    pub(super) fn passed(&mut self, reading: &Reading) {
        for passed in reading.passed.iter().filter(|passed| passed.from.position <= reading.to) {
            self.owed.insert(passed.subject.clone());
            if self.leads {
                self.waits().pass(&passed.subject, passed.from.position);
            }
        }
    }

    pub(in crate::readmodel) fn waits(&self) -> MutexGuard<'_, Waits> {
        // Every change under the lock is total, so poison says nothing about the counts.
        self.letters.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for records to be written, unless the instance stops or loses the projection.
    pub(in crate::readmodel) async fn write<T>(
        &self,
        writing: impl Future<Output = Result<T, BookError>>,
    ) -> Result<T, Ended> {
        let written = tokio::select! {
            biased;
            written = writing => written,
            () = self.duty.lost.cancelled() => return Err(Ended::Lost),
            () = self.duty.stop.cancelled() => return Err(Ended::Stopped),
        };
        written.map_err(|error| match error {
            BookError::Fenced => Ended::Lost,
            error => Ended::Halted(error.to_string()),
        })
    }

    pub(in crate::readmodel) async fn reach(&self, name: &'static str) {
        self.duty.options.fail_points.reach(name).await;
    }
}
