//! Whose an aggregate is: that of the user on whose behalf its first event was recorded.
//! Not here: what follows from that.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kit::Position;

use crate::{
    envelope,
    problem::Problem,
    store::{ReadError, Start, Store, StreamKey},
};

/// Owners that are remembered. Beyond them all are forgotten: who asks again finds out again.
const KNOWN_MAX: usize = 10_000;

/// Whose an aggregate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// It has no history yet.
    Unbegun,
    /// It was begun on behalf of nobody, such as by a policy or by who said no name over NATS.
    Nobody,
    /// It was begun on behalf of this user.
    User(String),
}

/// The owners of aggregates. What begins a history never changes, so what was found out stays.
#[derive(Debug, Default)]
pub struct Owners(Mutex<HashMap<StreamKey, Owner>>);

impl Owners {
    /// Whose `key` is, as the leader of the log in `store` knows it.
    ///
    /// # Errors
    /// `unavailable` if the log does not answer, `corrupt` if what it has cannot be read.
    pub async fn of(&self, store: &impl Store, key: &StreamKey) -> Result<Owner, Problem> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let away = |ReadError::Unavailable(why)| {
            Problem::unavailable(format!("the event log does not answer: {why}"))
        };
        let last = store.last(key).await.map_err(away)?;
        if last == Position::ZERO {
            return Ok(Owner::Unbegun);
        }
        let page = store.page(key, Start::WHOLE, last).await.map_err(away)?;
        let Some(commit) = page.commits.first() else { return Ok(Owner::Unbegun) };
        let corrupt = |error: &dyn std::fmt::Display| {
            Problem::corrupt(format!("position {}: {error}", commit.position))
        };
        let elements = envelope::decode(&commit.body).map_err(|error| corrupt(&error))?;
        let first = elements.first().ok_or_else(|| corrupt(&"it has no event"))?;
        let owner = first.metadata.user_id.clone().map_or(Owner::Nobody, Owner::User);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(key.clone(), owner.clone());
        Ok(owner)
    }
}
