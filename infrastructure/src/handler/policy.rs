//! Policies: their types erased, and what they order sent as commands with derived ids. A refusal
//! is kept before the event is done with, and stands from then on.
//! Not here: which event comes when; the runner keeps the order.

use std::{collections::VecDeque, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use kit::{CommandId, HOPS_MAX, Order, Policy, Reaction, Refused, Retries, Start};
use tracing::Instrument as _;

use super::{Failure, Source, duty::Duty, failure::guarded, runner::Reactor, trial::Trial};
use crate::{
    client::Client,
    durable::{Outcome, OutcomeStatus, Results},
    problem::Problem,
    request::CommandRequest,
    telemetry,
};

/// Any [`Policy`].
pub(crate) trait AnyPolicy: Send + Sync {
    fn name(&self) -> &'static str;
    fn start(&self) -> Start;
    fn retries(&self) -> Retries;
    fn aggregates(&self) -> Vec<&'static str>;
    fn reactions(&self, source: &Source<'_>) -> Result<Vec<Reaction>, Failure>;
    fn answers(&self, source: &Source<'_>, refused: &Refused) -> Result<Vec<Order>, Failure>;
}

impl<P: Policy> AnyPolicy for P {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn start(&self) -> Start {
        P::START
    }

    fn retries(&self) -> Retries {
        P::RETRIES
    }

    fn aggregates(&self) -> Vec<&'static str> {
        <P::When as kit::EventSet>::aggregates()
    }

    fn reactions(&self, source: &Source<'_>) -> Result<Vec<Reaction>, Failure> {
        let event = source.record()?;
        guarded(|| self.react(&event).map_err(|error| unwritable(&error)))
    }

    fn answers(&self, source: &Source<'_>, refused: &Refused) -> Result<Vec<Order>, Failure> {
        let event = source.record()?;
        guarded(|| self.on_refused(&event, refused).map_err(|error| unwritable(&error)))
    }
}

fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::Bug(format!("a command has no JSON form: {error}"))
}

/// Most orders one event may lead to, and most answers one refusal may: the base in which ordinals
/// of answers are counted, so that no two orders of one event ever share an id.
const ORDERS_MAX: usize = 1024;
/// How many times an answer to a refusal may itself be answered when refused.
const ANSWERS_DEEP_MAX: u32 = 3;

/// Sends what a policy orders.
pub(crate) struct Orders {
    pub(crate) policy: Arc<dyn AnyPolicy>,
    pub(crate) client: Client,
    pub(crate) results: Results,
}

/// A reaction and its place in the tree of reactions and answers of one event.
struct Placed {
    ordinal: usize,
    depth: u32,
    reaction: Reaction,
}

impl Reactor for Orders {
    fn react<'a>(
        &'a self,
        source: Source<'a>,
        trial: &'a mut Trial<'_>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let span = tracing::info_span!("policy", handler = trial.duty.name, at = %source.position);
        telemetry::adopt(&span, source.element.metadata.traceparent.as_deref());
        self.obey(source, trial).instrument(span).boxed()
    }

    fn retries(&self) -> Retries {
        self.policy.retries()
    }
}

