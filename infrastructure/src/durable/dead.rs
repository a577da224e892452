//! Commands that cannot be carried out as they are, among the dead letters: each under its own id, so
//! that nothing waits behind it. Not here: what becomes of them, and what the domain itself refuses,
//! which is an answer like any other.

use chrono::Utc;
use kit::{AggregateId, CommandId, Position};
use nats::Subject;

use crate::{
    deadletter::{Attempt, Book, BookError, Class, Cursor, Original, Parked, Place, Record, Room},
    problem::Problem,
};

/// Commands that may be among the dead letters; at one more, the queue waits.
pub(super) const LETTERS_MAX: usize = 10_000;
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
async fn room<'a>(book: &'a Book, key: &str) -> Room<'a> {
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

pub(super) fn unwritten(error: &BookError) -> Problem {
    Problem::unavailable(error.to_string())
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
