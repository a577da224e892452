//! A circuit breaker for each thing outside: after some failures in a row nobody asks it any more,
//! until one probe has found that it is back. Whoever waits keeps its event.
//! Not here: what counts as a failure; effects say so.

mod circuit;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use circuit::{Admission, Circuit, Pass, State};

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Failures in a row that open it.
    pub failures_max: u32,
    /// How long it is open at first; twice as long after each probe that fails.
    pub open_for: Duration,
    /// How long it is open at most.
    pub open_for_max: Duration,
}

impl BreakerOptions {
    /// Five failures; five seconds, doubling to a minute.
    pub const DEFAULT: Self = Self {
        failures_max: 5,
        open_for: Duration::from_secs(5),
        open_for_max: Duration::from_secs(60),
    };
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One probe, which is on its way.
    HalfOpen,
}

impl BreakerState {
    /// All of them, with their names.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Closed, "closed"), (Self::Open, "open"), (Self::HalfOpen, "half-open")];
}

/// A breaker as it can be seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerStatus {
    /// What it protects.
    pub dependency: String,
    /// What it lets through.
    pub state: BreakerState,
    /// Failures since the last success.
    pub failures: u32,
}

/// The breakers of one process, by what they protect.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breakers(Arc<Mutex<HashMap<&'static str, Breaker>>>);

impl Breakers {
    /// The one breaker of `dependency`; `options` count for whoever asks first.
    pub(crate) fn of(&self, dependency: &'static str, options: BreakerOptions) -> Breaker {
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.entry(dependency).or_insert_with(|| Breaker::new(dependency, options)).clone()
    }
}

/// The breaker of one thing outside.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    dependency: &'static str,
    circuit: watch::Sender<Circuit>,
}

impl Breaker {
    pub(crate) fn new(dependency: &'static str, options: BreakerOptions) -> Self {
        Self { dependency, circuit: watch::Sender::new(Circuit::new(options)) }
    }

    pub(crate) fn status(&self) -> BreakerStatus {
        let circuit = self.circuit.borrow();
        let state = match circuit.state() {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen => BreakerState::HalfOpen,
        };
        let (dependency, failures) = (self.dependency.to_owned(), circuit.failures());
        BreakerStatus { dependency, state, failures }
    }

    /// Whether the breaker lets the caller through now.
    pub(crate) fn admit_now(&self) -> Option<Permit> {
        self.ask().ok()
    }

    /// Waits until the breaker lets the caller through.
    pub(crate) async fn admit(&self) -> Permit {
        let mut changes = self.circuit.subscribe();
        loop {
            match self.ask() {
                Ok(permit) => return permit,
                // The sender is ours, so the channel cannot be closed.
                Err(None) => drop(changes.changed().await),
                Err(Some(until)) => tokio::select! {
                    () = sleep_until(until) => {}
                    _ = changes.changed() => {}
                },
            }
        }
    }

    /// A permit, or when to ask again; without a time, when something changes.
    fn ask(&self) -> Result<Permit, Option<Instant>> {
        let mut admission = Admission::Wait(None);
        self.change(|circuit| admission = circuit.admit(Instant::now()));
        match admission {
            Admission::Go(pass) => Ok(Permit { breaker: self.clone(), pass: Some(pass) }),
            Admission::Wait(until) => Err(until),
        }
    }

    /// Applies `change` and wakes whoever waits if the breaker lets other things through now.
    fn change(&self, change: impl FnOnce(&mut Circuit)) {
        let mut moved = None;
        self.circuit.send_if_modified(|circuit| {
            let before = circuit.state();
            change(circuit);
            moved = (before != circuit.state()).then_some(circuit.state());
            moved.is_some()
        });
        let dependency = self.dependency;
        match moved {
            None => {}
            Some(State::Closed) => tracing::info!(dependency, "is back"),
            Some(State::HalfOpen) => tracing::info!(dependency, "is asked by one"),
            Some(State::Open { until }) => {
                let wait_ms = until.duration_since(Instant::now()).as_millis();
                tracing::warn!(dependency, wait_ms, "is away: nobody asks it meanwhile");
            }
        }
    }
}

/// The right to ask once. Dropped without a word, it has never been.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Breaker,
    pass: Option<Pass>,
}

impl Permit {
    /// It answered, whatever it said.
    pub(crate) fn succeeded(mut self) {
        if let Some(pass) = self.pass.take() {
            self.breaker.change(|circuit| circuit.succeeded(pass));
        }
    }

    /// It was away.
    pub(crate) fn failed(mut self) {
        if let Some(pass) = self.pass.take() {
            self.breaker.change(|circuit| circuit.failed(pass, Instant::now()));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.breaker.change(|circuit| circuit.given_up(pass, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests;
