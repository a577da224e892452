//! Where the events of a replay come from: the log, or files that were made of it.
//! Not here: what is done with them.

use std::{collections::HashMap, path::Path, sync::Arc};

use kit::Position;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    log::{self, away},
    scope::Bound,
};
use crate::{
    backup::{self, Backup, Volume},
    deadletter::{DeadLetters, Facts},
    handler::{Feed, Log, end_of},
    problem::Problem,
    sealing::Keys,
};

/// The log, or a copy of it.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The log itself.
    Log(async_nats::Client),
    /// An archive, or the log of a backup with what was decided about dead letters.
    Files {
        /// The commits.
        events: Volume,
        /// The dead letters, if they are there.
        letters: Option<Volume>,
    },
}

impl From<&async_nats::Client> for Origin {
    fn from(client: &async_nats::Client) -> Self {
        Self::Log(client.clone())
    }
}

impl Origin {
    /// The archive or backup in `folder`, once all of its commits have been read and found whole.
    ///
    /// # Errors
    /// `not-found`; `corrupt`, naming the first fault.
    pub async fn files(folder: &Path) -> Result<Self, Problem> {
        let (events, letters) = match Backup::open(folder) {
            Ok(backup) => {
                let volume = |name| backup.volume(name);
                (volume(nats::names::EVENTS)?, Some(volume(nats::names::DLQ)?))
            }
            Err(problem) if problem.code == "not-found" => (Volume::open(folder)?, None),
            Err(problem) => return Err(problem),
        };
        if events.stream() != nats::names::EVENTS {
            let (folder, found) = (folder.display(), events.stream());
            return Err(Problem::invalid(format!("{folder} holds {found}, not the log")));
        }
        let volumes: Vec<Volume> = letters.iter().cloned().chain([events.clone()]).collect();
        let faults = backup::blocking(move || {
            Ok(volumes.iter().flat_map(|volume| volume.verify(|_| {})).collect::<Vec<_>>())
        });
        match faults.await?.into_iter().next() {
            Some(fault) => Err(fault.into()),
            None => Ok(Self::Files { events, letters }),
        }
    }

    /// The last position.
    pub(super) async fn end(&self) -> Result<Position, Problem> {
        match self {
            Self::Log(client) => {
                let stream = log::open(client).await?;
                end_of(&stream).await.map_err(|error| Problem::unavailable(error.to_string()))
            }
            Self::Files { events, .. } => Ok(Position(events.last())),
        }
    }

    /// The first position that `bound` lets in.
    pub(super) async fn first_since(&self, bound: Bound) -> Result<Position, Problem> {
        match (self, bound) {
            (_, Bound::Position(position)) => Ok(position),
            (Self::Log(client), Bound::Time(time)) => {
                log::check_time(client, time).await?;
                log::first_since(&log::open(client).await?, time).await
            }
            (Self::Files { events, .. }, bound) => {
                let events = events.clone();
                backup::blocking(move || events.first_since(bound)).await.map(Position)
            }
        }
    }

    /// The last position that `bound` lets in.
    pub(super) async fn last_until(&self, bound: Bound) -> Result<Position, Problem> {
        match (self, bound) {
            (_, Bound::Position(position)) => Ok(position),
            (Self::Log(client), Bound::Time(time)) => {
                log::check_time(client, time).await?;
                log::last_until(&log::open(client).await?, time).await
            }
            (Self::Files { events, .. }, bound) => {
                let events = events.clone();
                backup::blocking(move || events.last_until(bound)).await.map(Position)
            }
        }
    }

    /// What was decided about events that `handler` could not process, by their subjects.
    pub(super) async fn facts(&self, handler: &str) -> Result<HashMap<String, Facts>, Problem> {
        match self {
            Self::Log(client) => {
                let letters = DeadLetters::open(client).await.map_err(|error| away(&error))?;
                letters.facts(handler).await.map_err(|error| away(&error))
            }
            Self::Files { letters: None, .. } => Ok(HashMap::new()),
            Self::Files { letters: Some(letters), .. } => {
                let (letters, handler) = (letters.clone(), handler.to_owned());
                backup::blocking(move || {
                    let mut reader = letters.read(0);
                    let records = std::iter::from_fn(|| reader.take().transpose());
                    Ok(DeadLetters::facts_in(&handler, records)?)
                })
                .await
            }
        }
    }

    /// The commits on `subjects` behind `after`, under a consumer of its own if it takes one.
    pub(super) async fn feed(
        &self,
        subjects: Vec<String>,
        (what, keys): (&str, Option<&Keys>),
        after: Position,
    ) -> Result<Feed, Problem> {
        match self {
            Self::Log(client) => {
                let log = Log { subjects, ..Log::new(client, &log::open(client).await?, &[]) };
                let log = log.opening(keys);
                let name = format!("replay-{what}-{}", Uuid::now_v7().simple());
                Ok(Feed::start(log, name, after, Arc::new(Notify::new())))
            }
            Self::Files { events, .. } => Ok(Feed::of_files(events.clone(), subjects, after)),
        }
    }
}
