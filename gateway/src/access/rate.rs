//! How often: a rate for each of many, in a table that does not grow without bound.
//! The generic cell rate algorithm: of each only the time is kept at which its place is empty again.
//! Not here: whom a rate is for, and clocks.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Most entries in one table.
const ENTRIES_MAX: usize = 16 * 1024;

/// So many at once, and so long for each of them to be there again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many may come at once.
    pub burst: u32,
    /// How long until one more may.
    pub each: Duration,
}

impl Rate {
    /// `count` a second, and twice as many at once.
    #[must_use]
    pub fn per_second(count: u32) -> Self {
        let count = count.max(1);
        Self { burst: count.saturating_mul(2), each: Duration::from_secs(1) / count }
    }

    /// How long until a burst is there again.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.each.saturating_mul(self.burst)
    }
}

/// What a table says to one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How many more may come at once.
    pub(super) left: u32,
    /// When all may again.
    pub(super) reset: Duration,
    /// How long to wait, if this one may not.
    pub(super) wait: Option<Duration>,
}

/// Who has come how often.
#[derive(Debug)]
pub(super) struct Limiter<K> {
    rate: Rate,
    entries_max: usize,
    empty_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, entries_max: ENTRIES_MAX, empty_at: Mutex::default() }
    }

    pub(super) const fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts one of `key`, if it may come.
    pub(super) fn take(&self, key: &K, now: Instant) -> Verdict {
        let mut empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let at = empty_at.get(key).map_or(now, |at| *at.max(&now));
        let verdict = self.verdict(at + self.rate.each, now);
        if verdict.wait.is_none() {
            make_room(&mut empty_at, self.entries_max, now);
            empty_at.insert(key.clone(), at + self.rate.each);
            return verdict;
        }
        Verdict { left: 0, reset: at.duration_since(now), ..verdict }
    }

    /// What [`Self::take`] would say, without counting.
    pub(super) fn look(&self, key: &K, now: Instant) -> Verdict {
        let empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let at = empty_at.get(key).map_or(now, |at| *at.max(&now));
        self.verdict(at + self.rate.each, now)
    }

    fn verdict(&self, empty_at: Instant, now: Instant) -> Verdict {
        let (filled, window) = (empty_at.duration_since(now), self.rate.window());
        let wait = filled.checked_sub(window).filter(|wait| !wait.is_zero());
        let room = window.saturating_sub(filled).as_nanos();
        let left = room.checked_div(self.rate.each.as_nanos()).unwrap_or(0);
        Verdict { left: u32::try_from(left).unwrap_or(u32::MAX), reset: filled, wait }
    }
}

/// Who has not come for a while is like one who never came. If all have, those are forgotten that
/// have come least: a flood of names costs them a little, and nobody the memory.
fn make_room<K: Eq + Hash>(empty_at: &mut HashMap<K, Instant>, most: usize, now: Instant) {
    if empty_at.len() < most {
        return;
    }
    empty_at.retain(|_, at| *at > now);
    if empty_at.len() < most {
        return;
    }
    let mut times: Vec<_> = empty_at.values().copied().collect();
    let (_, median, _) = times.select_nth_unstable(most / 2);
    let median = *median;
    empty_at.retain(|_, at| *at > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, each: Duration::from_secs(10) };

    #[test]
    fn a_burst_may_come_and_then_one_after_the_other() {
        let (limiter, now) = (Limiter::new(RATE), Instant::now());
        for left in [2, 1, 0] {
            let verdict = limiter.take(&"ada", now);
            assert_eq!((verdict.left, verdict.wait), (left, None));
        }
        let refused = limiter.take(&"ada", now);
        assert_eq!(refused.wait, Some(Duration::from_secs(10)));
        assert_eq!((refused.left, refused.reset), (0, Duration::from_secs(30)));
        assert_eq!(limiter.take(&"bob", now).wait, None, "others are not meant");
        let later = now + Duration::from_secs(10);
        assert_eq!(limiter.look(&"ada", later).wait, None);
        assert_eq!(limiter.take(&"ada", later).wait, None);
        assert!(limiter.take(&"ada", later).wait.is_some());
        let much_later = now + Duration::from_secs(1_000);
        assert_eq!(limiter.take(&"ada", much_later).left, 2);
    }

    #[test]
    fn looking_and_being_refused_do_not_count() {
        let (limiter, now) = (Limiter::new(RATE), Instant::now());
        for _ in 0..100 {
            assert_eq!(limiter.look(&1, now).wait, None);
        }
        for _ in 0..100 {
            limiter.take(&1, now);
        }
        assert_eq!(limiter.take(&1, now + Duration::from_secs(10)).wait, None);
    }

    #[test]
    fn a_flood_of_names_does_not_fill_the_memory_and_frees_nobody_who_came_often() {
        let limiter = Limiter { entries_max: 100, ..Limiter::new(RATE) };
        let now = Instant::now();
        for _ in 0..3 {
            limiter.take(&0, now);
        }
        for name in 1..10_000 {
            limiter.take(&name, now);
            assert!(limiter.empty_at.lock().unwrap().len() <= 100);
        }
        assert!(limiter.take(&0, now).wait.is_some());
    }

    #[test]
    fn a_rate_of_nothing_is_a_rate_of_one() {
        assert_eq!(Rate::per_second(0), Rate { burst: 2, each: Duration::from_secs(1) });
        assert_eq!(Rate::per_second(100).window(), Duration::from_secs(2));
    }
}
