//! Runs the generations of one projection for one epoch, in turns: each begins with what the store
//! has, so that an owner may die at any point and its successor goes on there.
//!
//! Generations that stand close together are fed as one, each batch one transaction; a generation
//! far behind is filled beside them, by a consumer of its own, until it is close. Not here: how a
//! batch is applied, and what is decided about requests.

mod cast;
mod endings;

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet, time};

use self::cast::{CLOSE, Cast};
use super::{
    AnyProjection,
    comparison::{Comparison, compare},
    desk::Desk,
    generation::{Generation, Lineage},
    letters::Letters,
    projector::Projector,
    reading::ReadAhead,
    requests::GenerationRequest,
    succession::{Holder, TakeOverError},
};
use crate::{
    composition::HandlerInfo,
    handler::{Duty, Ended, Feed, Gauge, HandlerState, HandlerStatus, Log},
};

/// How often requests are looked for and progress is told.
const TICK: Duration = Duration::from_millis(500);
/// What a projection's generations are run with.
pub(crate) struct Conductor {
    pub(crate) duty: Duty,
    pub(crate) info: HandlerInfo,
    pub(crate) projection: Arc<dyn AnyProjection>,
    pub(crate) holder: Holder,
    pub(crate) log: Log,
    pub(crate) poke: Arc<Notify>,
    pub(crate) desk: Desk,
    pub(crate) letters: Arc<Letters>,
    /// Follows the queue of dead letters for as long as this lives.
    pub(crate) _listening: JoinSet<()>,
}

/// What happens while generations run.
enum Event {
    /// The ones that queries wait for have ended.
    Fed(Ended),
    /// The one that is filled beside them has ended.
    Filled(Ended),
    Compared(sqlx::Result<Comparison>),
}

/// What ends a turn.
enum Turn {
    Ended(Ended),
    /// The store may have changed.
    Again,
}

/// What is done when nothing of a turn runs any more: a change of the generations under a batch
/// would look to it like a later owner.
enum Next {
    Nothing(Turn),
    /// The generation that is filled has stopped, and why.
    Failed(String),
    Compared(sqlx::Result<Comparison>),
    /// It has passed the current one, which has halted, and why.
    Passed(String),
    Succeeded(i64),
    Requested(GenerationRequest),
}

impl Conductor {
    /// Runs until the instance stops or the projection belongs to another.
    pub(crate) async fn run(mut self, lineage: Lineage) -> Ended {
        let mut next = Ok(lineage);
        let mut backoff = self.duty.backoff();
        // Whether a companion of the current generation has stopped at an event.
        let mut alone = false;
        loop {
            let turn = match next {
                Ok(lineage) => self.turn(&lineage, &mut alone).await,
                Err(error) => Err(error),
            };
            match turn {
                Ok(Turn::Ended(ended)) => return ended,
                Ok(Turn::Again) => backoff.reset(),
                Err(TakeOverError::Fenced) => return Ended::Lost,
                Err(error) => {
                    let (handler, error) = (self.info.name, error.to_string());
                    tracing::warn!(handler, "the generations cannot be told: {error}");
                    self.duty.gauge.retrying(&error, false);
                    if !self.duty.pause(backoff.next()).await {
                        return Ended::Stopped;
                    }
                }
            }
            if self.duty.lost.is_cancelled() {
                return Ended::Lost;
            }
            next = self.holder.lineage().await;
        }
    }

    async fn turn(&mut self, lineage: &Lineage, alone: &mut bool) -> Result<Turn, TakeOverError> {
        let cast = Cast::of(&self.holder, lineage, *alone);
        let duty = Duty { stop: self.duty.stop.child_token(), ..self.duty.clone() };
        let beside = Gauge::new(self.info, None);
        let mut running = JoinSet::new();
        self.duty.gauge.running(self.duty.epoch);
        if let Some(newer) = self.newer(lineage) {
            self.duty.gauge.halted(newer);
        }
        let together = cast.fed.len() > 1;
        self.start(&mut running, &duty, &cast, &beside);
        self.desk.turn(lineage, &cast.fed_numbers());
        let mut tick = time::interval(TICK);
        tick.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut filled = beside.watch();
        let next = loop {
            tokio::select! {
                biased;
                () = self.duty.lost.cancelled() => break Next::Nothing(Turn::Ended(Ended::Lost)),
                () = self.duty.stop.cancelled() => break Next::Nothing(Turn::Ended(Ended::Stopped)),
                Some(event) = running.join_next() => match event {
                    Ok(Event::Fed(Ended::Halted(_))) if together => {
                        *alone = true;
                        break Next::Nothing(Turn::Again);
                    }
                    Ok(Event::Fed(Ended::Halted(reason))) => {
                        tracing::error!(handler = self.info.name, "halted: {reason}");
                        self.duty.gauge.halted(reason);
                    }
                    Ok(Event::Filled(Ended::Halted(reason))) => {
                        break Next::Failed(reason);
                    }
                    Ok(Event::Fed(ended) | Event::Filled(ended)) => {
                        break Next::Nothing(Turn::Ended(ended));
                    }
                    Ok(Event::Compared(found)) => break Next::Compared(found),
                    // Panics in a fold are caught where they happen: this one is our own.
                    Err(error) => {
                        break Next::Nothing(Turn::Ended(Ended::Halted(error.to_string())));
                    }
                },
                Ok(()) = filled.changed() => {
                    if cast.filled.is_some() && self.is_close(&beside) {
                        break Next::Nothing(Turn::Again);
                    }
                }
                _ = tick.tick() => {
                    if let Some(next) = self.tick(lineage, &cast, &beside, alone).await {
                        break next;
                    }
                }
            }
        };
        // Each finishes its batch.
        duty.stop.cancel();
        while let Some(event) = running.join_next().await {
            if let Ok(Event::Fed(Ended::Lost) | Event::Filled(Ended::Lost)) = event {
                return Ok(Turn::Ended(Ended::Lost));
            }
        }
        match next {
            Next::Nothing(turn) => Ok(turn),
            Next::Failed(reason) => self.failed(lineage, reason).await,
            Next::Compared(found) => self.compared(lineage, &found?).await,
            Next::Passed(reason) => self.passed(lineage, &reason).await,
            Next::Succeeded(number) => self.succeeded(lineage, number).await,
            Next::Requested(request) => self.requested(lineage, &cast, request).await,
        }
    }

