//! The breaker's state machine: plain values, the time is handed in.
//! Not here: waiting.

use std::time::Duration;

use tokio::time::Instant;

use super::BreakerOptions;

/// What is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Everything.
    Closed,
    /// Nothing until then.
    Open { until: Instant },
    /// One probe, which is on its way.
    HalfOpen,
}

/// The right to ask once, in the era in which it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass(u64);

/// What somebody who wants to ask is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Ask, and report how it went.
    Go(Pass),
    /// Not before then; without a time, not before something changes.
    Wait(Option<Instant>),
}

/// One breaker.
#[derive(Debug, Clone)]
pub(super) struct Circuit {
    options: BreakerOptions,
    state: State,
    failures: u32,
    /// How long it is open next time.
    open_for: Duration,
    /// Counts changes of state: what was asked before one says nothing about what is after it.
    era: u64,
}

impl Circuit {
    pub(super) const fn new(options: BreakerOptions) -> Self {
        Self { options, state: State::Closed, failures: 0, open_for: options.open_for, era: 0 }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed => Admission::Go(Pass(self.era)),
            State::Open { until } if now < until => Admission::Wait(Some(until)),
            State::Open { .. } => {
                self.enter(State::HalfOpen);
                Admission::Go(Pass(self.era))
            }
            State::HalfOpen => Admission::Wait(None),
        }
    }

    pub(super) fn succeeded(&mut self, pass: Pass) {
        if self.is_past(pass) {
            return;
        }
        self.failures = 0;
        self.open_for = self.options.open_for;
        if self.state == State::HalfOpen {
            self.enter(State::Closed);
        }
    }

    pub(super) fn failed(&mut self, pass: Pass, now: Instant) {
        if self.is_past(pass) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.state == State::HalfOpen || self.failures >= self.options.failures_max {
            self.enter(State::Open { until: now + self.open_for });
            self.open_for = self.open_for.saturating_mul(2).min(self.options.open_for_max);
        }
    }

    /// A probe that nobody reports on must not keep the others waiting for ever.
    pub(super) fn given_up(&mut self, pass: Pass, now: Instant) {
        if !self.is_past(pass) && self.state == State::HalfOpen {
            self.enter(State::Open { until: now });
        }
    }

    fn is_past(&self, pass: Pass) -> bool {
        pass.0 != self.era
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.era += 1;
    }
}
