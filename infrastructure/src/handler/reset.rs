//! Asking for a policy or an effect to go through events again, with what it does about them.
//! The handler's owner acts; nothing here moves a checkpoint. Not here: what the events would lead
//! to, which a replay shows.

use async_nats::jetstream;
use chrono::{DateTime, Utc};
use kit::{Position, excerpt};
use nats::{Subject, names};
use uuid::Uuid;

use super::{
    cell::Cell, checkpoint::CheckpointRecord, lease::LeaseRecord, registration::Registration,
    report::away,
};
use crate::{
    composition::HandlerKind,
    deadletter::{AppendError, BadRecord, Queue, QueueAway, Record, Reset, Resets},
    problem::Problem,
};

/// Where a handler stands, for whoever wants it to go back.
#[derive(Debug, Clone)]
pub struct Standpoint {
    /// The handler.
    pub handler: String,
    /// Everything up to here is handled.
    pub checkpoint: Position,
    /// It was registered here: what stands before is not for it.
    pub since: Position,
    /// The instance that owns it, or owned it until its lease ran out.
    pub owner: Option<String>,
    /// What somebody asked for that is not done.
    pub pending: Option<Reset>,
    /// The last record about its resets.
    last: u64,
}

/// One record about a handler as a whole.
#[derive(Debug)]
pub struct Told {
    /// Its place in the queue of dead letters.
    pub sequence: u64,
    /// When it was stored.
    pub time: DateTime<Utc>,
    /// The record, if this code can read it.
    pub record: Result<Record, BadRecord>,
}

/// Where the policy or effect `handler` stands.
///
/// # Errors
/// `not-found` if it is not registered, `invalid` if it is a projection, `unavailable` if a bucket or
/// the queue of dead letters does not answer.
pub async fn standpoint(client: &async_nats::Client, handler: &str) -> Result<Standpoint, Problem> {
    let registered = registered(client, handler).await?;
    if registered.kind == HandlerKind::Projection {
        return Err(Problem::invalid(format!(
            "{handler} is a projection: its rows would hold twice what is delivered twice; \
             `headwater projection rebuild {handler}` folds them anew"
        )));
    }
    let checkpoint: Cell<CheckpointRecord> = cell(client, names::CHECKPOINTS, handler).await?;
    let lease: Cell<LeaseRecord> = cell(client, names::LEASES, handler).await?;
    let (checkpoint, _) =
        checkpoint.read().await.map_err(|error| away(names::CHECKPOINTS, &error))?;
    let (lease, _) = lease.read().await.map_err(|error| away(names::LEASES, &error))?;
    let mut resets = Resets::default();
    for told in records(client, subject(handler)).await? {
        resets.apply(told.sequence, told.record.as_ref().ok());
    }
    Ok(Standpoint {
        handler: handler.to_owned(),
        checkpoint: checkpoint.map_or(registered.since, |record| record.position),
        since: registered.since,
        owner: lease.and_then(|lease| lease.owner),
        pending: resets.pending,
        last: resets.last,
    })
}

/// Everything that was recorded about `handler` as a whole: who owned it, and who had it go through
/// events again.
///
/// # Errors
/// `not-found` if it is not registered; `unavailable`.
pub async fn told_of(client: &async_nats::Client, handler: &str) -> Result<Vec<Told>, Problem> {
    registered(client, handler).await?;
    let owners = Subject::DeadLetterOwners { handler: handler.to_owned() };
    let mut told = records(client, owners.to_string()).await?;
    told.extend(records(client, subject(handler)).await?);
    told.sort_by_key(|told| told.sequence);
    Ok(told)
}

impl Standpoint {
    /// Whether there is anything to deliver again from `from` on.
    ///
    /// # Errors
    /// `invalid` if `from` is no position of the handler's past: nothing is ever passed over, and
    /// what was never for it does not become so.
    pub fn is_past(&self, from: Position) -> Result<bool, Problem> {
        let Self { handler, checkpoint, since, .. } = self;
        if from > checkpoint.next() {
            return Err(Problem::invalid(format!(
                "{handler} has handled the log up to {checkpoint}: from {from} on it would never \
                 handle what stands between, and a reset passes over nothing"
            )));
        }
        if from <= *since {
            return Err(Problem::invalid(format!(
                "{handler} was registered after {since}: what stands before is not for it, so it can \
                 begin again at {} at the earliest",
                since.next()
            )));
        }
        Ok(from <= *checkpoint)
    }

