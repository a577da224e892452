//! A history page by page: whoever folds it holds one page of it, however long it is.

use kit::Position;

use super::{Commit, Freshness, Page, ReadError, Start, Store, StreamKey};

/// A read of one aggregate's history that is asked for page after page.
#[derive(Debug)]
pub struct Pages<'a, S> {
    store: &'a S,
    key: &'a StreamKey,
    /// None: nothing is left.
    start: Option<Start>,
    /// None: the leader is still to be asked.
    goal: Option<Position>,
}

impl<'a, S: Store> Pages<'a, S> {
    /// The commits of `key` from `start` on. With [`Freshness::Leader`] they reach at least as far
    /// as the leader knows when the first page is asked for.
    pub const fn new(store: &'a S, key: &'a StreamKey, start: Start, freshness: Freshness) -> Self {
        let goal = match freshness {
            Freshness::Any => Some(Position::ZERO),
            Freshness::Leader => None,
        };
        Self { store, key, start: Some(start), goal }
    }

    /// The next page, in order, and never an empty one; none at the end. A limit on the time that
    /// one page may take belongs around this call. The page that failed, or was given up, is asked
    /// for again by the next call.
    ///
    /// # Errors
    /// If the store is away.
    pub async fn next(&mut self) -> Result<Option<Vec<Commit>>, ReadError> {
        let Some(start) = self.start else { return Ok(None) };
        let goal = match self.goal {
            Some(goal) => goal,
            None => {
                let last = self.store.last(self.key).await?;
                if matches!(start, Start::After(after) if last <= after) {
                    self.start = None;
                    return Ok(None);
                }
                *self.goal.insert(last)
            }
        };
        let Page { commits, more } = self.store.page(self.key, start, goal).await?;
        self.start = commits.last().filter(|_| more).map(|last| Start::After(last.position));
        Ok(Some(commits).filter(|commits| !commits.is_empty()))
    }

    /// All that is left, at once. For histories that are known to be short.
    ///
    /// # Errors
    /// If the store is away.
    pub async fn rest(mut self) -> Result<Vec<Commit>, ReadError> {
        let mut commits = Vec::new();
        while let Some(page) = self.next().await? {
            commits.extend(page);
        }
        Ok(commits)
    }
}
