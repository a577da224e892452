//! A replay of a projection: its stretch folded into a scratch file, up to the watermark.
//! Not here: the live rows; nothing here knows where they are.

use std::{path::Path, sync::Arc};

use kit::Position;
use nats::Subject;

use super::{Origin, Passed, Rehearsed, Replayed, Scope};
use crate::{
    composition::{Composition, HandlerPart},
    problem::Problem,
    readmodel::{Passage, RowsPlace, Scratch, ShownRow, Unfit},
};

/// A running replay of a projection. Dropping it ends it; its file keeps how far it has come.
pub struct Folding {
    scope: Scope,
    scratch: Scratch,
    passage: Passage,
}

impl Folding {
    /// Begins `scope` in `file`, or goes on with it there, under a consumer of its own.
    ///
    /// # Errors
    /// `not-found` or `invalid` if `composition` does not have what `scope` names, or if it is no
    /// projection; `conflict` if other code folded the file; `unavailable` if the log does not answer.
    pub async fn start(
        origin: impl Into<Origin>,
        composition: &Composition,
        scope: Scope,
        file: &Path,
    ) -> Result<Self, Problem> {
        let part = scope.part(composition)?;
        let HandlerPart::Projection(projection) = part else {
            return Err(Problem::invalid(format!("{} is no projection", scope.handler)));
        };
        let subjects = scope.subjects(part)?;
        let origin = origin.into();
        let facts = origin.facts(&scope.handler).await?;
        let mut scratch = Scratch::open(file, Arc::clone(projection), scope.kind.clone()).await?;
        scratch.facts = facts.into_iter().map(|(key, it)| (key, Arc::new(it))).collect();
        let before = Position(scope.from.0.saturating_sub(1)).max(scratch.position());
        let feed = origin.feed(subjects, (&scope.handler, composition.keys()), before).await?;
        let passage = Passage::of(feed, before);
        Ok(Self { scope, scratch, passage })
    }

    /// What comes next, with the events that cannot be folded; none at the watermark.
    ///
    /// # Errors
    /// `unavailable` if the file or the log does not answer.
    pub async fn next(&mut self) -> Result<Option<Passed>, Problem> {
        if self.scratch.position() >= self.scope.to {
            return Ok(None);
        }
        let before = self.scratch.events().await?;
        let hand = self.passage.next(self.scope.to).await?;
        let pending = hand.commits.back().map_or(0, |commit| commit.pending);
        let unfit = self.scratch.fold(hand.commits, hand.to).await?;
        let events = self.scratch.events().await?.saturating_sub(before);
        Ok(Some(Passed {
            position: self.scratch.position(),
            pending,
            events: usize::try_from(events).unwrap_or(usize::MAX),
            replayed: unfit.into_iter().filter_map(failed).collect(),
        }))
    }

    /// Events that are in the rows, from the beginning on.
    ///
    /// # Errors
    /// `unavailable` if the file does not answer.
    pub async fn events(&self) -> Result<u64, Problem> {
        self.scratch.events().await
    }

    /// The rows behind `place`, and where they end; none behind the last.
    ///
    /// # Errors
    /// `unavailable` if the file does not answer.
    pub async fn rows(
        &self,
        place: RowsPlace,
    ) -> Result<Option<(Vec<ShownRow>, RowsPlace)>, Problem> {
        self.scratch.rows(place).await
    }

    /// Ends it and lets go of the file.
    pub async fn close(self) {
        self.scratch.close().await;
    }
}

fn failed(unfit: Unfit) -> Option<Replayed> {
    let Unfit { at: cursor, event, kind, subject, reason } = unfit;
    let Subject::Event { aggregate, id } = Subject::parse(&subject)? else { return None };
    let outcome = Rehearsed::Failed { reason };
    Some(Replayed { at: cursor.to_string(), cursor, event, kind, aggregate, id, outcome })
}

impl std::fmt::Debug for Folding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folding").field("scope", &self.scope).finish_non_exhaustive()
    }
}
