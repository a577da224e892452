//! The limits of the handlers' runtime, with their reasons.

use std::time::Duration;

use crate::readmodel::StoreLocation;

use super::BreakerOptions;
use crate::fail_points::FailPoints;
use crate::timers::TimerOptions;

/// How the handlers of one instance run.
#[derive(Debug, Clone)]
pub struct HandlerOptions {
    /// This instance's name, unique among living processes: an instance takes over at once what a
    /// former holder of its own name left behind.
    pub instance: String,
    /// Run policies and effects.
    pub policies: bool,
    /// Run projections and answer their queries.
    pub projections: bool,
    /// Rather end than run without projections, if the read models are in another store.
    pub projections_required: bool,
    /// Where the documents of the projections are.
    pub store: StoreLocation,
    /// How long a lease outlives its last renewal. A dead owner's work stands still for so long.
    pub lease_ttl: Duration,
    /// Keys that one policy or effect works on at the same time; those that wait for another
    /// attempt do not count.
    pub lanes_max: usize,
    /// Commits that one policy or effect holds at the same time, waiting and running.
    pub window_max: usize,
    /// Bytes of these commits, beyond which no other is taken in.
    pub window_bytes_max: usize,
    /// Commits that one projection takes into one transaction.
    pub batch_max: usize,
    /// Failed attempts after which a key may be parked because others wait behind it only for room.
    pub waiting_attempts_min: u32,
    /// Keys that one handler may have among the dead letters; one more, and it stands still.
    pub parked_keys_max: usize,
    /// Commits of one key that may wait behind a dead letter.
    pub waiting_key_max: u64,
    /// Commits of all keys of one handler that may wait behind dead letters.
    pub waiting_max: u64,
    /// Places at which a test ends or holds this instance.
    pub fail_points: FailPoints,
    /// When the circuit breakers of effects open, and for how long.
    pub breaker: BreakerOptions,
    /// The first wait when the runtime's own parts are away: a bucket, the log, the store. It
    /// doubles up to [`Self::retry_delay_max`]. Handlers have [`kit::Retries`] of their own.
    pub retry_delay: Duration,
    /// The longest of these waits.
    pub retry_delay_max: Duration,
    /// How timers are watched.
    pub timers: TimerOptions,
}

impl HandlerOptions {
    /// What [`Self::batch_max`] is unless somebody says otherwise. A document that several events of a
    /// transaction touch is read and written once, and so is a page of a file that holds several.
    pub(crate) const BATCH_MAX: usize = 16_384;

    /// Policies and projections of `instance`, with documents in `store`.
    #[must_use]
    pub fn new(instance: impl Into<String>, store: impl Into<StoreLocation>) -> Self {
        Self {
            instance: instance.into(),
            policies: true,
            projections: true,
            projections_required: false,
            store: store.into(),
            lease_ttl: Duration::from_secs(6),
            lanes_max: 16,
            window_max: 1024,
            window_bytes_max: 32 * 1024 * 1024,
            batch_max: Self::BATCH_MAX,
            waiting_attempts_min: 10,
            parked_keys_max: 1_000,
            waiting_key_max: 10_000,
            waiting_max: 100_000,
            fail_points: FailPoints::default(),
            breaker: BreakerOptions::DEFAULT,
            retry_delay: Duration::from_millis(50),
            retry_delay_max: Duration::from_secs(5),
            timers: TimerOptions::default(),
        }
    }
}