impl Orders {
    async fn obey(&self, source: Source<'_>, trial: &mut Trial<'_>) -> Result<(), Failure> {
        let reactions = trial.persist(async || self.policy.reactions(&source)).await?;
        let mut due = VecDeque::new();
        numbered(&mut due, reactions, 0, 0)?;
        while let Some(Placed { ordinal, depth, reaction }) = due.pop_front() {
            let Reaction::Order(order) = reaction else {
                return Err(Failure::Permanent("timers are not kept here".to_owned()));
            };
            let request = request(&source, trial.duty.name, ordinal, &order);
            let sent = self.carry(&source, trial, &request).await?;
            let Err(problem) = sent else { continue };
            if depth < ANSWERS_DEEP_MAX {
                let refused = Refused { order, code: problem.code, detail: problem.detail };
                let answers =
                    trial.persist(async || self.policy.answers(&source, &refused)).await?;
                numbered(&mut due, answers, (ordinal + 1) * ORDERS_MAX, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Has an order carried out, or finds that it was refused, now or by an earlier attempt.
    async fn carry(
        &self,
        source: &Source<'_>,
        trial: &mut Trial<'_>,
        request: &CommandRequest,
    ) -> Result<Result<(), Problem>, Failure> {
        let duty = trial.duty;
        let Some(id) = request.command_id.clone() else {
            return Err(Failure::Bug("an order without an id".to_owned()));
        };
        let refused = trial.persist(async || self.refusal(&id).await).await?;
        if let Some(problem) = refused {
            return Ok(Err(problem));
        }
        let sent = if request.hops > HOPS_MAX {
            // Whatever it would answer had as many hops behind it.
            Err(Problem::too_many_hops(format!("there were {HOPS_MAX} before this one")))
        } else {
            let sent = trial.persist(|| send(&self.client, request, duty)).await?;
            trial.answered();
            sent
        };
        let Err(problem) = sent else { return Ok(Ok(())) };
        let outcome = Outcome::refused(id, request, problem.clone());
        let keep =
            async || self.results.keep(outcome.clone()).await.map_err(|problem| unkept(&problem));
        trial.persist(keep).await?;
        tell(source, duty, request, &problem.code);
        Ok(Err(problem))
    }

    /// Why the order was refused when this event was handled before. It leaves no trace in the log
    /// of the aggregate, which may decide otherwise by now.
    async fn refusal(&self, id: &CommandId) -> Result<Option<Problem>, Failure> {
        let kept = self.results.ended(id).await.map_err(|problem| unkept(&problem))?;
        let refused = kept.filter(|kept| kept.status == OutcomeStatus::Refused);
        Ok(refused.and_then(|kept| kept.problem))
    }
}

fn unkept(problem: &Problem) -> Failure {
    match problem.is_transient() {
        true => Failure::Transient(problem.to_string()),
        false => Failure::Permanent(problem.to_string()),
    }
}

fn numbered(
    due: &mut VecDeque<Placed>,
    reactions: Vec<impl Into<Reaction>>,
    first: usize,
    depth: u32,
) -> Result<(), Failure> {
    if reactions.len() > ORDERS_MAX {
        return Err(Failure::Bug(format!("{} reactions to one event", reactions.len())));
    }
    let place = |(at, it): (usize, _)| Placed { ordinal: first + at, depth, reaction: it };
    due.extend(reactions.into_iter().map(Into::into).enumerate().map(place));
    Ok(())
}

fn tell(source: &Source<'_>, duty: &Duty, request: &CommandRequest, code: &str) {
    duty.gauge.refused();
    let CommandRequest { aggregate, name: command, .. } = request;
    let event = source.element.id;
    tracing::warn!(handler = duty.name, %event, aggregate, command, code, "an order was refused");
}

/// One attempt: accepted, refused for good, or a failure to try again.
async fn send(
    client: &Client,
    request: &CommandRequest,
    duty: &Duty,
) -> Result<Result<(), Problem>, Failure> {
    let Some(deadline) = duty.deadline() else {
        return Err(Failure::Transient("the lease has run out".to_owned()));
    };
    // After the deadline the lease may be another's, and so may the order of commands.
    let request = CommandRequest { deadline: Some(deadline), ..request.clone() };
    match client.send(&request).await {
        Ok(_) => Ok(Ok(())),
        Err(problem) if problem.is_transient() => Err(Failure::Transient(problem.to_string())),
        // While versions of the service are mixed, an older instance may not know the command yet.
        Err(problem) if problem.status == 404 => Err(Failure::Transient(problem.to_string())),
        Err(problem) if problem.status < 500 => Ok(Err(problem)),
        Err(problem) => Err(Failure::Permanent(problem.to_string())),
    }
}

fn request(source: &Source<'_>, handler: &str, ordinal: usize, order: &Order) -> CommandRequest {
    let metadata = &source.element.metadata;
    CommandRequest {
        command_id: Some(CommandId::derived(handler, source.element.id, ordinal)),
        correlation_id: Some(metadata.correlation_id.clone()),
        causation_id: Some(source.element.id.to_string()),
        causation_position: Some(source.position),
        user_id: metadata.user_id.clone(),
        session_id: metadata.session_id.clone(),
        request_id: metadata.request_id.clone(),
        hops: metadata.hops.saturating_add(1),
        traceparent: telemetry::outgoing(
            &tracing::Span::current(),
            metadata.traceparent.as_deref(),
        ),
        ..CommandRequest::new(order.aggregate, order.id.clone(), order.name, order.body.clone())
    }
}
