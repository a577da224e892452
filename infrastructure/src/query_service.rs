//! Queries over NATS: one endpoint per read model, a bounded number of them at work.
//! Not here: answering; the read models do that.

use std::{sync::Arc, time::Instant};

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use kit::excerpt;
use nats::{Subject, limits};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    micro::{Endpoint, Intake, ServiceError},
    problem::Problem,
    query::{Queries, QueryInfo},
    wire,
};

/// Queries at work on one instance. Most of them wait for their projection, which costs little.
const QUERIES_MAX: usize = 1024;

/// The endpoints of some read models.
#[derive(Debug)]
pub struct QueryService {
    endpoints: Vec<Arc<Endpoint>>,
    stop: CancellationToken,
    intakes: JoinSet<()>,
}

impl QueryService {
    /// Takes the queries that `queries` answers.
    ///
    /// # Errors
    /// If a subject cannot be subscribed.
    pub async fn start<Q: Queries>(
        connection: async_nats::Client,
        queries: Arc<Q>,
    ) -> Result<Self, ServiceError> {
        let stop = CancellationToken::new();
        let (mut endpoints, mut intakes) = (Vec::new(), JoinSet::new());
        let places = Arc::new(Semaphore::new(QUERIES_MAX));
        for info in queries.catalogue() {
            let endpoint = Arc::new(describe(&info));
            let filler = Subject::queries_on(info.projection).replace('*', "-");
            let intake = Intake::join(connection.clone(), &endpoint.subject, filler).await?;
            let desk = Desk {
                connection: connection.clone(),
                queries: Arc::clone(&queries),
                endpoint: Arc::clone(&endpoint),
                places: Arc::clone(&places),
                work: TaskTracker::new(),
            };
            intakes.spawn(desk.run(intake, stop.clone()));
            endpoints.push(endpoint);
        }
        Ok(Self { endpoints, stop, intakes })
    }

    /// The endpoints, for the service's description.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.endpoints.clone()
    }

    /// Takes no more queries and answers those it has.
    pub async fn drain(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.intakes.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a query endpoint ended badly");
            }
        }
    }
}

fn describe(info: &QueryInfo) -> Endpoint {
    Endpoint {
        name: info.projection.to_owned(),
        subject: Subject::queries_on(info.projection),
        metadata: ("queries", info.names.join(" ")),
        stats: Default::default(),
    }
}

struct Desk<Q> {
    connection: async_nats::Client,
    queries: Arc<Q>,
    endpoint: Arc<Endpoint>,
    places: Arc<Semaphore>,
    work: TaskTracker,
}

impl<Q: Queries> Desk<Q> {
    async fn run(self, mut intake: Intake, stop: CancellationToken) {
        let desk = Arc::new(self);
        let mut leaving = false;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !leaving => {
                    leaving = true;
                    intake.leave().await;
                }
                message = intake.next() => match message {
                    Some(message) => desk.take(message).await,
                    None => break,
                }
            }
        }
        desk.work.close();
        desk.work.wait().await;
        if let Err(error) = desk.connection.flush().await {
            tracing::debug!(%error, "the last answers may not have left");
        }
    }

    async fn take(self: &Arc<Self>, message: Message) {
        let begun = Instant::now();
        let Some(reply) = message.reply.filter(|reply| Subject::may_answer(reply)) else { return };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let busy = Problem::busy(format!("{QUERIES_MAX} queries are at work here"));
            return self.answer(reply, begun, Err(busy)).await;
        };
        let desk = Arc::clone(self);
        self.work.spawn(async move {
            let answer = desk.ask(&message.subject, message.payload).await;
            desk.answer(reply, begun, answer).await;
            drop(place);
        });
    }

    async fn ask(&self, subject: &str, body: Bytes) -> Result<Bytes, Problem> {
        let Some(Subject::Query { projection, name }) = Subject::parse(subject) else {
            let subject = excerpt(subject);
            return Err(Problem::unknown_query(format!("{subject:?} names no query")));
        };
        if body.len() > limits::QUERY_BYTES_MAX {
            let (size, limit) = (body.len(), limits::QUERY_BYTES_MAX);
            let detail = format!("the query has {size} bytes, {limit} are allowed");
            return Err(Problem::too_large(detail));
        }
        let answer = self.queries.query(&projection, &name, body).await?;
        let (size, limit) = (answer.len(), self.connection.max_payload());
        if size > limit {
            let detail = format!("the answer has {size} bytes, {limit} fit: ask for fewer");
            return Err(Problem::too_large(detail));
        }
        Ok(answer)
    }

    async fn answer(
        &self,
        reply: async_nats::Subject,
        begun: Instant,
        answer: Result<Bytes, Problem>,
    ) {
        self.endpoint.stats.count(begun.elapsed(), answer.as_ref().err());
        let (headers, body) = match answer {
            Ok(body) => (HeaderMap::new(), body),
            Err(problem) => {
                tracing::debug!(endpoint = self.endpoint.name, code = problem.code, "refused");
                wire::write_problem(&problem)
            }
        };
        if let Err(error) = self.connection.publish_with_headers(reply, headers, body).await {
            tracing::warn!(endpoint = self.endpoint.name, %error, "an answer could not be sent");
        }
    }
}
