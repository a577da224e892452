//! One history as whoever knows its aggregate's type reads it: for routes and effects that go by what has
//! happened. Not here: states whose type is not known.

use kit::{Aggregate, AggregateId, Position, Recorded};

use super::{Histories, away};
use crate::{
    envelope,
    problem::Problem,
    store::{Commit, Freshness, Pages, Start, Store as _, StreamKey},
};

impl Histories {
    /// What the history of `id` adds up to, with all that was acknowledged before; the state of one that
    /// has not begun if there is none.
    ///
    /// # Errors
    /// `corrupt` if a commit cannot be read, `unavailable` if the log does not answer.
    pub async fn fold<A: Aggregate>(&self, id: &AggregateId) -> Result<A, Problem> {
        let mut state = A::default();
        self.each::<A>(id, Position::ZERO, |recorded| state.evolve(&recorded.event)).await?;
        Ok(state)
    }

    /// Gives `visit` every event of `id` that stands behind `after`, in order, with all that were
    /// acknowledged before.
    ///
    /// # Errors
    /// `corrupt` if a commit cannot be read, `unavailable` if the log does not answer.
    pub async fn each<A: Aggregate>(
        &self,
        id: &AggregateId,
        after: Position,
        mut visit: impl FnMut(&Recorded<A::Event>),
    ) -> Result<(), Problem> {
        let key = key::<A>(id);
        // A replica that lags behind might not know what the same caller has just recorded.
        let mut pages = Pages::new(&self.store, &key, Start::After(after), Freshness::Leader);
        while let Some(page) = pages.next().await.map_err(away)? {
            page.iter().try_for_each(|commit| visit_all::<A>(commit, &mut visit))?;
        }
        Ok(())
    }

    /// Where the last commit of `id` stands; zero if there is none.
    ///
    /// # Errors
    /// `unavailable` if the log does not answer.
    pub async fn last<A: Aggregate>(&self, id: &AggregateId) -> Result<Position, Problem> {
        self.store.last(&key::<A>(id)).await.map_err(away)
    }
}

fn visit_all<A: Aggregate>(
    commit: &Commit,
    visit: &mut impl FnMut(&Recorded<A::Event>),
) -> Result<(), Problem> {
    let unreadable =
        || Problem::corrupt(format!("the commit at position {} cannot be read", commit.position));
    let elements = envelope::decode(&commit.body).map_err(|_| unreadable())?;
    for (index, element) in elements.iter().enumerate() {
        let recorded = element.record::<A::Event>(A::TYPE, commit.position, index);
        visit(&recorded.map_err(|_| unreadable())?);
    }
    Ok(())
}

fn key<A: Aggregate>(id: &AggregateId) -> StreamKey {
    StreamKey { aggregate: A::TYPE.into(), id: id.clone() }
}
