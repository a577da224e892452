//! Commands over NATS: requests in, answers out.
//!
//! No task and no wait per command: one loop takes, the processor's engine decides, one loop
//! answers. Not here: deciding, appending, durable commands.

mod responder;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use async_nats::Message;
use nats::Subject;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::{
    aggregates::Catalogue,
    micro::{Endpoint, Intake, ServiceError},
    problem::Problem,
    processor::Processor,
    request::CommandRequest,
    telemetry,
    vital::Vital,
    wire,
};
use responder::{Answer, Responder};

/// Commands taken and not yet answered; more are `busy`.
const COMMANDS_MAX: usize = 16 * 1024;

/// The command endpoint of one instance. Dropping it ends it, with what it has not answered.
#[derive(Debug)]
pub struct CommandService {
    endpoint: Arc<Endpoint>,
    stop: CancellationToken,
    desk: Vital<()>,
    responder: Vital<()>,
}

impl CommandService {
    /// Takes commands for `processor` from `connection`, which should not be the one that appends:
    /// the server handles what comes on one connection in turn.
    ///
    /// # Errors
    /// If the subject cannot be subscribed.
    pub async fn start(
        connection: async_nats::Client,
        processor: Processor,
        catalogue: &[Catalogue],
    ) -> Result<Self, ServiceError> {
        let endpoint = Arc::new(describe(catalogue));
        let intake = Intake::join(
            connection.clone(),
            Subject::COMMANDS,
            Subject::COMMANDS_FILLER.to_owned(),
        )
        .await?;
        let (outbox, answers) = mpsc::channel(COMMANDS_MAX);
        let responder = Responder { connection, endpoint: Arc::clone(&endpoint) };
        let desk = Desk { processor, outbox, responder: responder.clone() };
        let stop = CancellationToken::new();
        Ok(Self {
            endpoint,
            desk: Vital::spawn(desk.run(intake, stop.clone())),
            responder: Vital::spawn(responder.run(answers)),
            stop,
        })
    }

    /// The endpoint, for the service's description.
    #[must_use]
    pub fn endpoint(&self) -> Arc<Endpoint> {
        Arc::clone(&self.endpoint)
    }

    /// Returns when a part has ended without being asked to: no command is answered any more.
    pub(crate) async fn ended(&self) {
        tokio::select! {
            () = self.desk.ended() => {}
            () = self.responder.ended() => {}
        }
    }

    /// Takes no more commands, answers every one it has taken, and flushes. The processor must
    /// still be at work.
    pub async fn drain(self) {
        self.stop.cancel();
        for (part, task) in [("desk", self.desk), ("responder", self.responder)] {
            if let Err(error) = task.join().await {
                tracing::error!(part, %error, "a part of the command service ended badly");
            }
        }
    }
}

fn describe(catalogue: &[Catalogue]) -> Endpoint {
    let commands: BTreeMap<_, _> =
        catalogue.iter().map(|entry| (entry.aggregate, &entry.commands)).collect();
    Endpoint {
        name: "commands".to_owned(),
        subject: Subject::COMMANDS.to_owned(),
        metadata: ("commands", serde_json::to_string(&commands).unwrap_or_default()),
        stats: Default::default(),
    }
}

/// Where requests are looked at and handed on.
struct Desk {
    processor: Processor,
    outbox: mpsc::Sender<Answer>,
    responder: Responder,
}

impl Desk {
    async fn run(self, mut intake: Intake, stop: CancellationToken) {
        let mut leaving = false;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !leaving => {
                    leaving = true;
                    intake.leave().await;
                }
                message = intake.next() => {
                    let Some(message) = message else { return };
                    if let Some(refusal) = self.take(message) {
                        self.responder.send(refusal).await;
                    }
                }
            }
        }
    }

    /// Hands a command to the processor, or says at once why not.
    fn take(&self, message: Message) -> Option<Answer> {
        let begun = Instant::now();
        let reply = message.reply;
        if reply.as_ref().is_some_and(|reply| !Subject::may_answer(reply)) {
            tracing::warn!(
                "a command wants its answer on a subject of the service: not carried out"
            );
            return None;
        }
        let request =
            wire::read_request(&message.subject, message.headers.as_ref(), message.payload);
        let answer = |outcome, span| Answer { reply: reply.clone(), begun, outcome, span };
        let mut request = match request {
            Ok(request) => request,
            Err(problem) => {
                return Some(answer(self.processor.counted(problem), Span::none()));
            }
        };
        let span = continue_trace(&mut request);
        let Ok(place) = self.outbox.clone().try_reserve_owned() else {
            let busy = Problem::busy("answers wait to be sent; wait a little");
            return Some(answer(self.processor.counted(busy), span));
        };
        let handed_on = move |outcome| {
            place.send(Answer { reply, begun, outcome, span });
        };
        self.processor.submit(request, Box::new(handed_on));
        None
    }
}

/// The span of one command, which its events and what follows from them continue.
pub(crate) fn continue_trace(request: &mut CommandRequest) -> Span {
    let CommandRequest { aggregate, id, name, traceparent, .. } = request;
    let span = tracing::debug_span!("command", aggregate, %id, name);
    if !span.is_disabled() {
        telemetry::adopt(&span, traceparent.as_deref());
        *traceparent = telemetry::outgoing(&span, traceparent.as_deref());
    }
    span
}
