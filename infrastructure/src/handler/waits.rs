//! Commits that wait in the log behind parked keys: how many, and up to where. Pure.
//! Not here: which keys are parked; the book of dead letters knows.

use std::collections::HashMap;

use kit::Position;

/// What one owner knows of the commits that wait for its handler.
#[derive(Debug)]
pub(crate) struct Waits {
    keys: HashMap<String, Wait>,
    total: u64,
    key_max: u64,
    total_max: u64,
}

#[derive(Debug, Default)]
struct Wait {
    count: u64,
    /// Counted when the epoch began; what is delivered again up to here is not counted again.
    counted: Position,
    /// The last commit that was passed over in this epoch.
    last: Position,
}

impl Waits {
    pub(crate) fn new(key_max: u64, total_max: u64) -> Self {
        Self { keys: HashMap::new(), total: 0, key_max, total_max }
    }

    /// `count` commits of `key` up to `end` waited when the epoch began.
    pub(crate) fn found(&mut self, key: &str, count: u64, end: Position) {
        self.total += count;
        self.keys.insert(key.to_owned(), Wait { count, counted: end, last: Position::ZERO });
    }

    /// Why another commit of `key` may not wait, if so.
    pub(crate) fn full(&self, key: &str) -> Option<String> {
        let count = self.keys.get(key).map_or(0, |wait| wait.count);
        if count >= self.key_max {
            return Some(format!("{count} commits wait for {key}, and no more may"));
        }
        let total = self.total;
        (total >= self.total_max).then(|| format!("{total} commits wait, and no more may"))
    }

    /// The commit of `key` at `position` waits.
    pub(crate) fn pass(&mut self, key: &str, position: Position) {
        let wait = self.keys.entry(key.to_owned()).or_default();
        wait.last = wait.last.max(position);
        if position > wait.counted {
            wait.count += 1;
            self.total += 1;
        }
    }

    /// `count` commits of `key` wait no more.
    pub(crate) fn handled(&mut self, key: &str, count: u64) {
        if let Some(wait) = self.keys.get_mut(key) {
            let count = count.min(wait.count);
            wait.count -= count;
            self.total = self.total.saturating_sub(count);
        }
    }

    /// Nothing of `key` waits any more.
    pub(crate) fn released(&mut self, key: &str) {
        if let Some(wait) = self.keys.remove(key) {
            self.total = self.total.saturating_sub(wait.count);
        }
    }

    /// Up to where commits of `key` have been passed over, if any was in this epoch.
    pub(crate) fn last(&self, key: &str) -> Position {
        self.keys.get(key).map_or(Position::ZERO, |wait| wait.last)
    }

    /// Commits that wait, of all keys.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_counted_once_though_it_is_delivered_again() {
        let mut waits = Waits::new(10, 10);
        waits.found("a", 3, Position(20));
        for position in [15, 18, 25] {
            waits.pass("a", Position(position));
        }
        assert_eq!((waits.total(), waits.last("a")), (4, Position(25)));
        waits.handled("a", 2);
        waits.pass("b", Position(26));
        assert_eq!(waits.total(), 3);
        waits.released("a");
        assert_eq!((waits.total(), waits.last("a")), (1, Position::ZERO));
    }

    #[test]
    fn a_key_and_all_of_them_have_their_limits() {
        let mut waits = Waits::new(2, 3);
        for (key, position) in [("a", 1), ("a", 2), ("b", 3)] {
            assert_eq!(waits.full(key), None);
            waits.pass(key, Position(position));
        }
        assert!(waits.full("a").unwrap().contains("for a"));
        assert!(waits.full("b").unwrap().starts_with("3 commits"));
        waits.handled("a", 2);
        assert_eq!(waits.full("a"), None);
    }
}
