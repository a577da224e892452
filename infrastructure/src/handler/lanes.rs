//! Order per key and progress over all keys: what may run now, and up to where all is done.
//! Not here: running anything.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, Utc};
use kit::Position;

use super::deliveries::Delivery;

/// Commits in the hands of one handler. Those of one subject go one after the other.
pub(crate) struct Lanes {
    waiting: HashMap<String, VecDeque<Delivery>>,
    ready: VecDeque<String>,
    running: usize,
    running_max: usize,
    /// Commits that were taken and are not done.
    taken: usize,
    open: BTreeMap<Position, Open>,
    open_max: usize,
    bytes: usize,
    bytes_max: usize,
    highest: Position,
}

/// A commit in hand.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// When it was stored.
    time: DateTime<Utc>,
    bytes: usize,
}

impl Lanes {
    pub(crate) fn new(from: Position, running_max: usize, open_max: usize) -> Self {
        Self {
            waiting: HashMap::new(),
            ready: VecDeque::new(),
            running: 0,
            running_max: running_max.max(1),
            taken: 0,
            open: BTreeMap::new(),
            open_max: open_max.max(1),
            bytes: 0,
            bytes_max: usize::MAX,
            highest: from,
        }
    }

    /// At most so many bytes of commits, or one commit.
    pub(crate) fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// Takes a commit in, behind those of its subject.
    pub(crate) fn push(&mut self, delivery: Delivery) {
        self.reached(delivery.position);
        let bytes = delivery.body.len();
        if self.open.insert(delivery.position, Open { time: delivery.time, bytes }).is_none() {
            self.bytes += bytes;
        }
        // A subject that is known here is ready, or running and made ready when it is done.
        if !self.waiting.contains_key(&delivery.subject) {
            self.ready.push_back(delivery.subject.clone());
        }
        self.waiting.entry(delivery.subject.clone()).or_default().push_back(delivery);
    }

    /// Everything up to `position` has been pushed.
    pub(crate) fn reached(&mut self, position: Position) {
        self.highest = self.highest.max(position);
    }

    /// The next commit that may run, if any.
    pub(crate) fn take(&mut self) -> Option<Delivery> {
        self.take_run(1)?.pop()
    }

    /// The next commits of one subject that may run together: at least one and at most `max`.
    pub(crate) fn take_run(&mut self, max: usize) -> Option<Vec<Delivery>> {
        if self.running >= self.running_max {
            return None;
        }
        let subject = self.ready.pop_front()?;
        let waiting = self.waiting.get_mut(&subject)?;
        let count = waiting.len().min(max.max(1));
        (self.running, self.taken) = (self.running + 1, self.taken + count);
        Some(waiting.drain(..count).collect())
    }

    /// Commits of one run that was taken cannot run yet: they go back to where they were.
    pub(crate) fn put_back(&mut self, run: Vec<Delivery>) {
        self.running = self.running.saturating_sub(1);
        self.taken = self.taken.saturating_sub(run.len());
        let Some(subject) = run.first().map(|delivery| delivery.subject.clone()) else { return };
        let waiting = self.waiting.entry(subject.clone()).or_default();
        for delivery in run.into_iter().rev() {
            waiting.push_front(delivery);
        }
        self.ready.push_front(subject);
    }

    /// Takes the lane of `subject` for something else than its next commit; false while a commit
    /// of it runs.
    pub(crate) fn claim(&mut self, subject: &str) -> bool {
        if !self.waiting.contains_key(subject) {
            self.waiting.insert(subject.to_owned(), VecDeque::new());
            return true;
        }
        let Some(at) = self.ready.iter().position(|ready| ready == subject) else { return false };
        self.ready.remove(at);
        true
    }

    /// Gives a claimed lane back.
    pub(crate) fn free(&mut self, subject: &str) {
        match self.waiting.get(subject) {
            Some(queue) if !queue.is_empty() => self.ready.push_back(subject.to_owned()),
            _ => drop(self.waiting.remove(subject)),
        }
    }

    /// A commit that was taken is done; the next one of its subject may run.
    pub(crate) fn done(&mut self, subject: &str, position: Position) {
        self.behind_us(position);
        self.ended(subject);
    }

    /// A commit of a run is done; the run goes on.
    pub(crate) fn behind_us(&mut self, position: Position) {
        if let Some(open) = self.open.remove(&position) {
            self.bytes -= open.bytes;
            self.taken = self.taken.saturating_sub(1);
        }
    }

    /// A run that was taken is over; the next one of its subject may begin.
    pub(crate) fn ended(&mut self, subject: &str) {
        self.running = self.running.saturating_sub(1);
        self.free(subject);
    }

    /// Up to here everything is done.
    pub(crate) fn watermark(&self) -> Position {
        let first = self.open.first_key_value();
        first.map_or(self.highest, |(first, _)| Position(first.0.saturating_sub(1)))
    }

    /// Whether the commit at `position` has been taken in and is not done.
    pub(crate) fn holds(&self, position: Position) -> bool {
        self.open.contains_key(&position)
    }

    /// Everything up to here has been taken in.
    pub(crate) const fn highest(&self) -> Position {
        self.highest
    }

