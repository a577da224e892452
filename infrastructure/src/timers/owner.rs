//! The owner of all timers: one instance by a lease. It sends what the server fired, waits with
//! what the server fired too early, and looks for what the server lost.
//! Not here: how one timer is sent.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use nats::Subject;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{MissedTickBehavior, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    TimerOptions, TimerRecord,
    fire::{Due, Gun},
    store::{Seen, TimerError, TimerStore},
};
use crate::{
    client::Client,
    durable::Results,
    handler::{Backoff, Contender, Gauge, Validity},
};

/// The lease's key; no handler may have this name.
pub(crate) const NAME: &str = "timers";
/// Commands under way at the same time.
const COMMANDS_MAX: usize = 64;
/// Timers held at the same time, waiting and under way.
const WINDOW: usize = 1024;
/// Attempts at one timer before its place is given to others; a sweep comes back to it.
const ATTEMPTS_MAX: u32 = 8;
/// The clock is looked at again so often while a timer waits, because it may jump.
const LOOK: Duration = Duration::from_millis(500);

/// A timer that is held: its time, and the message that says so.
type Held = (DateTime<Utc>, u64);

/// This instance's part in keeping the timers.
pub(crate) struct Owner {
    pub(crate) store: TimerStore,
    pub(crate) client: Client,
    pub(crate) results: Results,
    pub(crate) options: TimerOptions,
    pub(crate) stop: CancellationToken,
}

impl Owner {
    /// Works whenever the lease is ours, until the instance stops.
    pub(crate) async fn run(self, mut contender: Contender, gauge: Gauge) {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
        while !self.stop.is_cancelled() {
            gauge.waiting();
            let lease = tokio::select! {
                () = self.stop.cancelled() => break,
                lease = contender.win() => lease,
            };
            gauge.running(lease.epoch);
            tracing::info!(epoch = lease.epoch, "owns the timers");
            while !self.stop.is_cancelled() && !lease.lost.is_cancelled() {
                let worked = tokio::select! {
                    biased;
                    () = lease.lost.cancelled() => break,
                    worked = self.work(lease.validity(), &gauge) => worked,
                };
                let Err(error) = worked else { continue };
                tracing::warn!(%error, "the timers are interrupted");
                gauge.retrying(&error.to_string(), false);
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    () = sleep(backoff.next()) => {}
                }
                gauge.running(lease.epoch);
            }
            if !lease.lost.is_cancelled() {
                gauge.stopped();
                lease.release().await;
            }
        }
    }

    /// Works until it is asked to stop, or the server is away.
    async fn work(
        &self,
        validity: watch::Receiver<Validity>,
        gauge: &Gauge,
    ) -> Result<(), TimerError> {
        let gun = Arc::new(Gun {
            store: self.store.clone(),
            client: self.client.clone(),
            results: self.results.clone(),
            options: self.options,
            validity,
        });
        let (found, finds) = mpsc::channel(COMMANDS_MAX);
        tokio::select! {
            followed = self.follow(&found) => followed,
            swept = self.sweep(&found) => swept,
            () = self.carry_out(finds, gun, gauge) => Ok(()),
        }
    }

    /// Brings what the server fires, as it does.
    async fn follow(&self, found: &mpsc::Sender<Due>) -> Result<(), TimerError> {
        let mut next = 0;
        let mut poll = tokio::time::interval(self.options.poll_interval);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            poll.tick().await;
            while let Some(seen) = self.store.next_due(next).await? {
                next = seen.sequence + 1;
                bring(found, due(&seen)).await;
            }
        }
    }

    /// Brings what was fired and is still there, and schedules whose time passed without a sign:
    /// lost by the server, or by a restore of its files.
    async fn sweep(&self, found: &mpsc::Sender<Due>) -> Result<(), TimerError> {
        let mut sweep = tokio::time::interval(self.options.sweep_interval);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            sweep.tick().await;
            let grace = TimeDelta::from_std(self.options.lost_after).unwrap_or_default();
            let past = self.store.time().await?.min((self.options.clock)()) - grace;
            let mut scan = self.store.scan(Subject::TIMERS.to_owned()).await?;
            while let Some(seen) = scan.next().await? {
                let due = due(&seen).filter(|due| due.fired || due.planned.at <= past);
                if let Some(lost) = due.as_ref().filter(|due| !due.fired) {
                    let (timer, at) = (&lost.timer, lost.planned.at);
                    tracing::warn!(%timer, %at, "the server has lost a schedule; fired here");
                }
                bring(found, due).await;
            }
        }
    }

    /// Sends the commands of what is brought, each timer once at a time.
    async fn carry_out(&self, mut finds: mpsc::Receiver<Due>, gun: Arc<Gun>, gauge: &Gauge) {
        let places = Arc::new(Semaphore::new(COMMANDS_MAX));
        let mut taken: BTreeSet<Held> = BTreeSet::new();
        let mut running: FuturesUnordered<BoxFuture<'static, Held>> = FuturesUnordered::new();
        loop {
            gauge.progress(0, taken.len() as u64, taken.first().map(|(at, _)| *at));
            let stopping = self.stop.is_cancelled();
            if stopping && running.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                Some(held) = running.next() => { taken.remove(&held); }
                () = self.stop.cancelled(), if !stopping => {}
                Some(due) = finds.recv(), if !stopping && taken.len() < WINDOW => {
                    // One that is far too early must not keep others out; a sweep brings it again.
                    let soon = (self.options.clock)() + self.options.sweep_interval;
                    let held = (due.planned.at, due.sequence);
                    if due.planned.at <= soon && taken.insert(held) {
                        let (gun, places) = (Arc::clone(&gun), Arc::clone(&places));
                        let work = settle(gun, due, places, self.stop.clone());
                        running.push(work.map(move |()| held).boxed());
                    }
                }
            }
        }
    }
}

