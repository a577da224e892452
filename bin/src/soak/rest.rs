//! The end of a run: everything that was stopped goes on, what stands still is repaired, and every
//! handler comes to the end of the log. Not here: what it has made of it.

use std::time::Duration;

use anyhow::Result;
use async_nats::jetstream;
use futures::TryStreamExt as _;
use infrastructure::{
    composition::HandlerKind,
    handler::report,
    problem::Problem,
    timers::{self, TimerState},
};
use nats::names;
use tokio::time::{Instant, sleep};

use super::{check::Violation, strangers::Strangers, world::World};

/// How long handlers may need to come to the end. Sweeps, breakers and leases take their time.
const LIMIT: Duration = Duration::from_secs(180);
/// The wait between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// The time between two words about what is left.
const TELL: Duration = Duration::from_secs(10);
/// How often in a row nothing may be left to do.
const QUIET: u32 = 3;

/// Waits until nothing is left to do; what does not come to its end, if anything does not.
pub(super) async fn until_quiet(
    world: &mut World,
    strangers: &mut Strangers,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Option<Violation>> {
    for instance in &mut world.instances {
        if instance.has_ended() {
            let what = "an instance ended by itself; its log says why";
            return Ok(Some(Violation::new("comes-to-its-end", what)));
        }
    }
    let deadline = Instant::now() + LIMIT;
    let (mut quiet, mut before, mut told) = (0, 0, Instant::now());
    loop {
        let left = match look(world, strangers).await {
            Ok((None, last)) if last == before => {
                quiet += 1;
                None
            }
            Ok((left, last)) => {
                (quiet, before) = (0, last);
                left
            }
            Err(problem) => {
                quiet = 0;
                Some(Violation::new("comes-to-its-end", problem.to_string()))
            }
        };
        if quiet >= QUIET {
            return Ok(None);
        }
        if Instant::now() > deadline {
            let unclear = || Violation::new("comes-to-its-end", "the log never stops growing");
            return Ok(Some(left.unwrap_or_else(unclear)));
        }
        if let Some(left) = left.filter(|_| told.elapsed() > TELL) {
            say(&format!("waits for its end: {left}"));
            told = Instant::now();
        }
        sleep(LOOK).await;
    }
}

/// What is still to do, and where the log ends.
async fn look(
    world: &World,
    strangers: &mut Strangers,
) -> Result<(Option<Violation>, u64), Problem> {
    let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
    let context = jetstream::new(world.connection.clone());
    let events = context.get_stream(names::EVENTS).await.map_err(|error| away(&error))?;
    let last = events.cached_info().state.last_sequence;
    let left = |what: String| Ok((Some(Violation::new("comes-to-its-end", what)), last));
    strangers.repair().await.map_err(|error| away(&error))?;
    if let Some(letter) = strangers.standing().await.map_err(|error| away(&error))?.first() {
        let violation = Violation::new("comes-to-its-end", "a dead letter is never released")
            .of(&letter.key.handler)
            .about(format!("{}.{}", letter.key.aggregate, letter.key.id))
            .at(letter.at);
        return Ok((Some(violation), last));
    }
    let queue = context.get_stream(names::COMMANDS).await.map_err(|error| away(&error))?;
    let queued = queue.cached_info().state.messages;
    if queued > 0 {
        return left(format!("{queued} durable commands are in the queue"));
    }
    for handler in report(&world.connection).await? {
        // Timers and durable commands are looked at by themselves.
        if handler.kind != HandlerKind::Duty && handler.position.0 < last {
            let (position, state) = (handler.position, handler.state);
            let what = format!("at {position} of {last}, {state:?}");
            let violation = Violation::new("comes-to-its-end", what).of(&handler.name);
            return Ok((Some(violation), last));
        }
    }
    let mut timers = Box::pin(timers::list(&world.connection, None, None).await?);
    while let Some(timer) = timers.try_next().await? {
        if timer.state != TimerState::Waiting {
            return left(format!("the timer on {} is {:?}", timer.subject, timer.state));
        }
    }
    Ok((None, last))
}