    /// Asks the owner to deliver everything from `from` on again. Answers the place of the request.
    ///
    /// # Errors
    /// `invalid` as [`Self::is_past`]; `conflict` if something else was asked for and is not done,
    /// unless it is `instead_of` that, or if something was recorded since the standpoint was read;
    /// `unavailable` if the queue does not answer: the request may have landed.
    pub async fn ask(
        &self,
        client: &async_nats::Client,
        from: Position,
        (who, why): (&str, &str),
        instead_of: Option<Uuid>,
    ) -> Result<Reset, Problem> {
        self.is_past(from)?;
        let pending = self.pending.as_ref();
        if let Some(Reset { request, from, who, time, .. }) =
            pending.filter(|pending| Some(pending.request) != instead_of)
        {
            return Err(Problem::conflict(format!(
                "{who} asked at {time} for {} to begin again at {from}, and that is not done yet: \
                 request {request}",
                self.handler
            )));
        }
        let reset = Reset {
            request: Uuid::now_v7(),
            from,
            checkpoint: self.checkpoint,
            instead_of: instead_of.filter(|_| pending.is_some()),
            who: who.to_owned(),
            why: why.to_owned(),
            time: Utc::now(),
        };
        let body = Record::Reset(Box::new(reset.clone())).encode();
        let body = body.map_err(|error| Problem::invalid(error.to_string()))?;
        let queue = open(client).await?;
        match queue.append(subject(&self.handler), body, Some(self.last)).await {
            Ok(_) => Ok(reset),
            Err(AppendError::Conflict) => Err(Problem::conflict(format!(
                "something was recorded about {} since it was read",
                self.handler
            ))),
            Err(AppendError::Away(why)) => Err(Problem::unavailable(why)),
        }
    }
}

/// Whether the owner has acted on the request; none if another has taken its place.
///
/// # Errors
/// `unavailable`, if the queue does not answer.
pub async fn acted_on(
    client: &async_nats::Client,
    handler: &str,
    request: Uuid,
) -> Result<Acted, Problem> {
    let mut acted = Acted::NotYet;
    for told in records(client, subject(handler)).await? {
        match told.record {
            Ok(Record::Rewound(done)) if done.request == request => {
                return Ok(Acted::Done { checkpoint: done.checkpoint, epoch: done.epoch });
            }
            Ok(Record::Reset(other)) if other.instead_of == Some(request) => {
                acted = Acted::Replaced { who: other.who };
            }
            _ => {}
        }
    }
    Ok(acted)
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acted {
    /// Nothing yet.
    NotYet,
    /// Events are delivered again.
    Done {
        /// Where the checkpoint stood before.
        checkpoint: Position,
        /// The epoch in which it was moved.
        epoch: u64,
    },
    /// Another request took its place.
    Replaced {
        /// Whose.
        who: String,
    },
}

fn subject(handler: &str) -> String {
    Subject::HandlerReset { handler: handler.to_owned() }.to_string()
}

async fn registered(client: &async_nats::Client, handler: &str) -> Result<Registration, Problem> {
    let unknown = || {
        let handler = excerpt(handler);
        Problem::not_found(format!("no policy or effect {handler:?} was ever registered"))
    };
    // What is no word of a subject is no handler's name either.
    Subject::parse(&subject(handler)).ok_or_else(unknown)?;
    let cell: Cell<Registration> = cell(client, names::HANDLERS, handler).await?;
    match cell.read().await {
        Ok((found, _)) => found.ok_or_else(unknown),
        // Other things stand in that bucket, too.
        Err(super::cell::CellError::Foreign { .. }) => Err(unknown()),
        Err(error) => Err(away(names::HANDLERS, &error)),
    }
}

async fn cell<V>(
    client: &async_nats::Client,
    bucket: &'static str,
    key: &str,
) -> Result<Cell<V>, Problem> {
    let store = jetstream::new(client.clone()).get_key_value(bucket).await;
    Ok(Cell::new(&store.map_err(|error| away(bucket, &error))?, key))
}

async fn open(client: &async_nats::Client) -> Result<Queue, Problem> {
    Queue::open(client).await.map_err(|QueueAway(why)| Problem::unavailable(why))
}

async fn records(client: &async_nats::Client, subject: String) -> Result<Vec<Told>, Problem> {
    let stored = open(client).await?.tail(&subject, 0).await;
    let stored = stored.map_err(|QueueAway(why)| Problem::unavailable(why))?;
    let told = stored.into_iter().map(|it| Told {
        sequence: it.sequence,
        time: it.time,
        record: Record::decode(&it.body),
    });
    Ok(told.collect())
}
