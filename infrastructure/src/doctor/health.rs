//! What is wrong with a handler, or may become so, in words.
//! Not here: finding it out.

use crate::{
    composition::HandlerKind,
    handler::{BreakerState, BreakerStatus, HandlerReport, HandlerState},
};

/// A lag that has only grown at so many looks is falling behind: a burst has its peak earlier.
const GROWING_MIN: u32 = 3;
/// Unless all of it is so young: then there is just more to do than before.
const GROWING_MS_MIN: u64 = 5_000;
/// A first commit that waits for so long is worth a word, whatever the reason.
const LAG_MS_MAX: u64 = 60_000;

/// What is wrong with a handler, and what to do about it. A lag alone is not: it may be catching up.
pub(super) fn trouble(handler: &HandlerReport) -> Option<String> {
    let HandlerReport { name, kind, owner, state, parked, .. } = handler;
    if let (true, Some(owner), Some(age)) = (handler.stale, owner, handler.renewed_ms) {
        let seconds = age / 1000;
        return Some(format!(
            "{kind} {name} is stale: its owner {owner} has not renewed the lease for {seconds} s, \
             and no other instance has taken over; start one"
        ));
    }
    match (state, owner) {
        (_, None) => {
            let instance = match kind {
                HandlerKind::Policy => "policies",
                HandlerKind::Effect => "policies, with what the effect needs outside",
                HandlerKind::Projection => "projections on the store of the read models",
                HandlerKind::Duty => "it",
            };
            Some(format!("{kind} {name} runs nowhere; start an instance that runs {instance}"))
        }
        (Some(HandlerState::Halted { reason }), Some(_)) if *parked > 0 => Some(format!(
            "{kind} {name} halted: {reason}; nothing is skipped, and `headwater dlq list --handler \
             {name}` shows what is parked"
        )),
        (Some(HandlerState::Halted { reason }), Some(owner)) => Some(format!(
            "{kind} {name} halted: {reason}; nothing is skipped: mend the cause and restart {owner}"
        )),
        (Some(HandlerState::Retrying { reason }), Some(_)) => Some(format!(
            "{kind} {name} tries again: {reason}; it goes on by itself once that is mended"
        )),
        (Some(HandlerState::Waiting | HandlerState::Running | HandlerState::Stopped) | None, _) => {
            None
        }
    }
}

/// What is not wrong with a handler and may become so.
pub(super) fn warnings(handler: &HandlerReport) -> Vec<String> {
    let HandlerReport { name, kind, lag, parked, waiting, rate, .. } = handler;
    let mut told = Vec::new();
    if *parked > 0 {
        told.push(format!(
            "{kind} {name} has {parked} keys among the dead letters, with {waiting} commits; \
             `headwater dlq list --handler {name}` shows them"
        ));
    }
    let age = handler.lag_ms.unwrap_or_default();
    let grows = handler.growing >= GROWING_MIN && age >= GROWING_MS_MIN;
    if grows || (*lag > 0 && age > LAG_MS_MAX) {
        let seconds = age / 1000;
        let grows = if grows { ", and more each time" } else { "" };
        told.push(format!(
            "{kind} {name} is {lag} commits and {seconds} s behind{grows}; it handles {rate:.1} \
             events a second"
        ));
    }
    if let Some(breaker) = &handler.breaker
        && breaker.state != BreakerState::Closed
    {
        let BreakerStatus { dependency, failures, .. } = breaker;
        told.push(format!(
            "{kind} {name} waits for {dependency}: {failures} failures in a row; nothing is lost, \
             and it is asked again now and then"
        ));
    }
    told
}

/// A log that has less than was handled, as a restored one may.
pub(super) fn behind(handler: &HandlerReport, last: u64) -> Option<String> {
    let HandlerReport { name, kind, position, .. } = handler;
    (position.0 > last).then(|| {
        format!(
            "log-behind: {kind} {name} has handled the log up to {position}, it ends at {last}; \
             `headwater handlers rewind` shows what can be done"
        )
    })
}
