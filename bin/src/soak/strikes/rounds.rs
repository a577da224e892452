//! Choices of which every one comes. Not here: what they are.

use fastrand::Rng;

/// Goes round what there is to choose from, in an order of the seed's.
pub(super) struct Rounds<T> {
    all: Vec<T>,
    next: usize,
}

impl<T: Clone> Rounds<T> {
    pub(super) fn new(mut all: Vec<T>, rng: &mut Rng) -> Self {
        rng.shuffle(&mut all);
        Self { all, next: 0 }
    }

    /// The same, with those that `is_first` knows before all others.
    pub(super) fn first(mut self, is_first: impl Fn(&T) -> bool) -> Self {
        self.all.sort_by_key(|one| !is_first(one));
        self
    }

    pub(super) fn next(&mut self) -> Option<T> {
        let one = self.all.get(self.next % self.all.len().max(1)).cloned();
        self.next += 1;
        one
    }
}
