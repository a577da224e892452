//! What people ask for about durable commands among the dead letters, done by the queue's owner: once
//! more, with another body, or never. Not here: which commands get there.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use kit::CommandId;
use nats::{Subject, names};
use tokio::{sync::watch, time};

use super::{
    LEASE, Outcome,
    dead::{Buried, LETTERS_MAX, bury, class, unwritten},
    worker::Worker,
};
use crate::{
    deadletter::{
        Body, Book, BookError, Class, Fact, Followed, Head, Original, Parked, Record, Standing,
    },
    handler::{Backoff, Feed, Gauge, Validity},
    problem::Problem,
    request::{CommandRequest, Reply},
    wire,
};

/// Commands that are carried out again at the same time.
const AT_ONCE: usize = 16;

/// Does what people ask for, for one epoch.
pub(super) struct Desk {
    pub(super) worker: Arc<Worker>,
    pub(super) book: Arc<Book>,
    pub(super) validity: watch::Receiver<Validity>,
    pub(super) gauge: Gauge,
}

impl Desk {
    /// Follows the queue of dead letters until a later epoch has begun.
    pub(super) async fn run(self, mut letters: Feed) {
        let desk = Arc::new(self);
        let is_due = |head: &Head| head.standing != Standing::Parked;
        let heads = desk.book.heads().into_iter().filter(|(_, head)| is_due(head));
        let mut due: VecDeque<String> = heads.map(|(key, _)| key).collect();
        let mut stale = desk.book.stale();
        let (mut active, mut full) = (HashSet::new(), false);
        let mut running: FuturesUnordered<BoxFuture<'static, String>> = FuturesUnordered::new();
        loop {
            desk.show(&mut full);
            for key in stale.drain(..) {
                desk.answer(&key).await;
            }
            while active.len() < AT_ONCE
                && let Some(at) = due.iter().position(|key| !active.contains(key))
                && let Some(key) = due.remove(at)
            {
                active.insert(key.clone());
                running.push(Arc::clone(&desk).act(key).boxed());
            }
            tokio::select! {
                Some(key) = running.next() => {
                    active.remove(&key);
                }
                letter = letters.next() => {
                    let Some(letter) = letter else { return };
                    match desk.book.follow(&letter) {
                        Followed::Nothing | Followed::Reset => {}
                        Followed::Due(key) if due.contains(&key) => {}
                        Followed::Due(key) => due.push_back(key),
                        Followed::Stale(key) => stale.push(key),
                        Followed::Fenced => return,
                    }
                }
            }
        }
    }

    /// Shows how many commands were set aside, and that the queue waits when no more may be.
    fn show(&self, full: &mut bool) {
        let parked = self.book.parked();
        self.gauge.parked(parked as u64, 0);
        let was = std::mem::replace(full, parked >= LETTERS_MAX);
        match (was, *full) {
            (false, true) => self.gauge.halted(format!("{parked} commands are dead letters")),
            (true, false) => self.gauge.relieved(),
            (false, false) | (true, true) => {}
        }
    }

    /// Answers what a former owner wrote too late. A command that it set aside is so: it may have kept
    /// the outcome too, and then the command does not come again.
    async fn answer(&self, key: &str) {
        let late = match self.book.head(key) {
            None => self.book.read(self.book.last(key)).await,
            Some(_) => None,
        };
        let answered = match late {
            Some(Record::Parked(parked)) => {
                let parked = Parked { epoch: self.book.epoch(), ..*parked };
                self.book.append(key, Record::Parked(Box::new(parked))).await
            }
            _ => self.book.repair(key).await,
        };
        if let Err(error) = answered {
            tracing::warn!(key, %error, "a dead letter was not answered");
        }
    }

    async fn act(self: Arc<Self>, key: String) -> String {
        if let Err(error) = self.decide(&key).await {
            tracing::warn!(key, %error, "what was asked about a dead letter was not done");
        }
        key
    }

