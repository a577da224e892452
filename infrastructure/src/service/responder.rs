//! Answers on their way out: encoded here, off the processor's engine.

use std::{sync::Arc, time::Instant};

use async_nats::Subject;
use tokio::sync::mpsc;
use tracing::Span;

use crate::{fail_points, micro::Endpoint, problem::Problem, request::Reply, wire};

/// Answers taken from the queue at once.
const BATCH: usize = 64;

/// What became of one command, and where to say so.
pub(super) struct Answer {
    pub(super) reply: Option<Subject>,
    pub(super) begun: Instant,
    pub(super) outcome: Result<Reply, Problem>,
    /// Ends with the answer.
    pub(super) span: Span,
}

#[derive(Clone)]
pub(super) struct Responder {
    pub(super) connection: async_nats::Client,
    pub(super) endpoint: Arc<Endpoint>,
}

impl Responder {
    /// Sends answers until no command is left that could still be answered.
    pub(super) async fn run(self, mut answers: mpsc::Receiver<Answer>) {
        let mut batch = Vec::with_capacity(BATCH);
        while answers.recv_many(&mut batch, BATCH).await > 0 {
            for answer in batch.drain(..) {
                self.send(answer).await;
            }
        }
        if let Err(error) = self.connection.flush().await {
            tracing::warn!(%error, "the last answers may not have left");
        }
    }

    pub(super) async fn send(&self, answer: Answer) {
        let Answer { reply, begun, outcome, span } = answer;
        // Nobody to answer and nothing done: a filler, or a stray message.
        if reply.is_none() && outcome.is_err() {
            return;
        }
        let outcome = outcome.and_then(|reply| {
            wire::write_reply(&reply).map_err(|error| Problem::corrupt(error.to_string()))
        });
        self.endpoint.stats.count(begun.elapsed(), outcome.as_ref().err());
        if let Err(problem) = &outcome {
            span.in_scope(|| tracing::debug!(problem.status, problem.code, "refused"));
        }
        let Some(reply) = reply else { return };
        fail_points::pass("reply.before");
        let sent = match outcome {
            Ok(body) => self.connection.publish(reply, body).await,
            Err(problem) => {
                let (headers, body) = wire::write_problem(&problem);
                self.connection.publish_with_headers(reply, headers, body).await
            }
        };
        if let Err(error) = sent {
            span.in_scope(|| tracing::warn!(%error, "an answer could not be sent"));
        }
    }
}