    /// The commits that are not done, from the first on.
    pub(crate) fn opened(&self) -> impl Iterator<Item = u64> {
        self.open.keys().map(|position| position.0)
    }

    /// When the first commit that is not done was stored.
    pub(crate) fn oldest(&self) -> Option<DateTime<Utc>> {
        self.open.first_key_value().map(|(_, open)| open.time)
    }

    /// Commits taken in and not done.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Commits that wait for the one before them of their subject.
    pub(crate) fn behind(&self) -> usize {
        self.open.len().saturating_sub(self.taken)
    }

    /// Whether more must wait outside.
    pub(crate) fn is_full(&self) -> bool {
        self.open.len() >= self.open_max || self.bytes >= self.bytes_max
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn commit(subject: &str, position: u64) -> Delivery {
        Delivery {
            subject: subject.to_owned(),
            position: Position(position),
            time: DateTime::default(),
            pending: 0,
            headers: None,
            body: Bytes::new(),
            sealed: None,
        }
    }

    #[test]
    fn one_subject_runs_in_order_while_others_go_on() {
        let mut lanes = Lanes::new(Position(4), 8, 8);
        for (subject, position) in [("a", 5), ("a", 6), ("b", 7)] {
            lanes.push(commit(subject, position));
        }
        let taken: Vec<_> = std::iter::from_fn(|| lanes.take()).map(|d| d.position.0).collect();
        assert_eq!(taken, [5, 7]);
        lanes.done("a", Position(5));
        assert_eq!(lanes.take().map(|delivery| delivery.position), Some(Position(6)));
    }

    #[test]
    fn a_claimed_lane_keeps_its_commits_until_it_is_free() {
        let mut lanes = Lanes::new(Position(4), 8, 8);
        lanes.push(commit("a", 5));
        assert!(lanes.claim("a") && lanes.claim("b"));
        lanes.push(commit("b", 6));
        assert!(lanes.take().is_none());
        assert!(!lanes.claim("a"), "it is claimed");
        lanes.free("b");
        assert_eq!(lanes.take().map(|delivery| delivery.position), Some(Position(6)));
        assert!(!lanes.claim("b"), "it runs");
        lanes.free("a");
        let taken = lanes.take_run(1).unwrap();
        lanes.put_back(taken);
        assert!(lanes.claim("a"));
        assert_eq!(lanes.watermark(), Position(4));
    }

    #[test]
    fn a_run_is_of_one_subject_in_order_and_what_goes_back_stands_before_what_waits() {
        let mut lanes = Lanes::new(Position(4), 8, 8);
        for (subject, position) in [("a", 5), ("a", 6), ("b", 7), ("a", 8), ("a", 9)] {
            lanes.push(commit(subject, position));
        }
        let positions = |run: &[Delivery]| run.iter().map(|it| it.position.0).collect::<Vec<_>>();
        let mut run = lanes.take_run(3).unwrap();
        assert_eq!(positions(&run), [5, 6, 8]);
        lanes.behind_us(Position(5));
        lanes.put_back(run.split_off(1));
        assert_eq!(lanes.watermark(), Position(5));
        assert_eq!(positions(&lanes.take_run(9).unwrap()), [6, 8, 9]);
        assert_eq!(positions(&lanes.take_run(9).unwrap()), [7]);
        assert!(lanes.take_run(9).is_none());
        lanes.push(commit("b", 10));
        assert_eq!((lanes.behind(), lanes.open()), (1, 5));
    }

    #[test]
    fn the_watermark_stays_below_the_first_that_is_not_done() {
        let mut lanes = Lanes::new(Position(4), 8, 8);
        assert_eq!(lanes.watermark(), Position(4));
        for (subject, position) in [("a", 5), ("b", 7), ("c", 9)] {
            lanes.push(commit(subject, position));
        }
        while lanes.take().is_some() {}
        lanes.done("b", Position(7));
        assert_eq!(lanes.watermark(), Position(4));
        lanes.done("a", Position(5));
        assert_eq!(lanes.watermark(), Position(8));
        lanes.done("c", Position(9));
        lanes.reached(Position(20));
        assert_eq!(lanes.watermark(), Position(20));
    }

    #[test]
    fn lanes_and_window_are_bounded() {
        let mut lanes = Lanes::new(Position::ZERO, 2, 3);
        for (subject, position) in [("a", 1), ("b", 2), ("c", 3)] {
            lanes.push(commit(subject, position));
        }
        assert!(lanes.is_full());
        assert_eq!(std::iter::from_fn(|| lanes.take()).count(), 2);
        lanes.done("a", Position(1));
        assert!(!lanes.is_full());
        assert!(lanes.take().is_some());
    }

    #[test]
    fn a_few_large_commits_are_as_full_as_many_small_ones() {
        let mut lanes = Lanes::new(Position::ZERO, 8, 8).with_bytes_max(100);
        let large = |position| Delivery { body: vec![0; 60].into(), ..commit("a", position) };
        lanes.push(large(1));
        assert!(!lanes.is_full());
        lanes.push(large(2));
        assert!(lanes.is_full());
        assert!(lanes.take().is_some());
        lanes.done("a", Position(1));
        assert!(!lanes.is_full());
    }
}