async fn bring(found: &mpsc::Sender<Due>, due: Option<Due>) {
    if let Some(due) = due {
        // The other end lives as long as this one.
        let _ = found.send(due).await;
    }
}

/// The timer that a message is about, if it waits for its command to be sent.
fn due(seen: &Seen) -> Option<Due> {
    let (timer, fired) = seen.timer()?;
    match seen.record() {
        Ok(TimerRecord::Set(planned)) => {
            Some(Due { sequence: seen.sequence, timer, planned: *planned, fired })
        }
        Ok(_) => None,
        Err(error) => {
            // Perhaps newer code wrote it. It stays, and counts as overdue.
            tracing::error!(%error, "a timer is left alone");
            None
        }
    }
}

/// Waits for the timer's time by our own clock, and sends its command. What fails again and again
/// is left where it is, for a sweep to find.
async fn settle(gun: Arc<Gun>, due: Due, places: Arc<Semaphore>, stop: CancellationToken) {
    let clock = gun.options.clock;
    let mut not_before = due.planned.at;
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
    for _ in 0..ATTEMPTS_MAX {
        if !until(not_before, clock, &stop).await {
            return;
        }
        let Ok(_place) = places.acquire().await else { return };
        match gun.fire(&due).await {
            Ok(true) => return,
            Ok(false) => not_before = due.planned.at + gun.options.skew,
            Err(error) => {
                tracing::warn!(timer = %due.timer, %error, "a timer's command is tried again");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(backoff.next()) => {}
                }
            }
        }
    }
    tracing::error!(timer = %due.timer, "a timer's command is left to the next sweep");
}

/// Waits until `clock` shows `time`; false if the instance stops before.
async fn until(
    time: DateTime<Utc>,
    clock: fn() -> DateTime<Utc>,
    stop: &CancellationToken,
) -> bool {
    loop {
        let left = time - clock();
        let Ok(left) = left.to_std() else { return true };
        if left.is_zero() {
            return true;
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = sleep(left.min(LOOK)) => {}
        }
    }
}
