//! Commands that cannot be carried out as they are, among the dead letters: each under its own id, so
//! that nothing waits behind it. What people ask for is done here: once more, with another body, or
//! never. Not here: what the domain itself refuses, which is an answer like any other.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::Utc;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use kit::{AggregateId, CommandId, Position};
use nats::{Subject, names};
use tokio::{sync::watch, time};

use super::{LEASE, Outcome, worker::Worker};
use crate::{
    deadletter::{
        Attempt, Body, Book, BookError, Class, Cursor, Fact, Followed, Head, Original, Parked,
        Place, Record, Standing,
    },
    handler::{Backoff, Feed, Gauge, Validity},
    problem::Problem,
    request::{CommandRequest, Reply},
    wire,
};

/// Commands that may be among the dead letters; at one more, the queue waits.
const LETTERS_MAX: usize = 10_000;
/// Commands that are carried out again at the same time.
const AT_ONCE: usize = 16;
/// Stands for the aggregate type where the subject names none.
const NO_AGGREGATE: &str = "unknown";

/// Why a command is to be set aside; none if its end is an answer that its sender can expect: what
/// the domain refuses, a version that was not met, a deadline that has passed.
pub(super) fn class(problem: &Problem) -> Option<Class> {
    match (problem.status, &*problem.code) {
        (_, "too-many-hops") => Some(Class::Refused),
        (422 | 503 | 504, _) | (_, "wrong-version" | "conflict") => None,
        (_, "internal") => Some(Class::Bug),
        (500.., _) => Some(Class::Permanent),
        _ => Some(Class::Refused),
    }
}

/// A command that was taken from the queue, as its dead letter names it.
pub(super) struct Buried<'a> {
    pub(super) id: &'a CommandId,
    pub(super) subject: &'a str,
    /// Its place in the queue.
    pub(super) position: Position,
    pub(super) original: Original,
    /// Failed attempts since it was taken.
    pub(super) failed: Vec<Attempt>,
}

/// The key of the command `id`, as the book names keys.
fn key(subject: &str, id: &CommandId) -> Option<String> {
    let aggregate = match Subject::parse(subject) {
        Some(Subject::Enqueue { aggregate, .. }) => aggregate,
        _ => NO_AGGREGATE.to_owned(),
    };
    // Both are one token.
    Some(Subject::event(&aggregate, &id.as_str().parse::<AggregateId>().ok()?))
}

fn place(subject: &str, position: Position) -> Place {
    let kind = match Subject::parse(subject) {
        Some(Subject::Enqueue { aggregate, name, .. }) => Some(format!("{aggregate}.{name}")),
        _ => None,
    };
    Place { id: None, kind, at: Cursor { position, index: 0 } }
}

/// Writes down that the command failed for good, after as many attempts before.
pub(super) async fn bury(
    book: &Book,
    buried: Buried<'_>,
    class: Class,
    problem: &Problem,
) -> Result<(), Problem> {
    let Buried { id, subject, position, original, failed } = buried;
    let Some(key) = key(subject, id) else { return Ok(()) };
    let event = place(subject, position);
    let before = book.head(&key).filter(|head| head.event == event);
    let time = Utc::now();
    let now = Attempt { time, error: problem.to_string() };
    let recent = if failed.is_empty() { vec![now] } else { failed };
    let attempts = u32::try_from(recent.len()).unwrap_or(u32::MAX);
    let parked = Parked {
        event,
        class,
        errors: vec![problem.to_string()],
        attempts: before.as_ref().map_or(0, |head| head.attempts).saturating_add(attempts),
        first: before.map_or(recent.first().map_or(time, |it| it.time), |head| head.first),
        last: time,
        recent,
        original,
        epoch: book.epoch(),
    };
    tracing::error!(command = %id, subject, ?class, "set aside: {problem}");
    let room = room(book, &key).await;
    let written = book.append(&key, Record::Parked(Box::new(parked))).await;
    drop(room);
    written.map_err(|error| unwritten(&error))
}

/// Waits until one more command may be among the dead letters.
async fn room<'a>(book: &'a Book, key: &str) -> crate::deadletter::Room<'a> {
    let (mut changes, mut told) = (book.changes(), false);
    loop {
        changes.mark_unchanged();
        if let Some(room) = book.room(key, LETTERS_MAX) {
            return room;
        }
        if !told {
            tracing::error!("{LETTERS_MAX} durable commands are dead letters, and no more may be");
            told = true;
        }
        // The book outlives whoever waits, so this only ends when something has changed.
        let _ = changes.changed().await;
    }
}

/// Writes down that the command is done with after all, if it is among the dead letters.
pub(super) async fn settle(book: &Book, id: &CommandId, subject: &str) -> Result<(), Problem> {
    let Some(key) = key(subject, id) else { return Ok(()) };
    let Some(head) = book.head(&key) else { return Ok(()) };
    book.release(&key, head.at.position).await.map_err(|error| unwritten(&error))
}

fn unwritten(error: &BookError) -> Problem {
    Problem::unavailable(error.to_string())
}

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

/// Opens the dead letters of durable commands for `epoch`, for as long as it takes.
pub(super) async fn open(worker: &Worker, epoch: u64) -> (Book, Feed) {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
    loop {
        match Book::open(worker.letters.clone(), LEASE, epoch, &worker.instance).await {
            Ok(opened) => return opened,
            Err(error) => {
                tracing::warn!(%error, "{} of durable commands cannot be read", names::DLQ);
                time::sleep(backoff.next()).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sender_must_expect_is_no_dead_letter() {
        for answer in [
            Problem::refused("too-young", ""),
            Problem::wrong_version(""),
            Problem::deadline(""),
            Problem::busy(""),
        ] {
            assert_eq!(class(&answer), None, "{answer}");
        }
        for (dead, expected) in [
            (Problem::invalid(""), Class::Refused),
            (Problem::too_large(""), Class::Refused),
            (Problem::unknown_aggregate(""), Class::Refused),
            (Problem::unknown_command(""), Class::Refused),
            (Problem::id_reused(""), Class::Refused),
            (Problem::too_many_hops(""), Class::Refused),
            (Problem::corrupt(""), Class::Permanent),
            (Problem::internal(""), Class::Bug),
        ] {
            assert_eq!(class(&dead), Some(expected), "{dead}");
        }
    }
}
