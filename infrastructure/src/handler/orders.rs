//! What handlers order, sent as commands. A refusal is kept before the event is done with, and
//! stands from then on, unless somebody asks for the event to be tried again.
//! Not here: what is ordered, and what follows from a refusal.

use chrono::{DateTime, Utc};
use kit::{CommandId, HOPS_MAX, Order};

use super::{Failure, Source, duty::Duty, trial::Trial};
use crate::{
    client::Client,
    durable::{Outcome, OutcomeStatus, Results},
    fail_points,
    problem::Problem,
    request::{CommandRequest, Reply, Status},
    telemetry,
    timers::TimerStore,
};

/// Most orders one event may lead to, and most answers one refusal may: the base in which ordinals
/// of answers are counted, so that no two orders of one event ever share an id.
pub const ORDERS_MAX: usize = 1024;

pub(super) fn not_too_many<T>(orders: &[T]) -> Result<(), Failure> {
    match orders.len() {
        0..=ORDERS_MAX => Ok(()),
        count => Err(Failure::Bug(format!("{count} orders for one event"))),
    }
}

pub(super) fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::Bug(format!("a command has no JSON form: {error}"))
}

/// What became of an order that is to be taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TakenUp {
    /// It was, just now.
    Now,
    /// An earlier attempt did, and has not said how it ended.
    Before,
    /// It cannot be any more: the refusal's code.
    Refused(String),
}

/// Has orders carried out.
#[derive(Clone)]
pub(crate) struct Dispatch {
    pub(crate) client: Client,
    pub(crate) results: Results,
    pub(crate) timers: TimerStore,
}

impl Dispatch {
    /// Has an order carried out, or finds that it was refused, now or by an earlier attempt.
    pub(super) async fn carry(
        &self,
        source: &Source<'_>,
        trial: &mut Trial<'_>,
        request: &CommandRequest,
    ) -> Result<Result<(), Problem>, Failure> {
        let duty = trial.duty;
        let Some(id) = request.command_id.clone() else {
            return Err(Failure::Bug("an order without an id".to_owned()));
        };
        let asked = trial.occasion.asked;
        let refused = trial.persist(async || self.refusal(&id).await).await?;
        let before = refused.is_some();
        if let Some((problem, time)) = refused
            && asked.is_none_or(|asked| time.is_some_and(|time| time >= asked))
        {
            return Ok(Err(problem));
        }
        let sent = if request.hops > HOPS_MAX {
            // Whatever it would answer had as many hops behind it.
            Err(Problem::too_many_hops(format!("there were {HOPS_MAX} before this one")))
        } else {
            let sent = trial.persist(|| send(&self.client, request, duty)).await?;
            trial.answered();
            fail_points::pass("order.answered");
            sent
        };
        let outcome = match &sent {
            Ok(_) if !before => return Ok(Ok(())),
            // The refusal that is kept must not stand when the event is handled once more.
            Ok(reply) => Outcome::accepted(id, reply.clone()),
            Err(problem) => Outcome::refused(id, request, problem.clone()),
        };
        let keep =
            async || self.results.keep(outcome.clone()).await.map_err(|problem| unkept(&problem));
        trial.persist(keep).await?;
        let Err(problem) = sent else { return Ok(Ok(())) };
        tell(source, duty, request, &problem.code);
        Ok(Err(problem))
    }

    /// Has `order` taken up once more, whatever became of earlier attempts at the event: its command
    /// id is new, so that the aggregate decides by where it stands.
    pub(super) async fn take_up(
        &self,
        source: &Source<'_>,
        trial: &mut Trial<'_>,
        order: &Order,
    ) -> Result<TakenUp, Failure> {
        let duty = trial.duty;
        let request = CommandRequest { command_id: None, ..request(source, duty.name, 0, order) };
        let request = request.identified();
        if request.hops > HOPS_MAX {
            return Ok(TakenUp::Refused("too-many-hops".to_owned()));
        }
        Ok(match trial.persist(|| send(&self.client, &request, duty)).await? {
            Ok(reply) if reply.status == Status::Unchanged => TakenUp::Before,
            // An answer that was lost and came again is ours: nobody else has this id.
            Ok(_) => TakenUp::Now,
            Err(problem) => TakenUp::Refused(problem.code),
        })
    }

    /// Why the order was refused when this event was handled before, and when. It leaves no trace in
    /// the log of the aggregate, which may decide otherwise by now.
    async fn refusal(
        &self,
        id: &CommandId,
    ) -> Result<Option<(Problem, Option<DateTime<Utc>>)>, Failure> {
        let kept = self.results.ended(id).await.map_err(|problem| unkept(&problem))?;
        let refused = kept.filter(|kept| kept.status == OutcomeStatus::Refused);
        Ok(refused.and_then(|kept| Some((kept.problem?, kept.time))))
    }
}

fn unkept(problem: &Problem) -> Failure {
    match problem.is_transient() {
        true => Failure::Transient(problem.to_string()),
        false => Failure::Permanent(problem.to_string()),
    }
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
) -> Result<Result<Reply, Problem>, Failure> {
    let Some(deadline) = duty.deadline() else {
        return Err(Failure::Transient("the lease has run out".to_owned()));
    };
    // After the deadline the lease may be another's, and so may the order of commands.
    let request = CommandRequest { deadline: Some(deadline), ..request.clone() };
    match client.send(&request).await {
        Ok(reply) => Ok(Ok(reply)),
        Err(problem) if problem.is_transient() => Err(Failure::Transient(problem.to_string())),
        // While versions of the service are mixed, an older instance may not know the command yet.
        Err(problem) if problem.status == 404 => Err(Failure::Transient(problem.to_string())),
        Err(problem) if problem.status < 500 => Ok(Err(problem)),
        Err(problem) => Err(Failure::Permanent(problem.to_string())),
    }
}

/// The command that `order` becomes: its id is the same for every delivery of the event.
pub(super) fn request(
    source: &Source<'_>,
    handler: &str,
    ordinal: usize,
    order: &Order,
) -> CommandRequest {
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
