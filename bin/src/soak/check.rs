//! Whether the promises were kept: a pure function of what a run left behind. The first that was not
//! is named, with where, whose and by which handler. Not here: how the evidence came about.

mod history;
mod letters;
mod mails;
mod orders;
mod replies;
mod rows;
mod timers;

use std::fmt;

use infrastructure::deadletter::Cursor;
use kit::Secret;
use serde::Serialize;

use self::history::History;
pub(super) use self::rows::DOCUMENTS;
use super::evidence::Evidence;

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which promise.
    pub promise: &'static str,
    /// Where in the log.
    pub at: Option<String>,
    /// Whose event, command or document.
    pub key: Option<String>,
    /// By which handler.
    pub handler: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl Violation {
    pub(super) fn new(promise: &'static str, what: impl Into<String>) -> Self {
        Self { promise, at: None, key: None, handler: None, what: what.into() }
    }

    pub(super) fn at(self, at: Cursor) -> Self {
        Self { at: Some(at.to_string()), ..self }
    }

    pub(super) fn about(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    pub(super) fn of(self, handler: &str) -> Self {
        Self { handler: Some(handler.to_owned()), ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { promise, at, key, handler, what } = self;
        write!(f, "{promise}: {what}")?;
        for (word, text) in [("at", at), ("key", key), ("handler", handler)] {
            if let Some(text) = text {
                write!(f, ", {word} {text}")?;
            }
        }
        Ok(())
    }
}

/// What was looked at and found in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Commits in the log.
    pub commits: usize,
    /// Events in them.
    pub events: usize,
    /// Commands that callers sent and that were answered.
    pub commands: usize,
    /// Orders of policies.
    pub orders: usize,
    /// Timers whose time had come.
    pub timers: usize,
    /// Documents of all projections.
    pub documents: usize,
    /// Mails that arrived.
    pub mails: usize,
    /// Events that nobody could read.
    pub foreign: usize,
    /// Records about dead letters.
    pub letters: usize,
}

/// Looks at everything.
///
/// # Errors
/// The first promise that was not kept.
pub fn verdict(evidence: &Evidence, secret: &Secret) -> Result<Summary, Violation> {
    let history = History::read(evidence)?;
    history.sound()?;
    let letters = letters::Letters::read(evidence);
    let foreign = letters::check(evidence, &history, &letters)?;
    Ok(Summary {
        commits: evidence.log.len(),
        events: history.events.len(),
        commands: replies::check(evidence, &history)?,
        orders: orders::check(evidence, &history, secret)?,
        timers: timers::check(evidence, &history)?,
        documents: rows::check(evidence, &history, &letters)?,
        mails: mails::check(evidence, &history)?,
        foreign,
        letters: evidence.letters.len(),
    })
}
