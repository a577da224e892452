//! What a history adds up to, the whole of it or up to a point.

use chrono::{DateTime, SecondsFormat, Utc};
use kit::{AggregateId, Version};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Histories, absent, away};
use crate::{
    aggregates::{AnyState, Untaken},
    envelope::{self, Element},
    problem::Problem,
    store::{Commit, Freshness, Pages, Start},
};

/// Up to where a history is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The whole of it.
    Now,
    /// Including the event with this version.
    Version(Version),
    /// Up to the first event that was decided later than this.
    Time(DateTime<Utc>),
}

impl At {
    fn includes(self, element: &Element<'_>) -> bool {
        match self {
            Self::Now => true,
            Self::Version(version) => element.version <= version,
            Self::Time(time) => element.time <= time,
        }
    }
}

/// An aggregate as it was.
#[derive(Debug, Serialize)]
pub struct Past {
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// How many events were folded: the version of the last one.
    pub version: Version,
    /// When the last one was decided.
    pub time: DateTime<Utc>,
    /// The state.
    pub state: Box<RawValue>,
}

/// A history as it is folded.
struct Fold {
    at: At,
    state: Box<dyn AnyState>,
    begun: Option<DateTime<Utc>>,
    last: Option<(Version, DateTime<Utc>)>,
    done: bool,
}

impl Histories {
    /// The state of one aggregate, as everything that was acknowledged before makes it.
    ///
    /// # Errors
    /// `unknown-aggregate`; `not-found` outside of the history; `corrupt` if a commit cannot be read;
    /// `unavailable` if the log does not answer.
    pub async fn state(&self, aggregate: &str, id: &AggregateId, at: At) -> Result<Past, Problem> {
        let key = self.key(aggregate, id)?;
        let state = self.entry(aggregate)?.kind.state()?;
        let mut fold = Fold { at, state, begun: None, last: None, done: false };
        let mut pages = Pages::new(&self.store, &key, Start::WHOLE, Freshness::Leader);
        while !fold.done
            && let Some(commits) = pages.next().await.map_err(away)?
        {
            for commit in &commits {
                fold.take(commit)?;
            }
            // Folding a long history is work that others wait behind.
            tokio::task::yield_now().await;
        }
        let Some(begun) = fold.begun else { return Err(absent(&key)) };
        let Some((version, time)) = fold.last else {
            let begun = rfc3339(begun);
            let detail = format!("{aggregate}/{id} begins with version 1, of {begun}");
            return Err(Problem::not_found(detail));
        };
        if matches!(at, At::Version(wanted) if version < wanted) {
            let time = rfc3339(time);
            let detail = format!("{aggregate}/{id} ends at version {version}, of {time}");
            return Err(Problem::not_found(detail));
        }
        let (aggregate, id, state) = (aggregate.to_owned(), id.clone(), fold.state.save()?);
        Ok(Past { aggregate, id, version, time, state })
    }
}

impl Fold {
    fn take(&mut self, commit: &Commit) -> Result<(), Problem> {
        let corrupt = |error: &dyn std::fmt::Display| {
            Problem::corrupt(format!("position {}: {error}", commit.position))
        };
        for element in &envelope::decode(&commit.body).map_err(|error| corrupt(&error))? {
            self.begun.get_or_insert(element.time);
            if !self.at.includes(element) {
                self.done = true;
                break;
            }
            self.state.take(element).map_err(|error| match error {
                Untaken::Unreadable(error) => corrupt(&error),
                Untaken::Broken(problem) => problem,
            })?;
            self.last = Some((element.version, element.time));
        }
        Ok(())
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
