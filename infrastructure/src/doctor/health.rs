//! What is wrong with a handler, or may become so, in words.
//! Not here: finding it out.

use crate::handler::{BreakerState, BreakerStatus, HandlerReport, HandlerState};

/// A lag that was larger at so many looks in a row is falling behind: a burst has its peak earlier.
const GROWING_MIN: u32 = 3;
/// A first commit that waits for so long is worth a word, whatever the reason.
const LAG_MS_MAX: u64 = 60_000;

/// What is wrong with a handler. A lag alone is not: it may be catching up.
pub(super) fn trouble(handler: &HandlerReport) -> Option<String> {
    let HandlerReport { name, kind, owner, state, .. } = handler;
    if let (true, Some(owner), Some(age)) = (handler.stale, owner, handler.renewed_ms) {
        let seconds = age / 1000;
        return Some(format!(
            "{kind} {name} is stale: its owner {owner} has not renewed the lease for {seconds} s"
        ));
    }
    match (state, owner) {
        (Some(HandlerState::Halted { reason }), _) => {
            Some(format!("{kind} {name} halted: {reason}"))
        }
        (Some(HandlerState::Retrying { reason }), _) => {
            Some(format!("{kind} {name} tries again: {reason}"))
        }
        (_, None) => Some(format!("{kind} {name} runs nowhere")),
        (Some(HandlerState::Waiting | HandlerState::Running | HandlerState::Stopped) | None, _) => {
            None
        }
    }
}

/// What is not wrong with a handler and may become so.
pub(super) fn warnings(handler: &HandlerReport) -> Vec<String> {
    let HandlerReport { name, kind, lag, parked, waiting, .. } = handler;
    let mut told = Vec::new();
    if *parked > 0 {
        told.push(format!(
            "{kind} {name} has {parked} keys among the dead letters, and {waiting} commits wait \
             behind them"
        ));
    }
    let age = handler.lag_ms.unwrap_or_default();
    if handler.growing >= GROWING_MIN || (*lag > 0 && age > LAG_MS_MAX) {
        let seconds = age / 1000;
        let grows = if handler.growing >= GROWING_MIN { ", and more each time" } else { "" };
        told.push(format!("{kind} {name} is {lag} commits and {seconds} s behind{grows}"));
    }
    if let Some(breaker) = &handler.breaker
        && breaker.state != BreakerState::Closed
    {
        let BreakerStatus { dependency, failures, .. } = breaker;
        told.push(format!("{kind} {name} waits for {dependency}: {failures} failures in a row"));
    }
    told
}

/// A log that has less than was handled, as a restored one may.
pub(super) fn behind(handler: &HandlerReport, last: u64) -> Option<String> {
    let HandlerReport { name, kind, position, .. } = handler;
    (position.0 > last).then(|| {
        format!("log-behind: {kind} {name} has handled the log up to {position}, it ends at {last}")
    })
}