    async fn decide(&self, key: &str) -> Result<(), BookError> {
        let Some(head) = self.book.head(key) else { return Ok(()) };
        if !self.book.decide(key, &head).await? {
            return Ok(());
        }
        let facts = self.book.facts(key);
        let data = match facts.as_deref().and_then(|it| it.of_commit(head.event.at.position)) {
            Some(Fact::Discarded) => return self.book.release(key, head.at.position).await,
            Some(Fact::Overridden { data, .. }) => Some(Bytes::from(data.0.get().to_owned())),
            None => None,
        };
        let Some(Subject::Event { id, .. }) = Subject::parse(key) else { return Ok(()) };
        let (Some(Record::Parked(parked)), Ok(id)) =
            (self.book.read(head.record).await, id.as_str().parse::<CommandId>())
        else {
            return Ok(());
        };
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(10));
        while let Err(problem) = self.attempt(key, &id, &parked, data.clone()).await {
            tracing::warn!(command = %id, %problem, "a dead letter is tried again");
            time::sleep(backoff.next()).await;
        }
        Ok(())
    }

    /// Carries the command out once more and keeps what became of it. An error is transient.
    async fn attempt(
        &self,
        key: &str,
        id: &CommandId,
        parked: &Parked,
        data: Option<Bytes>,
    ) -> Result<(), Problem> {
        let problem = match self.carry_out(id, parked, data).await {
            Ok(reply) => {
                self.worker.results.keep(Outcome::accepted(id.clone(), reply)).await?;
                let released = self.book.release(key, parked.event.at.position).await;
                return released.map_err(|error| unwritten(&error));
            }
            Err(problem) if problem.is_transient() => return Err(problem),
            Err(problem) => problem,
        };
        let buried = Buried {
            id,
            subject: &parked.original.subject,
            position: parked.event.at.position,
            original: parked.original.clone(),
            failed: Vec::new(),
        };
        // Whoever asked for another attempt is shown why it failed, whatever it was.
        let class = class(&problem).unwrap_or(Class::Refused);
        bury(&self.book, buried, class, &problem).await?;
        self.worker.results.keep(Outcome::set_aside(id.clone(), problem, &parked.original)).await
    }

    async fn carry_out(
        &self,
        id: &CommandId,
        parked: &Parked,
        data: Option<Bytes>,
    ) -> Result<Reply, Problem> {
        let request = request(&parked.original, data)?;
        // Its deadline was for the first time.
        let request = CommandRequest { deadline: None, ..request };
        self.worker.execute(id, request, &self.validity, false).await
    }
}

/// The command as it came, or with the body `data`.
fn request(original: &Original, data: Option<Bytes>) -> Result<CommandRequest, Problem> {
    let body = match (data, &original.body) {
        (Some(data), _) => data,
        (None, Body::Text(text)) => Bytes::from(text.clone()),
        (None, Body::Base64(text)) => {
            let bytes = STANDARD.decode(text);
            bytes.map_err(|error| Problem::invalid(error.to_string()))?.into()
        }
        (None, Body::LeftOut(bytes)) => {
            return Err(Problem::too_large(format!("the body of {bytes} bytes was not kept")));
        }
    };
    if original.raw_headers.is_some() {
        return Err(Problem::invalid("the headers cannot be read"));
    }
    let mut headers = HeaderMap::new();
    for (name, values) in &original.headers {
        let bad = |error: &dyn std::fmt::Display| Problem::invalid(format!("{name}: {error}"));
        let parsed: HeaderName = name.parse().map_err(|error| bad(&error))?;
        for value in values {
            let value: HeaderValue = value.parse().map_err(|error| bad(&error))?;
            headers.append(parsed.clone(), value);
        }
    }
    wire::read_request(&original.subject, Some(&headers), body)
}

/// Opens the dead letters of durable commands for `epoch`, for as long as it takes, for all to see.
pub(super) async fn open(worker: &Worker, epoch: u64, gauge: &Gauge) -> (Book, Feed) {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
    loop {
        let (letters, own) = (worker.letters.clone(), gauge.clone());
        match Book::open(letters, LEASE, epoch, &worker.instance, own).await {
            Ok(opened) => {
                gauge.running(epoch);
                return opened;
            }
            Err(error) => {
                tracing::warn!(%error, "{} of durable commands cannot be read", names::DLQ);
                gauge.retrying(&error.to_string(), false);
                time::sleep(backoff.next()).await;
            }
        }
    }
}