    /// What time alone brings: the end of a filling, and requests.
    async fn tick(
        &mut self,
        lineage: &Lineage,
        cast: &Cast,
        beside: &Gauge,
        alone: &mut bool,
    ) -> Option<Next> {
        let now = self.duty.gauge.now();
        if let Some((number, until)) = cast.succeeding
            && now.position >= until.0
        {
            return Some(Next::Succeeded(number));
        }
        if let Some(row) = lineage.filling_row()
            && cast.filled.is_some()
            && beside.now().position >= row.complete_at.0
            && let HandlerState::Halted { reason } = now.state
        {
            return Some(Next::Passed(reason));
        }
        self.desk.tell(lineage, &self.duty, beside).await;
        let request = self.desk.asked(lineage).await?;
        *alone = false;
        Some(Next::Requested(request))
    }

    fn start(&self, running: &mut JoinSet<Event>, duty: &Duty, cast: &Cast, beside: &Gauge) {
        let run = |duty: &Duty, generations: Vec<Generation>, purpose: &str, leads: bool| {
            let from = generations.iter().map(|generation| generation.position).min();
            let from = from.unwrap_or_default();
            let HandlerStatus { lag, oldest, .. } = duty.gauge.now();
            duty.gauge.progress(from.0, lag, oldest);
            let numbers: Vec<_> = generations.iter().map(|it| it.number.to_string()).collect();
            let numbers = numbers.join("-");
            let (kind, name) = (self.info.kind, self.info.name);
            let name = format!("{kind}-{name}-{}-{purpose}-{numbers}", duty.epoch);
            let (projection, meter) = (Arc::clone(&self.projection), duty.gauge.events.clone());
            let (log, poke) = (self.log.clone(), Arc::clone(&self.poke));
            let feed = Feed::ahead(log, name, from, poke, move |delivery| {
                ReadAhead::new(delivery, &*projection, &meter)
            });
            let projector = Projector {
                duty: duty.clone(),
                projection: Arc::clone(&self.projection),
                store: self.holder.store.clone(),
                log: self.log.clone(),
                letters: Arc::clone(&self.letters),
                leads,
                generations,
                owed: HashSet::new(),
                drains: 0,
                held_up: None,
            };
            projector.run(feed)
        };
        if !cast.fed.is_empty() {
            let run = run(duty, cast.fed.clone(), "feed", true);
            running.spawn(async move { Event::Fed(run.await) });
        }
        if let Some(filled) = &cast.filled {
            let duty = Duty { gauge: beside.clone(), ..duty.clone() };
            let run = run(&duty, vec![filled.clone()], "fill", false);
            running.spawn(async move { Event::Filled(run.await) });
        }
        if let Some(numbers) = cast.compared {
            let (store, of) = (self.holder.store.clone(), (self.info.name, self.holder.declared));
            let stop = duty.stop.clone();
            running.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => Event::Fed(Ended::Stopped),
                    found = compare(&store, of, numbers) => Event::Compared(found),
                }
            });
        }
    }

    /// Why this code may not touch what queries read.
    fn newer(&self, lineage: &Lineage) -> Option<String> {
        let version = lineage.current_row()?.version;
        (version > self.holder.version).then(|| {
            format!(
                "its rows were folded by version {version} of its code and this is version {}; \
                 run the newer program, or `headwater projection rollback {}`",
                self.holder.version, self.info.name
            )
        })
    }

    /// Whether the generation that is filled beside the current one has come close to it.
    fn is_close(&self, beside: &Gauge) -> bool {
        let (now, filled) = (self.duty.gauge.now(), beside.now());
        let halted = matches!(now.state, HandlerState::Halted { .. });
        let near = filled.position.saturating_add(CLOSE / 2) >= now.position;
        filled.position > 0 && near && !halted
    }
}
